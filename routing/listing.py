"""What can be called now, as ``/v1/models`` lists it. Pure. ◇ no framework.

Public models and categories with a usable endpoint, then the bare names, then ``provider/model`` of configured
providers; each group by name, each name once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from routing.types import Candidate, Catalog, ListedModel, Route

OWNER = "switchyard"


def listed_models(catalog: Catalog, document: Mapping[str, Any], created: int) -> tuple[ListedModel, ...]:
    """``catalog`` without its list, and the document it was built from → the list. ``created``: Unix seconds."""
    lines: dict[str, ListedModel] = {}
    for line in (*_models(catalog, document, created), *_categories(catalog, created), *_offered(catalog, created)):
        if line.id not in catalog.aliases:
            lines.setdefault(line.id, line)
    return tuple(lines.values())


def _models(catalog: Catalog, document: Mapping[str, Any], created: int) -> Iterator[ListedModel]:
    for name, said in sorted(document.get("models", {}).items()):
        route = catalog.routes.get(name)
        usable = _usable(route)
        if route is not None and usable:
            owner = said.get("owned_by") or usable[0].target.provider
            aliases = tuple(said.get("aliases", ()))
            yield ListedModel(name, route.type, owner, created, aliases, _smallest_window(usable))


def _categories(catalog: Catalog, created: int) -> Iterator[ListedModel]:
    for name, route in sorted(catalog.categories.items()):
        usable = _usable(route)
        if usable:
            window = _smallest_window(usable)
            yield ListedModel(name, route.type, OWNER, created, max_context_length=window)


def _offered(catalog: Catalog, created: int) -> Iterator[ListedModel]:
    """Bare names, unless a route of that name hides them; then every model under its provider's name."""
    qualified: dict[str, Candidate] = {}
    for name, candidates in sorted(catalog.bare.items()):
        usable = [candidate for candidate in candidates if candidate.reason_skipped is None]
        for candidate in usable:
            qualified[f"{candidate.target.provider}/{name}"] = candidate
        if usable and name not in catalog.routes and name not in catalog.categories:
            yield _line(name, usable[0], created)
    for name, candidate in sorted(qualified.items()):
        if name not in catalog.routes and name not in catalog.categories:
            yield _line(name, candidate, created)


def _line(name: str, candidate: Candidate, created: int) -> ListedModel:
    facts = candidate.facts
    return ListedModel(name, facts.type, candidate.target.provider, created, max_context_length=facts.max_input_tokens)


def _usable(route: Route | None) -> list[Candidate]:
    return [candidate for candidate in route.candidates if candidate.reason_skipped is None] if route else []


def _smallest_window(candidates: Iterable[Candidate]) -> int | None:
    known = [facts.max_input_tokens for facts in (one.facts for one in candidates) if facts.max_input_tokens]
    return min(known, default=None)
