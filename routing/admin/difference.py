"""Changes of the configuration as a person reads them: by object, only what differs, long lists as what came and went.

``render`` makes the coloured HTML of a whole difference, ``summary`` a line for lists. No secret is in a document, so
none is in here; that one changed is said in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import yaml
from django.core.exceptions import FieldDoesNotExist
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.models import ProviderModel
from routing.config.diff import ABSENT, SECRET, Change
from routing.config.objects import said_of, table_of, taken_apart
from routing.config.shape import columns

Document = Mapping[str, Any]
Line = tuple[str, str]  # mark ("+", "-", " ", "…") and text

LISTS = frozenset({"entries", "keys", "headers", "prices"})  # of mappings: compared as wholes, in their order
CONTEXT = 1  # unchanged lines kept on each side of a changed one
FOLDED_FROM = 14  # lines of an object that appears or goes, from which they are folded
OBJECTS_IN_SUMMARY = 3


@dataclass(slots=True)
class Part:
    """What changed of one field. ``secret``: only that it did. ``came`` and ``went``: texts of a list."""

    label: str
    lines: list[Line] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    went: list[str] = field(default_factory=list)
    secret: str = ""


@dataclass(slots=True)
class Group:
    """What changed of one object. ``state``: added, removed or changed; ``url``: its page, if it still has one."""

    path: str
    state: str = "changed"
    parts: list[Part] = field(default_factory=list)
    url: str = ""
    folded: bool = False


def render(changes: Iterable[Change], before: Document | None = None, after: Document | None = None) -> SafeString:
    """The difference as HTML, with links to the objects. With both documents, lists are compared as wholes."""
    found = groups(changes, before, after)
    link(found)
    return rendered(found)


def rendered(found: list[Group]) -> SafeString:
    """The same of groups, as they are."""
    return render_to_string("routing/difference.html", {"groups": found})


def groups(changes: Iterable[Change], before: Document | None = None, after: Document | None = None) -> list[Group]:
    """A group for each object, in the order of their paths."""
    found: dict[str, Group] = {}
    listed: set[tuple[str, str]] = set()
    for change in changes:
        path, name = taken_apart(change)
        group = found.setdefault(path, Group(path))
        if not name:
            _whole(group, change)
            continue
        top = name.split("/", 1)[0]
        if top in LISTS and before is not None and after is not None and not _is_secret(change):
            if (path, top) not in listed:
                listed.add((path, top))
                group.parts += _list(top, _items(before, path, top), _items(after, path, top))
            continue
        group.parts.append(_part(path, name, change))
    return [group for group in found.values() if group.parts or group.state != "changed"]


def link(found: Iterable[Group]) -> None:
    """Say where each object's own page is, where it still exists: at most five queries."""
    wanted: dict[Any, dict[Any, Group]] = {}
    for group in found:
        table = table_of(group.path)
        _section, _slash, name = group.path.partition("/")
        if table is ProviderModel:
            provider, _models, offered = name.split("/", 2)
            wanted.setdefault(table, {})[(provider, offered)] = group
        elif table is not None:
            wanted.setdefault(table, {})[(name,)] = group
    for table, named in wanted.items():
        columns = ("provider__name", "name") if table is ProviderModel else ("name",)
        rows = table.objects.filter(name__in={key[-1] for key in named}).order_by().values_list("pk", *columns)
        for pk, *key in rows:
            if tuple(key) in named:
                place = f"admin:{table._meta.app_label}_{table._meta.model_name}_change"
                named[tuple(key)].url = reverse(place, args=[pk])


def summary(changes: Iterable[Change]) -> list[str]:
    """A line an object, in words, and one for those that are too many."""
    by_object: dict[str, list[tuple[str, Change]]] = {}
    for change in changes:
        path, name = taken_apart(change)
        by_object.setdefault(path, []).append((name, change))
    lines = [
        _("%(object)s: %(changes)s") % {"object": path, "changes": "; ".join(_told(path, found))}
        for path, found in list(by_object.items())[:OBJECTS_IN_SUMMARY]
    ]
    rest = len(by_object) - OBJECTS_IN_SUMMARY
    return (
        [*lines, ngettext("and %(n)d more object", "and %(n)d more objects", rest) % {"n": rest}] if rest > 0 else lines
    )


def _told(path: str, found: list[tuple[str, Change]]) -> Iterator[str]:
    """The changes of one object in words."""
    if any(not name for name, _change in found):
        whole = next(change for name, change in found if not name)
        yield _("added") if whole.before is ABSENT else _("removed") if whole.after is ABSENT else _("changed")
        return
    tops: dict[str, list[tuple[str, Change]]] = {}
    for name, change in found:
        tops.setdefault(name.split("/", 1)[0], []).append((name, change))
    for top, several in tops.items():
        yield from _told_field(path, top, several)


def _told_field(path: str, top: str, several: list[tuple[str, Change]]) -> Iterator[str]:
    came = sum(_count(change.after) for name, change in several if _is_item(name, top) and change.before is ABSENT)
    went = sum(_count(change.before) for name, change in several if _is_item(name, top) and change.after is ABSENT)
    if top not in LISTS or not (came or went):
        yield _("%(field)s changed") % {"field": label_of(path, top)}
        return
    what = {"field": label_of(path, top)}
    if came:
        yield ngettext("%(n)d added to %(field)s", "%(n)d added to %(field)s", came) % {"n": came, **what}
    if went:
        yield ngettext("%(n)d removed from %(field)s", "%(n)d removed from %(field)s", went) % {"n": went, **what}


def _is_item(name: str, top: str) -> bool:
    return name == top or name.count("/") == 1


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1 if isinstance(value, Mapping) else 0


def label_of(path: str, name: str) -> str:
    """A field in the words of its form; its own name where it is none."""
    table = table_of(path)
    top, _slash, rest = name.partition("/")
    words = {"entries": _("entries"), "aliases": _("aliases"), "keys": _("keys"), "headers": _("extra headers")}
    words |= {"prices": _("prices"), "models": _("models")}
    label = words.get(top, top)
    if table is not None and top not in words:
        with suppress(FieldDoesNotExist):
            label = str(table._meta.get_field(top).verbose_name)  # type: ignore[union-attr]  # a column has one
    return f"{label}: {rest}" if rest else label


def _is_secret(change: Change) -> bool:
    return change.after is ABSENT and (change.before is ABSENT or change.before == SECRET)


def _whole(group: Group, change: Change) -> None:
    group.state = "added" if change.before is ABSENT else "removed" if change.after is ABSENT else "changed"
    lines = [(mark, line) for mark, side in (("-", change.before), ("+", change.after)) for line in _yaml(side)]
    group.parts.append(Part("", lines))
    group.folded = len(lines) >= FOLDED_FROM


def _part(path: str, name: str, change: Change) -> Part:
    label = label_of(path, name)
    if _is_secret(change):
        return Part(
            label, secret=_("the stored secret went away") if change.before == SECRET else _("a secret changed")
        )
    sides = (change.before, change.after)
    if all(side is ABSENT or _is_texts(side) for side in sides):
        return _texts(label, *([] if side is ABSENT else side for side in sides))
    before, after = (_or_default(path, name, side) for side in sides)
    return Part(label, _lines(before, after))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _texts(label: str, before: list[str], after: list[str]) -> Part:
    came = [text for text in after if text not in set(before)]
    went = [text for text in before if text not in set(after)]
    if not came and not went:
        return Part(label, _lines(before, after))  # another order
    return Part(label, came=came, went=went)


def _or_default(path: str, name: str, value: Any) -> list[str]:
    """What a document leaves out is the column's own default."""
    table = table_of(path)
    if value is not ABSENT or table is None:
        return _yaml(value)
    column = next((column for column in columns(table) if column.name == name), None)
    if column is None:
        return []
    default = column.get_default()
    if default is None or default == "":
        return [_("(empty)")]
    return [_("%(value)s (default)") % {"value": line} for line in _yaml(default)]


def _items(document: Document, path: str, name: str) -> list[str]:
    said = said_of(document, path)
    return [_item(item) for item in said.get(name, [])] if isinstance(said, Mapping) else []


def _item(item: Any) -> str:
    return (
        ", ".join(f"{key}: {_flat(value)}" for key, value in item.items()) if isinstance(item, Mapping) else str(item)
    )


def _list(name: str, before: list[str], after: list[str]) -> Iterator[Part]:
    if before != after:
        yield Part(label_of("", name), _lines(before, after))


def _lines(before: list[str], after: list[str]) -> list[Line]:
    """Both texts line by line; what stays the same is left out but for what stands beside a change."""
    lines: list[Line] = []
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for number, (kind, start, end, other_start, other_end) in enumerate(steps):
        if kind != "equal":
            lines += [("-", line) for line in before[start:end]]
            lines += [("+", line) for line in after[other_start:other_end]]
            continue
        head = CONTEXT if number else 0
        tail = CONTEXT if number < len(steps) - 1 else 0
        hidden = end - start - head - tail
        if hidden <= 1:
            lines += [(" ", line) for line in before[start:end]]
            continue
        told = ngettext("%(n)d line as before", "%(n)d lines as before", hidden) % {"n": hidden}
        lines += [(" ", line) for line in before[start : start + head]]
        lines += [("…", told), *((" ", line) for line in before[end - tail : end])]
    return lines


def _flat(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else _yaml_text(value, flow=True).strip()


def _yaml(value: Any) -> list[str]:
    if value is ABSENT:
        return []
    return value.splitlines() or [""] if isinstance(value, str) else _yaml_text(value).splitlines()


def _yaml_text(value: Any, *, flow: bool = False) -> str:
    written: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=110, default_flow_style=flow)
    return written.removesuffix("...\n")
