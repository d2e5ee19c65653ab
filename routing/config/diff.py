"""Two documents → what changed, readable as ``models/turbo/entries/0/endpoint``. Pure. ◇ no framework."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from typing import Any


class Absent(Enum):
    """What is not there; None can be a value."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
SECRET = "(stored secret)"  # noqa: S105 - what is said in its stead
_SECTION_DEPTH = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. Both sides ABSENT: a secret changed, and nothing is said of its value."""

    path: str
    before: Any = ABSENT
    after: Any = ABSENT

    def as_json(self) -> dict[str, Any]:
        """``{path, before, after}`` without the sides that are absent; a secret: ``{path, changed: true}``."""
        if self.before is ABSENT and self.after is ABSENT:
            return {"path": self.path, "changed": True}
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path} | {name: side for name, side in sides.items() if side is not ABSENT}


def change(stored: Mapping[str, Any]) -> Change:
    """The inverse of ``as_json``."""
    return Change(stored["path"], stored.get("before", ABSENT), stored.get("after", ABSENT))


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Changes in the order of the documents' sorted paths. A thing that appears or goes is one change."""
    return list(_mappings("", before, after, 0))


def secret_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """``{path: fingerprint}`` of the secrets on both sides → one change for each that was set, differs or went away.

    None says a value: one that went away reads ``before: "(stored secret)"``.
    """
    return [
        Change(path, ABSENT if path in after else SECRET)
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def lost_secrets(changes: Iterable[Change]) -> list[str]:
    """The paths of the secrets that go with ``changes``: no history keeps them."""
    return [change.path for change in changes if change.before == SECRET and change.after is ABSENT]


def render(changes: Iterable[Change]) -> list[str]:
    """A line a change: ``+ path: value``, ``- path: value``, ``~ path: before → after``, ``~ path: changed``."""
    return [_line(change) for change in changes]


def _line(change: Change) -> str:
    if change.before is ABSENT and change.after is ABSENT:
        return f"~ {change.path}: changed"
    if change.before is ABSENT:
        return f"+ {change.path}: {_short(change.after)}"
    if change.after is ABSENT:
        return f"- {change.path}: {_short(change.before)}"
    return f"~ {change.path}: {_short(change.before)} → {_short(change.after)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _mappings(path: str, before: Mapping[str, Any], after: Mapping[str, Any], depth: int) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        where = f"{path}/{key}" if path else key
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if depth < _SECTION_DEPTH:
            old = {} if old is ABSENT and isinstance(new, Mapping) else old
            new = {} if new is ABSENT and isinstance(old, Mapping) else new
        yield from _values(where, old, new, depth + 1)


def _values(path: str, old: Any, new: Any, depth: int) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _mappings(path, old, new, depth)
    elif _is_table(old) and _is_table(new):
        yield from _lists(path, old, new, depth)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(path, old, new)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _lists(path: str, old: Sequence[Any], new: Sequence[Any], depth: int) -> Iterator[Change]:
    name = _naming_key(old, new)
    if name is None:
        for index, (one, other) in enumerate(zip_longest(old, new, fillvalue=ABSENT)):
            yield from _values(f"{path}/{index}", one, other, depth + 1)
        return
    before, after = ({item[name]: item for item in side} for side in (old, new))
    yield from _mappings(path, before, after, depth)
    order = [[label for label in side if label in before and label in after] for side in (before, after)]
    if order[0] != order[1]:
        yield Change(f"{path}/order", list(before), list(after))


def _naming_key(*sides: Sequence[Mapping[str, Any]]) -> str | None:
    """The member that names the items of a list (``label`` of keys, ``name`` of headers), if there is one."""
    for name in ("label", "name"):
        if all(len({item.get(name, ABSENT) for item in side} - {ABSENT}) == len(side) for side in sides):
            return name
    return None
