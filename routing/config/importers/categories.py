"""Categories in the category router's words, in and out: its configuration file and its API say them alike.

    {"model_mappings": {category: [model, …]},
     "categories": {category: {"keywords": […], "weights": {…}, "strategy": …, "enabled": …, "description": …}},
     "circuits": {endpoint: {"failures": …, "pause": …, "pause_max": …}}}

A model is an endpoint's name; else ``provider/model``, where the provider is said by its name or its kind, and the
model as the provider's list calls it or as it is sent; else the name of a public model. What no such word can say is an
entry as in our own document, ``{"endpoint": name, "weight": 2}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.targets import normal_url
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers.accounts import free_name
from routing.config.shape import columns
from routing.models import Category
from routing.resolve import identity

Said = Mapping[str, Any]
Entry = dict[str, Any]
Places = dict[tuple[str, str], str]
OWN = tuple(column.name for column in columns(Category))
CIRCUITS = {"failures": "circuit_failures", "pause": "circuit_pause", "pause_max": "circuit_pause_max"}
LONGEST_CHAIN = 100
MOST_MEANT = 3
PASS_NAME = "*"  # noqa: S105 - an upstream model, not a password


def rendered(document: Said) -> dict[str, Any]:
    """The document's categories as a file that, imported, changes nothing."""
    categories = document.get("categories", {})
    endpoints = document.get("endpoints", {})
    chained = {entry["endpoint"] for said in categories.values() for entry in _entries(said) if "endpoint" in entry}
    circuits = {name: _circuit(endpoints[name]) for name in sorted(chained)}
    return {
        "model_mappings": {name: chain(document, name) for name, said in categories.items() if _entries(said)},
        "categories": {name: settings(said) for name, said in categories.items()},
        "circuits": {name: circuit for name, circuit in circuits.items() if circuit},
    }


def chain(document: Said, category: str) -> list[Any]:
    """The models of a category, each as a word where one says it all."""
    there = _places(document)
    return [_word(document, entry, there) for entry in _entries(document["categories"][category])]


def settings(said: Said) -> dict[str, Any]:
    """What a category says beside its chain; keywords always."""
    return {"keywords": [], **{name: said[name] for name in OWN if name in said}}


def take(draft: Draft, category: str, where: str, *, afresh: bool = False) -> None:
    """Have a category of this name in the draft; ``afresh``: with nothing of one that is there. ``where``: who says."""
    rows = draft.section("categories")
    if afresh or category not in rows:
        rows[category] = {}
    draft.came_from(f"categories/{category}", where)
    owner = next((name for name, row in draft.section("models").items() if category in row.get("aliases", ())), None)
    if owner is not None:
        draft.complain(where, f"{shown(category)} is already an alias of the public model {shown(owner)}")


def set_chain(draft: Draft, category: str, models: Any, where: str) -> list[str]:
    """Make ``models`` the chain of a category of the draft. The names of the endpoints in it, new ones included.

    ``where`` is its place in the source; what is wrong is complained of with the number of the model.
    """
    if not isinstance(models, list) or not 1 <= len(models) <= LONGEST_CHAIN:
        draft.complain(where, f"expected a list of 1 to {LONGEST_CHAIN} models (provider/model), not {shown(models)}")
        return []
    entries: list[Entry] = []
    there = _places(draft.document)
    for index, model in enumerate(models):
        place = f"{where}/{index}"
        entry = _known(draft.document, model, there) or _new(draft, model, place, there)
        if entry is None:
            continue
        if isinstance(model, str) and entry in entries:
            draft.note(place, f"{shown(model)} is in this chain already, and is tried once")
        draft.came_from(f"categories/{category}/entries/{len(entries)}", place)
        entries.append(entry)
    draft.section("categories")[category]["entries"] = entries
    targets = [entry.get("endpoint") for entry in entries]
    named = [name for name in targets if isinstance(name, str) and name in draft.section("endpoints")]
    _note_disabled(draft, named, where)
    return named


def set_own(draft: Draft, category: str, said: Said, where: str) -> None:
    """Write what is said of a category beside its chain (names of ``OWN``); weights of keywords that go, go too."""
    row = draft.section("categories")[category]
    if isinstance(said.get("keywords"), list) and "weights" not in said and "weights" in row:
        row["weights"] = {word: weight for word, weight in row["weights"].items() if word in said["keywords"]}
    for name, value in said.items():
        row[name] = value
        draft.came_from(f"categories/{category}/{name}", f"{where}/{name}" if where else name)


def identities(document: Said, model: str) -> dict[str, str]:
    """The keys of shared state that a model's name means → the endpoint's name; several where a provider's model has
    endpoints at several URLs, none where nothing is known by that name."""
    endpoints: Mapping[str, Said] = document.get("endpoints", {})
    if model in endpoints:
        return {_identity(document, endpoints[model]): model}
    meant = _provider_model(document, model)
    if meant is None:
        return {}
    provider, upstream = meant
    found = {
        _identity(document, row): name
        for name, row in endpoints.items()
        if (row["provider"], row["upstream_model"]) == meant
    }
    offered = document["providers"][provider].get("models", {})
    if any(upstream == (row.get("upstream_name") or name) for name, row in offered.items()):
        found.setdefault(_identity(document, {"provider": provider, "upstream_model": upstream}), model)
    return found


def names(document: Said) -> dict[str, str]:
    """The keys of shared state of all endpoints → their names."""
    return {_identity(document, row): name for name, row in document.get("endpoints", {}).items()}


def unused(document: Said, names: Iterable[str]) -> list[str]:
    """Those of the endpoints ``names`` that are in no list of the document."""
    lists = (*document.get("categories", {}).values(), *document.get("models", {}).values())
    used = {entry.get("endpoint") for said in lists for entry in _entries(said)}
    return sorted(set(names) - used)


def _entries(said: Said) -> list[Entry]:
    entries: list[Entry] = said.get("entries", [])
    return entries


def _circuit(row: Said) -> dict[str, Any]:
    return {word: row[column] for word, column in CIRCUITS.items() if column in row}


def _word(document: Said, entry: Entry, there: Places) -> Any:
    word = next((entry[kind] for kind in ("endpoint", "model") if kind in entry), "")
    return word if _known(document, word, there) == entry else entry


def _note_disabled(draft: Draft, endpoints: Iterable[str], where: str) -> None:
    asked = {draft.section("endpoints")[name]["provider"] for name in endpoints}
    for provider in sorted(asked):
        if not draft.section("providers")[provider].get("enabled", True):
            draft.note(where, f"the provider {provider} is disabled: its models are passed over until it is enabled")


def _places(document: Said) -> Places:
    """The endpoints at their providers' own URLs: (provider, model as it is sent) → name."""
    rows = document.get("endpoints", {}).items()
    return {(row["provider"], row["upstream_model"]): name for name, row in rows if not row.get("base_url")}


def _known(document: Said, model: Any, there: Places) -> Entry | None:
    """The entry that a model of a source means, where all of it is there already."""
    if isinstance(model, dict):
        return model  # checked with the document
    if not isinstance(model, str):
        return None
    if model in document.get("endpoints", {}):
        return {"endpoint": model}
    meant = _provider_model(document, model)
    if meant is not None:
        return {"endpoint": there[meant]} if meant in there else None
    models: Mapping[str, Said] = document.get("models", {})
    owner = next((name for name, row in models.items() if name == model or model in row.get("aliases", ())), None)
    return None if owner is None else {"model": owner}


def _new(draft: Draft, model: Any, where: str, there: Places) -> Entry | None:
    """The entry of a new endpoint; None, with a complaint, where no provider is meant, or no model of it."""
    if not isinstance(model, str):
        draft.complain(where, f"expected provider/model as text, not {shown(model)}")
        return None
    meant = _provider_model(draft.document, model)
    if meant is None:
        draft.complain(where, _no_provider(draft.section("providers"), model))
        return None
    provider, upstream = meant
    if upstream == PASS_NAME:
        draft.complain(where, "expected the name of one model behind the provider's, not *")
        return None
    name = free_name(f"{provider}/{model.partition('/')[2]}", draft.section("endpoints"))
    draft.section("endpoints")[name] = {"provider": provider, "upstream_model": upstream}
    draft.came_from(f"endpoints/{name}", where)
    there[meant] = name
    return {"endpoint": name}


def _no_provider(providers: Mapping[str, Said], model: str) -> str:
    """What is wrong with a model of which no provider is meant; those that offer it, if any does."""
    prefix, slash, rest = model.partition("/")
    wrong = (
        f"there is no provider {shown(prefix)}" if slash and rest else f"expected provider/model, not {shown(model)}"
    )
    name = rest or model
    offering = [f"{one}/{name}" for one in sorted(providers) if name in providers[one].get("models", {})]
    if offering:
        return f"{wrong}; did you mean {' or '.join(offering[:MOST_MEANT])}?"
    return f"{wrong}; providers: {', '.join(sorted(providers))}"


def _provider_model(document: Said, model: str) -> tuple[str, str] | None:
    """``provider/model`` → (the provider's name, the model as it is sent); None where no provider is meant."""
    prefix, slash, rest = model.partition("/")
    providers: Mapping[str, Said] = document.get("providers", {})
    provider = prefix if prefix in providers else next(_of_kind(providers, prefix), None)
    if not slash or not rest or provider is None:
        return None
    offered = providers[provider].get("models", {}).get(rest, {})
    return provider, offered.get("upstream_name") or rest


def _of_kind(providers: Mapping[str, Said], kind: str) -> Iterator[str]:
    """Enabled ones first, by position."""
    found = [name for name, row in providers.items() if row["kind"] == kind]
    yield from sorted(
        found, key=lambda name: (not providers[name].get("enabled", True), providers[name].get("position", 0), name)
    )


def _identity(document: Said, row: Said) -> str:
    base_url = row.get("base_url") or document["providers"][row["provider"]]["base_url"]
    return identity(row["provider"], row["upstream_model"], normal_url(base_url))
