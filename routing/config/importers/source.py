"""A file to be imported: its text, and what it says as JSON, YAML or ``.env``. Bounded and strict."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from routing.config import dotenv, text
from routing.config.document import DocumentError, Problem, shown

_ENV_LINE = re.compile(r"\s*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=")
_BLANK_OR_COMMENT = re.compile(r"\s*(?:#.*)?\Z")


@dataclass(frozen=True)
class Source:
    """A file by its name, or another place with a name (``the environment``). ``data``: its bytes."""

    name: str
    data: bytes

    @cached_property
    def text(self) -> str:
        """Its text. Raises DocumentError unless it is UTF-8, with or without a mark at its beginning."""
        if len(self.data) > text.MAX_BYTES:
            raise wrong(f"the file is larger than {text.MAX_BYTES // 1024 // 1024} MB")
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise DocumentError([Problem(f"line {line}", "expected UTF-8 text")]) from error

    @cached_property
    def is_env(self) -> bool:
        """Whether its first line that says something is ``NAME=value``."""
        lines = (line for line in self.text.splitlines() if not _BLANK_OR_COMMENT.match(line))
        return bool(_ENV_LINE.match(next(lines, "")))

    @cached_property
    def content(self) -> Any:
        """What it says: a dict of variables for a ``.env`` file, else the values of its JSON or YAML."""
        if self.is_env:
            return _env(self)
        return parse_json(self.text) if self.text.lstrip()[:1] in ("{", "[") else text.parse(self.text, foreign=True)

    @property
    def mapping(self) -> dict[str, Any]:
        """``content`` where that is a mapping and no ``.env`` file, else an empty one: for recognising."""
        return self.content if isinstance(self.content, dict) and not self.is_env else {}


def wrong(message: str) -> DocumentError:
    """A problem with a source as a whole."""
    return DocumentError([Problem("", message)])


def parse_json(content: str) -> Any:
    """JSON text → values. Raises DocumentError: line, and what was expected. A key that appears twice is an error."""
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError([Problem(f"line {error.lineno}", f"not JSON: {error.msg}")]) from error
    except (RecursionError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise wrong("not JSON that can be read: nested too deep, or a number that is too long") from error
    text.refuse_unstorable("", value)
    return value


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise wrong(f"the key {shown(key)} appears twice in one object")
        seen[key] = value
    return seen


def _no_constant(word: str) -> Any:
    raise wrong(f"{word} is not a JSON number")


def _env(source: Source) -> dict[str, str]:
    try:
        return dotenv.parse(source.text, source.name)
    except ImproperlyConfigured as error:
        raise wrong(str(error)) from error
