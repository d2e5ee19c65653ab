"""One mapping of another system's file: typed values, a complaint with the path where one is not as expected, and a
note for whatever nobody asked for. Messages never show a text or number as it was written where a secret may be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError

from providers.models import OWN_SECRETS, validate_http_url
from routing.config.amend import Draft
from routing.config.document import shown

NO_PLACE = "has no place here, left out"
LONGEST_NUMBER = 40
LARGEST = 10**9
_KINDS: Mapping[type, str] = {str: "text", list: "a list", dict: "a mapping", int: "a number", float: "a number"}

Expand = Callable[[str], str]  # by way of ``variable``
"""A text with references to variables → what it stands for. Raises KeyError with the name of one that is not set."""


def variable(name: str) -> str:
    """An environment variable that a file refers to. Raises KeyError with its name: not set, or not for files."""
    if name in OWN_SECRETS:
        raise KeyError(name)
    return os.environ[name]


@dataclass(slots=True)
class Fields:
    """``path``: where the mapping stands in its file. A value of null counts as none, as does what was complained of.

    ``expand`` is applied to every text that is read.
    """

    draft: Draft
    path: str
    said: Mapping[str, Any]
    expand: Expand = str
    _asked: set[str] = field(default_factory=set)

    def at(self, key: str) -> str:
        """The path of ``key``."""
        return f"{self.path}/{key}" if self.path else key

    def has(self, *keys: str) -> str:
        """The first of ``keys`` that is said, else the first."""
        return next((key for key in keys if self.said.get(key) is not None), keys[0])

    def raw(self, key: str) -> Any:
        """The value as it stands."""
        self._asked.add(key)
        return self.said.get(key)

    def text(self, key: str, *, unexpanded: bool = False) -> str:
        """ "" where there is none. ``unexpanded``: references are left as they stand."""
        value = self.raw(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._wrong(key, "text", value)
            return ""
        return value.strip() if unexpanded else self._expanded(key, value).strip()

    def name(self, key: str) -> str:
        """A text that must be there."""
        value = self.text(key)
        if not value and (self.said.get(key) is None or self.said.get(key) == ""):
            self.draft.complain(self.at(key), "is missing; expected text")
        return value

    def url(self, key: str) -> str:
        """An http(s) address, or ""."""
        value = self.text(key)
        if value:
            try:
                validate_http_url(value)
            except (ValidationError, ValueError) as error:
                self.draft.complain(self.at(key), " ".join(getattr(error, "messages", ["expected an absolute URL"])))
                return ""
        return value

    def decimal(self, key: str) -> Decimal | None:
        """A number from 0 to ``LARGEST``, exactly as it is written; texts that are numbers are numbers."""
        value = self.raw(key)
        if isinstance(value, str):
            value = self._expanded(key, value).strip() or None
        if value is None:
            return None
        try:
            number = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value)[:LONGEST_NUMBER])
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not 0 <= number <= LARGEST:
            self._wrong(key, f"a number from 0 to {LARGEST:,}", value)
            return None
        return number

    def seconds(self, key: str) -> float | None:
        """A duration."""
        number = self.decimal(key)
        return None if number is None else float(number)

    def whole(self, key: str, most: int = 2**31 - 1) -> int | None:
        """A whole number of at most ``most``."""
        number = self.decimal(key)
        if number is None:
            return None
        if number != number.to_integral_value() or number > most:
            self.draft.complain(self.at(key), f"expected a whole number of at most {most}, not {number}")
            return None
        return int(number)

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self._wrong(key, "true or false", value)
        return value if isinstance(value, bool) else None

    def one_of(self, key: str, known: Mapping[str, str], default: str = "") -> str:
        """What ``known`` makes of the word; a complaint that names them all where it is none of them, or missing
        without a default."""
        problems = len(self.draft.problems)
        word = self.text(key)
        if word in known:
            return known[word]
        if (word or not default) and len(self.draft.problems) == problems:
            what = f"unknown: {shown(word)}" if word else "is missing"
            self.draft.complain(self.at(key), f"{what}; known: {', '.join(known)}")
        return default

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        items = self._list(key)
        for index, item in enumerate(items):
            if not isinstance(item, str):
                self._wrong(f"{key}/{index}", "text", item)
        return [self._expanded(key, item) for item in items if isinstance(item, str)]

    def inner(self, key: str) -> Fields:
        """A mapping within; an empty one where there is none."""
        value = self.raw(key)
        if value is not None and not isinstance(value, Mapping):
            self._wrong(key, "a mapping", value)
        return Fields(self.draft, self.at(key), value if isinstance(value, Mapping) else {}, self.expand)

    def rows(self, key: str) -> Iterator[Fields]:
        """The mappings of a list."""
        for index, item in enumerate(self._list(key)):
            if isinstance(item, Mapping):
                yield Fields(self.draft, f"{self.at(key)}/{index}", item, self.expand)
            else:
                self._wrong(f"{key}/{index}", "a mapping", item)

    def note_others(self, hints: Mapping[str, str] | None = None) -> None:
        """A note for each key that was not asked for; ``hints``: what to do about it, by key."""
        for key in self.said:
            if key not in self._asked:
                self.draft.note(self.at(str(key)), (hints or {}).get(str(key), NO_PLACE))

    def _list(self, key: str) -> list[Any]:
        value = self.raw(key)
        if value is not None and not isinstance(value, list):
            self._wrong(key, "a list", value)
        return value if isinstance(value, list) else []

    def _expanded(self, key: str, value: str) -> str:
        try:
            return self.expand(value)
        except KeyError as missing:
            name = missing.args[0]
            what = "is the gateway's own, and read for no file" if name in OWN_SECRETS else "is not set"
            self.draft.complain(self.at(key), f"the environment variable {name} {what}")
            return ""

    def _wrong(self, key: str, expected: str, value: Any) -> None:
        what = _KINDS.get(type(value)) or shown(value)
        self.draft.complain(self.at(key), f"expected {expected}, not {what}")
