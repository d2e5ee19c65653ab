"""LiteLLM's price map (``model_prices_and_context_window.json``, or one of that form) into the models that are used.

A model is found at its vendor's address, and at one's own where an endpoint asks a server that speaks like the vendor.

The map knows thousands of models; a catalogue of all of them would help nobody. So it amends those that providers here
catalogue, and adds those that endpoints send to; the rest is counted. Limits and types are replaced, capabilities are
added. A price that differs becomes a new one that begins now. One that was entered here by hand is kept, with a note.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers.accounts import keyless_kinds, kind_urls
from routing.config.importers.fields import Fields
from routing.config.importers.format import Format
from routing.config.importers.litellm_facts import COSTS, MODES, facts_of
from routing.config.importers.litellm_vendors import VENDORS
from routing.config.importers.offers import Facts, in_force, offer, offered, same
from routing.config.importers.source import Source

SOURCE = "LiteLLM price map"
SAMPLE = "sample_spec"
MOST_NAMED = 20
SPOKEN = {"openai-compatible": "openai"}
"""Kinds of servers that speak as a vendor does → the vendor's."""
SIGNS = ("litellm_provider", "input_cost_per_token")
Models = Mapping[tuple[str, str], list[tuple[str, str]]]
"""(vendor's kind and host, model as it is sent) → (provider, model) here."""


def _recognises(source: Source) -> bool:
    return any(isinstance(row, Mapping) and any(sign in row for sign in SIGNS) for row in source.mapping.values())


def _read(source: Source, draft: Draft) -> None:
    used = _used(draft)
    file = Fields(draft, "", source.mapping)
    left, placeless = list[str](), Counter[str]()
    met: set[tuple[str, str]] = set()
    for name in map(str, file.said):
        if name == SAMPLE:
            continue
        said = file.inner(name)
        places = [place for key in _model(name, said) for place in used.get(key, ()) if place not in met]
        if not places:
            left.append(name)
            continue
        facts = facts_of(Fields(draft, said.path, {}), said, MODES.get(said.text("mode"), ""))
        placeless.update(key for key in said.said if "_cost_" in key and key not in COSTS and said.said[key])
        for provider, model in places:
            met.add((provider, model))
            draft.came_from(f"providers/{provider}/models/{model}", said.path)
            offer(draft, provider, model, _without_kept_price(draft, provider, model, facts, said.path), SOURCE)
    if left:
        more = " …" if len(left) > MOST_NAMED else ""
        named = f"{', '.join(map(shown, left[:MOST_NAMED]))}{more}"
        draft.note("", f"{len(left):,} models that neither providers nor endpoints here use are left out: {named}")
    for key, count in sorted(placeless.items()):
        draft.note("", f"{key} has no place here, left out of {count:,} models")


def _model(name: str, said: Fields) -> list[tuple[str, str]]:
    """Where a line's model is, and how it is called there: ("mistral api.mistral.ai", "mistral-large-latest"); then
    where it is at an address of one's own ("mistral ")."""
    word = said.text("litellm_provider") or name.partition("/")[0]
    vendor = VENDORS.get(word)
    if vendor is None:
        return []
    model = name.removeprefix(f"{word}/")
    own = [] if vendor.base_url else [(_vendor(SPOKEN.get(vendor.kind, vendor.kind), ""), model)]
    return [(_vendor(vendor.kind, vendor.base_url or kind_urls().get(vendor.kind, "")), model), *own]


def _vendor(kind: str, url: str) -> str:
    return f"{kind} {_host(url)}"


def _used(draft: Draft) -> Models:
    """What providers here catalogue, and what endpoints send; the latter at addresses that are no vendor's, too."""
    used: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    providers = draft.section("providers")
    theirs = [url for kind, url in kind_urls().items() if kind not in keyless_kinds()]
    vendors = {_host(url) for url in (*theirs, *(vendor.base_url for vendor in VENDORS.values()))}
    for provider, model in _offered_or_sent(draft):
        said = providers[provider]
        place = _vendor(said["kind"], said["base_url"]), model
        if (provider, model) not in used[place]:
            used[place].append((provider, model))
    for row in draft.section("endpoints").values():
        said, sent = providers[row["provider"]], (row["provider"], row["upstream_model"])
        place = _vendor(SPOKEN.get(said["kind"], said["kind"]), ""), row["upstream_model"]
        if _host(said["base_url"]) not in vendors and row["upstream_model"] != "*" and sent not in used[place]:
            used[place].append(sent)
    return used


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _offered_or_sent(draft: Draft) -> Iterator[tuple[str, str]]:
    for provider, said in draft.section("providers").items():
        for name, row in said.get("models", {}).items():
            yield provider, row.get("upstream_name") or name
    for row in draft.section("endpoints").values():
        if row["upstream_model"] != "*":
            yield row["provider"], row["upstream_model"]


def _without_kept_price(draft: Draft, provider: str, model: str, facts: Facts, path: str) -> Facts:
    """A price that is neither the product's catalogue's nor an importer's is an operator's own."""
    name = offered(draft, provider, model)
    row: dict[str, Any] = draft.section("providers")[provider].get("models", {}).get(name, {}) if name else {}
    present = in_force(row, datetime.now(UTC))
    if present is None or same(present, facts) or _is_published(row, present):
        return facts
    draft.note(path, f"the price of {provider}/{name} was entered here and is kept")
    return Facts(facts.type, facts.max_input_tokens, facts.max_output_tokens, facts.capabilities)


def _is_published(row: Mapping[str, Any], price: Mapping[str, Any]) -> bool:
    source = price.get("source")
    catalogued = (row.get("known", {}).get("price") or {}).get("source")
    return source in (SOURCE, catalogued)


FORMAT = Format(
    "a price map of LiteLLM's form", "models with “litellm_provider” or “input_cost_per_token”", _recognises, _read
)
