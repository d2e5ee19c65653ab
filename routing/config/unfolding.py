"""How much the anchors and aliases of a YAML text unfold to, reckoned from its events before anything is built.

Nine lines of nine aliases each stand for 387 million values ("a billion laughs"). ◇ no framework.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from routing.config.document import DocumentError, Problem

MAX_UNFOLDED = 1_000_000
"""Characters and values that aliases may stand for in one text."""


@dataclass(slots=True)
class _Part:
    """A value as it grows. ``size``: its characters and values, unfolded; ``height``: levels of collections."""

    anchor: str | None
    size: int = 1
    height: int = 0


class Unfolding:
    """``take`` every event of one text in turn."""

    def __init__(self) -> None:
        self._open: list[_Part] = [_Part(None)]
        self._known: dict[str | None, _Part] = {}
        self._unfolded = 0

    def take(self, event: yaml.Event) -> int:
        """The levels below this event's place that it stands for. Raises DocumentError: line, and what is wrong."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            self._add(_Part(event.anchor, 1 + len(event.value)))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append(_Part(event.anchor, height=1))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._open.pop())
        return 0

    def _alias(self, event: yaml.AliasEvent) -> int:
        part = self._known.get(event.anchor)
        if part is None or any(one.anchor == event.anchor for one in self._open):
            raise _at(event, "an alias (*) that stands for nothing complete before it; quote a text that begins so")
        self._unfolded += part.size
        if self._unfolded > MAX_UNFOLDED:
            raise _at(event, f"aliases (*) that unfold to more than {MAX_UNFOLDED:,} characters and values")
        self._add(_Part(None, part.size, part.height))
        return part.height

    def _add(self, part: _Part) -> None:
        if part.anchor:
            self._known[part.anchor] = part
        around = self._open[-1]
        around.size += part.size
        around.height = max(around.height, part.height + 1)


def _at(event: yaml.Event, message: str) -> DocumentError:
    mark = event.start_mark
    return DocumentError([Problem(f"line {mark.line + 1}" if mark else "", message)])
