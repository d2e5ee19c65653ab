"""The category router's ``router_config.json``: categories with their chains of ``provider/model``.

Its form is that of ``categories``, as ``GET /config`` answers. Beside that, keywords may stand at the top,
``{"keywords": {category: […]}}``, a category may be its list of keywords alone, or carry its ``models``, and
``categories`` may be a list of objects with a ``name``. Categories that the file does not name stay.

That system left a model alone for five minutes after three failures. So the endpoints in the chains get these pauses,
unless the file says ``circuits``, or they have pauses of their own already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers.accounts import counted
from routing.config.importers.categories import CIRCUITS, OWN, set_chain, set_own, take
from routing.config.importers.format import Format
from routing.config.importers.source import Source

KNOWN = ("model_mappings", "categories", "keywords", "circuits")
PAUSES = {"circuit_failures": 3, "circuit_pause": 300.0, "circuit_pause_max": 300.0}
MOST = 1000  # categories, circuits
SHOWN = 50


def _recognises(source: Source) -> bool:
    return "model_mappings" in source.mapping or "categories" in source.mapping


def _read(source: Source, draft: Draft) -> None:
    content = source.mapping
    _note_unknown(draft, "", content, KNOWN)
    chains: dict[str, tuple[str, Any]] = {}
    for path, name, models in _items(draft, content, "model_mappings"):
        take(draft, name, path)
        chains[name] = path, models
    for path, name, said in _categories(draft, content):
        take(draft, name, path)
        _own(draft, name, said, path)
        if "models" in said and name in chains:
            draft.complain(f"{path}/models", f"model_mappings says the models of {shown(name)} as well")
        elif "models" in said:
            chains[name] = f"{path}/models", said["models"]
    for path, name, words in _items(draft, content, "keywords"):
        take(draft, name, path)
        set_own(draft, name, {"keywords": words}, path)
        draft.came_from(f"categories/{name}/keywords", path)
    named = [endpoint for name, (path, models) in chains.items() for endpoint in set_chain(draft, name, models, path)]
    _circuits(draft, content, named)
    draft.tell(
        f"Configuration of the categories loaded from {source.name}: "
        f"{counted(len(chains), 'chain')}, {counted(len(named), 'model')}"
    )
    for name, said in draft.section("categories").items():
        if not said.get("entries") and f"categories/{name}" in draft.places:
            draft.note("", f"no models are named for the category {shown(name)}: nobody answers it")


def _items(draft: Draft, content: dict[str, Any], section: str) -> Iterator[tuple[str, str, Any]]:
    """(path, name, what is said) of the mapping ``section``; nothing, with a complaint, where it is none."""
    said = content.get(section, {})
    if not isinstance(said, dict):
        draft.complain(section, f"expected an object, not {shown(said)}")
    elif len(said) > MOST:
        draft.complain(section, f"expected at most {MOST}")
    else:
        yield from ((f"{section}/{name}", name, item) for name, item in said.items())


def _categories(draft: Draft, content: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The section ``categories``, whichever its form, as objects."""
    said = content.get("categories")
    if isinstance(said, list):
        yield from _listed(draft, said)
        return
    for path, name, item in _items(draft, content, "categories"):
        if isinstance(item, list | dict):
            yield path, name, item if isinstance(item, dict) else {"keywords": item}
        else:
            draft.complain(path, f"expected an object, or a list of keywords, not {shown(item)}")


def _listed(draft: Draft, said: list[Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    seen: set[str] = set()
    if len(said) > MOST:
        draft.complain("categories", f"expected at most {MOST}")
        return
    for index, item in enumerate(said):
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str):
            draft.complain(f"categories/{index}", f'expected an object with a "name", not {shown(item)}')
        elif name in seen:
            draft.complain(f"categories/{index}/name", f"a second category {shown(name)}")
        else:
            seen.add(name)
            yield f"categories/{index}", name, {key: value for key, value in item.items() if key != "name"}


def _own(draft: Draft, name: str, said: dict[str, Any], path: str) -> None:
    _note_unknown(draft, path, said, (*OWN, "models"))
    set_own(draft, name, {key: value for key, value in said.items() if key in OWN}, path)


def _circuits(draft: Draft, content: dict[str, Any], named: list[str]) -> None:
    endpoints = draft.section("endpoints")
    if "circuits" not in content:
        for row in (endpoints[name] for name in named):
            if not PAUSES.keys() & row.keys():
                row.update(PAUSES)
        return
    for path, name, said in _items(draft, content, "circuits"):
        if name not in endpoints or not isinstance(said, dict):
            draft.complain(path, "expected the name of an endpoint with an object of failures, pause and pause_max")
            continue
        _note_unknown(draft, path, said, tuple(CIRCUITS))
        for word, column in CIRCUITS.items():
            if word in said:
                endpoints[name][column] = said[word]
                draft.came_from(f"endpoints/{name}/{column}", f"{path}/{word}")


def _note_unknown(draft: Draft, path: str, said: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = [shown(key) for key in said if key not in known]
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        draft.note(path, f"not understood, and left out: {', '.join(unknown[:SHOWN])}{more}")


FORMAT = Format("the category router's router_config.json", "“model_mappings” or “categories”", _recognises, _read)
