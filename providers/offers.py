"""What a provider lists, beside what is configured of it: what is new, known or gone; and adding what was chosen.

A vendor's own figures come first. What it does not say is filled from the product's catalogue, then from genai-prices
by the vendor's address; what nobody says stays unknown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers.adapters.listings import OTHER, ListedUpstreamModel
from providers.catalogue import FIGURES, KnownModel, known_models
from providers.catalogue.published import published_facts, published_price
from providers.catalogue.refresh import newest_price
from providers.errors import UpstreamError
from providers.kinds import KINDS
from providers.models import ModelType, Price, Provider, ProviderKey, ProviderModel
from providers.secrets import Undecryptable
from providers.targets import make_target
from providers.wire import Credential, Target

FIELDS = ("kind", "base_url", "auth_header", "auth_scheme", "paths", "extra_body", "ca_bundle")
OWN_LIST = "the provider's own list"


class NoKey(UpstreamError):
    """The provider needs a key and has none that can be sent."""

    outcome = "no_key"


@dataclass(frozen=True, slots=True)
class Offer:
    """One model at a provider. ``state``: new, known (configured and listed), gone (configured, not listed) or other
    (listed, but of a type that the gateway does not serve). ``figures`` by field name of Price, USD per million."""

    name: str
    state: str
    type: str = ModelType.TEXT_GENERATION.value
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    figures: tuple[tuple[str, Decimal], ...] = ()
    source: str = ""


def place_of(provider: Provider) -> tuple[Target, tuple[Credential, ...]]:
    """Where ``provider`` is asked and with which keys, from its rows as they are now. Keys that cannot be read count
    as absent. Raises ``NoKey`` where none is left and the provider is not said to work without."""
    headers = {row.name: row.value for row in provider.headers.all() if _readable(row.value)}
    said = {name: getattr(provider, name) for name in FIELDS}
    target = make_target(provider.name, said, headers, provider.proxy if _readable(provider.proxy) else None)
    keys = [key for key in provider.keys.all() if key.enabled]
    secrets = [(key, os.environ.get(key.env_var, "").strip() if key.env_var else key.secret) for key in keys]
    credentials = tuple(Credential(str(key), secret) for key, secret in secrets if _readable(secret))
    if not credentials and not provider.keyless:
        raise NoKey(_no_key(provider, keys))
    return target, credentials


def compare(provider: Provider, listed: Iterable[ListedUpstreamModel]) -> list[Offer]:
    """What ``provider`` lists, new ones first, then those known, then those gone, then what is not served."""
    rows = {row.upstream_name or row.name: row for row in provider.models.prefetch_related("prices")}
    names = {row.name for row in rows.values()}
    lines = {line.upstream_name or line.name: line for line in known_models() if line.provider == provider.kind}
    offers = []
    seen = set()
    for model in listed:
        same = {model.name, model.name.removesuffix(":latest")}  # Ollama's own equality
        seen |= same
        known = bool(same & (rows.keys() | names))
        state = "known" if known else "other" if model.type == OTHER else "new"
        offers.append(_offer(model, state, lines.get(model.name), provider.base_url))
    offers += [Offer(row.name, "gone", row.type) for sent, row in rows.items() if sent not in seen]
    order = {state: number for number, state in enumerate(("new", "known", "gone", "other"))}
    return sorted(offers, key=lambda offer: (order[offer.state], offer.name.lower()))


def add(provider: Provider, offers: Iterable[Offer]) -> list[str]:
    """Make rows of the new ones among ``offers``; their names. Within the caller's ``one_change``.

    What has meanwhile been configured under the same name is left as it is.
    """
    present = set(provider.models.values_list("name", flat=True))
    added = []
    for offer in offers:
        if offer.state != "new" or offer.name in present:
            continue
        row = ProviderModel(
            provider=provider,
            name=offer.name,
            type=offer.type,
            max_input_tokens=offer.max_input_tokens,
            max_output_tokens=offer.max_output_tokens,
            capabilities=list(offer.capabilities),
        )
        row.save()
        if offer.figures:
            Price(model=row, source=offer.source[:100], **dict(offer.figures)).save()
        present.add(offer.name)
        added.append(offer.name)
    return added


def _no_key(provider: Provider, keys: list[ProviderKey]) -> str:
    named = [key.env_var for key in keys if key.env_var]
    usual = " or ".join(KINDS[provider.kind].env_vars)
    way = f"set {' or '.join(named)}, or add" if named else "add"
    way += " a key in the admin"
    if usual and not named:
        way += f", itself or as the name of its variable ({usual})"
    return f"There is no key, so nothing was sent: {way}. If none is needed, tick “works without a key”."


def _offer(model: ListedUpstreamModel, state: str, line: KnownModel | None, base_url: str) -> Offer:
    figures, source = _price(model, line, base_url)
    window, _price_there = published_facts(base_url, model.name)
    return Offer(
        model.name,
        state,
        _type(model, line),
        model.max_input_tokens or (line.max_input_tokens if line else None) or window,
        model.max_output_tokens or (line.max_output_tokens if line else None),
        model.capabilities or (line.capabilities if line else ()),
        figures,
        source,
    )


def _type(model: ListedUpstreamModel, line: KnownModel | None) -> str:
    if model.type in ModelType.values:
        return str(model.type)
    return line.type if line is not None else ModelType.TEXT_GENERATION.value


def _price(
    model: ListedUpstreamModel, line: KnownModel | None, base_url: str
) -> tuple[tuple[tuple[str, Decimal], ...], str]:
    """(figures, where they come from). Figures of two sources are never mixed: they would not be one price."""
    if "input" in model.prices:
        return tuple(sorted(model.prices.items())), OWN_LIST
    known = newest_price(line, published_price) if line is not None else None
    if known is None:
        _window, known = published_facts(base_url, model.name)
    if known is None:
        return (), ""
    figures: dict[str, Any] = known.figures()
    return tuple((name, figures[name]) for name in FIGURES if figures[name] is not None), known.source


def _readable(secret: Any) -> bool:
    return bool(secret) and not isinstance(secret, Undecryptable)
