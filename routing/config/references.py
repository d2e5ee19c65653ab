"""Whether a document's names fit together: references, the shared name space, identities, cycles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import ValidationError

from routing.config.document import shown
from routing.models.endpoints import ROUTE_NAME
from routing.models.routes import RESERVED_NAMES

Said = Mapping[str, Any]
Complain = Callable[[str, str], None]
WILDCARD = "*"


def check_references(document: Said, complain: Complain) -> None:
    """``complain(path, message)`` of each name that does not fit. ``document``: its types are right already."""
    _endpoints(document, complain)
    _names(document, complain)
    for path, kind, name in _entries(document):
        section = "endpoints" if kind == "endpoint" else "models"
        if name not in document.get(section, {}):
            complain(f"{path}/{kind}", _unknown(kind, name, document.get(section, {})))
    _cycles(document.get("models", {}), complain)


def _unknown(kind: str, name: str, known: Said) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"there is no {kind} {shown(name)}" + (f"; did you mean {shown(close[0])}?" if close else "")


def _endpoints(document: Said, complain: Complain) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    providers = document.get("providers", {})
    for name, said in document.get("endpoints", {}).items():
        provider = said["provider"]
        if provider not in providers:
            complain(f"endpoints/{name}/provider", _unknown("provider", provider, providers))
            continue
        identity = (provider, said["upstream_model"], said.get("base_url", ""))
        other = seen.setdefault(identity, name)
        if other != name:
            complain(f"endpoints/{name}", f"the same provider, upstream model and base URL as endpoint {shown(other)}")


def _names(document: Said, complain: Complain) -> None:
    taken: dict[str, str] = {}
    for path, what, name in _route_names(document):
        if name in RESERVED_NAMES or name.startswith("router/") or (name == WILDCARD and what != "model"):
            complain(path, f"{shown(name)} is reserved for the router itself")
        elif name in taken:
            complain(path, f"{shown(name)} is already the name of {taken[name]}")
        else:
            try:
                ROUTE_NAME(name)
            except ValidationError as error:
                complain(path, " ".join(error.messages))
        taken.setdefault(name, f"{'an' if what == 'alias' else 'a'} {what}")


def _route_names(document: Said) -> Iterator[tuple[str, str, str]]:
    for name in document.get("models", {}):
        yield f"models/{name}", "model", name
    for name in document.get("categories", {}):
        yield f"categories/{name}", "category", name
    for name, said in document.get("models", {}).items():
        for index, alias in enumerate(said.get("aliases", ())):
            yield f"models/{name}/aliases/{index}", "alias", alias


def _entries(document: Said) -> Iterator[tuple[str, str, str]]:
    for section in ("models", "categories"):
        for name, said in document.get(section, {}).items():
            for index, entry in enumerate(said.get("entries", ())):
                kind = "endpoint" if "endpoint" in entry else "model"
                yield f"{section}/{name}/entries/{index}", kind, entry[kind]


def _cycles(models: Said, complain: Complain) -> None:
    """Depth first over "contains"; each model is entered once."""
    done: set[str] = set()
    for start in models:
        path: list[str] = [start]
        todo = [iter(_inner(models, start))]
        while todo:
            inner = next(todo[-1], None)
            if inner is None:
                todo.pop()
                done.add(path.pop())
            elif inner in path:
                circle = " → ".join([*path[path.index(inner) :], inner])
                complain(f"models/{path[-1]}/entries", f"leads back to itself: {circle}")
            elif inner not in done:
                path.append(inner)
                todo.append(iter(_inner(models, inner)))


def _inner(models: Said, name: str) -> list[str]:
    return [entry["model"] for entry in (models.get(name) or {}).get("entries", ()) if "model" in entry]
