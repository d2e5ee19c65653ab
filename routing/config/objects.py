"""The objects of the configuration that a change is about: ``models/turbo``, ``providers/acme/models/small``.

Names may hold slashes, so a path is taken apart where what follows a name is a field of such an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from providers.models import Provider, ProviderModel
from routing.config.diff import ABSENT, Change
from routing.config.shape import columns
from routing.models import Category, Endpoint, PublicModel

OFFERED = "models"  # the part of a provider that has objects of its own


def _pattern(start: str, table: type[models.Model], *others: str) -> re.Pattern[str]:
    own = columns(table)
    plain = [column.name for column in own if not isinstance(column, models.JSONField)]
    deep = [column.name for column in own if isinstance(column, models.JSONField)] + list(others)
    field = f"{'|'.join(plain)}|(?:{'|'.join(deep)})(?:/.*)?"
    return re.compile(f"(?P<object>{start}.+?)(?:/(?P<field>{field}))?", re.DOTALL)


TABLES: Mapping[str, type[models.Model]] = {
    "providers": Provider,
    "endpoints": Endpoint,
    "models": PublicModel,
    "categories": Category,
}
_PATTERNS = (
    (_pattern("providers/[^/]+/models/", ProviderModel, "prices"), ProviderModel),
    (_pattern("providers/", Provider, "proxy", "keys", "headers", OFFERED), Provider),
    (_pattern("endpoints/", Endpoint, "provider"), Endpoint),
    (_pattern("models/", PublicModel, "aliases", "entries"), PublicModel),
    (_pattern("categories/", Category, "entries"), Category),
)


def taken_apart(change: Change) -> tuple[str, str]:
    """(the object's path, the field's within it; "" where the object as a whole appears or goes)."""
    for pattern, table in _PATTERNS:
        found = pattern.fullmatch(change.path)
        if found:
            field = found["field"] or ""
            if _is_plain(table, field) and _is_object(change):
                return change.path, ""
            return found["object"], field
    return change.path, ""


def touched(changes: Iterable[Change]) -> list[str]:
    """The paths of the objects that ``changes`` are about, each once, sorted; what a provider offers included."""
    found: set[str] = set()
    for change in changes:
        owner, field = taken_apart(change)
        found.add(owner)
        if owner.startswith("providers/") and field in ("", OFFERED) and owner.count("/") == 1:
            for side in (change.before, change.after):
                offered = (side if field else side.get(OFFERED, {})) if isinstance(side, Mapping) else {}
                found.update(f"{owner}/{OFFERED}/{name}" for name in offered)
    return sorted(found)


def said_of(document: Mapping[str, Any], path: str) -> Any:
    """What a document says of the object at ``path``; ABSENT where it knows none."""
    section, _slash, name = path.partition("/")
    if section == "providers" and "/" in name:
        provider, _models, offered = name.split("/", 2)
        return document.get(section, {}).get(provider, {}).get(OFFERED, {}).get(offered, ABSENT)
    return document.get(section, {}).get(name, ABSENT)


def table_of(path: str) -> type[models.Model] | None:
    """The table of the object at ``path``."""
    section, _slash, name = path.partition("/")
    return ProviderModel if section == "providers" and "/" in name else TABLES.get(section)


def _is_plain(table: type[models.Model], field: str) -> bool:
    return any(column.name == field and not isinstance(column, models.JSONField) for column in columns(table))


def _is_object(change: Change) -> bool:
    return isinstance(change.before, Mapping) or isinstance(change.after, Mapping)
