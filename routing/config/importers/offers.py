"""What is known of a provider's model, into the draft: type, limits, capabilities, and prices that are dated.

A new figure is a new price that begins now, so that past costs stay explainable. A limit or type is replaced;
capabilities are only added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from providers.models import ModelType
from routing.config.amend import Draft

FIGURES = ("input", "output", "cached_input", "cache_write", "request")
MOST_DECIMALS = 9
DEFAULT_TYPE = str(ModelType.TEXT_GENERATION)


@dataclass(frozen=True, slots=True)
class Facts:
    """``figures``: by the names of ``FIGURES``, per million, in ``currency``; those that are left out are unknown."""

    type: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: Sequence[str] = ()
    figures: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = "USD"


def offered(draft: Draft, provider: str, upstream_model: str) -> str | None:
    """The name under which the provider catalogues what it is sent as ``upstream_model``."""
    models = draft.section("providers")[provider].get("models", {})
    by_upstream = (name for name, row in models.items() if row.get("upstream_name") == upstream_model)
    return upstream_model if upstream_model in models else next(by_upstream, None)


def offer(draft: Draft, provider: str, upstream_model: str, facts: Facts, source: str) -> None:
    """Write what is known of a model. One that the provider does not catalogue is added where there is something to
    say: a type other than text generation, or any fact."""
    name = offered(draft, provider, upstream_model)
    said = _limits(facts)
    if name is None:
        if not said and not facts.figures and facts.type in ("", DEFAULT_TYPE):
            return
        name = upstream_model
    row = draft.section("providers")[provider].setdefault("models", {}).setdefault(name, {})
    row.update(said)
    if facts.type == DEFAULT_TYPE:
        row.pop("type", None)
    elif facts.type:
        row["type"] = facts.type
    missing = [word for word in facts.capabilities if word not in row.get("capabilities", ())]
    if missing:
        row["capabilities"] = sorted([*row.get("capabilities", ()), *missing])
    if facts.figures:
        _price(row, facts, source)


def in_force(row: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """The price of a catalogued model that counts now: the latest that has begun."""
    begun = [price for price in row.get("prices", []) if _begins(price) <= now]
    return max(begun, key=_begins, default=None)


def same(price: Mapping[str, Any], facts: Facts) -> bool:
    """Whether a price says every figure of ``facts``."""
    return price.get("currency", "USD") == facts.currency and all(
        price.get(name) is not None and Decimal(str(price[name])) == figure for name, figure in facts.figures.items()
    )


def _limits(facts: Facts) -> dict[str, int]:
    limits = {"max_input_tokens": facts.max_input_tokens, "max_output_tokens": facts.max_output_tokens}
    return {name: limit for name, limit in limits.items() if limit}


def _price(row: dict[str, Any], facts: Facts, source: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    present = in_force(row, now)
    if present is not None and same(present, facts):
        return
    fresh: dict[str, Any] = {name: _plain(figure) for name, figure in facts.figures.items()}
    fresh |= {"source": source} | ({"currency": facts.currency} if facts.currency != "USD" else {})
    if present is not None:
        fresh["valid_from"] = now.isoformat().replace("+00:00", "Z")
    prices = [price for price in row.get("prices", []) if price.get("valid_from") != fresh.get("valid_from")]
    row["prices"] = sorted([*prices, fresh], key=_begins)


def _begins(price: Mapping[str, Any]) -> datetime:
    said = price.get("valid_from")
    return datetime.fromisoformat(said) if said else datetime.min.replace(tzinfo=UTC)


def _plain(figure: Decimal) -> str:
    return format(round(figure, MOST_DECIMALS).normalize(), "f")
