"""The ``.env`` file: strict about its lines, and able to read values that span several of them.

A line is blank, a comment, or ``NAME=value`` with an optional ``export``. A value in single quotes is taken as it
stands, one in double quotes knows ``\\n``, ``\\t``, ``\\"`` and ``\\\\``; both may span lines, as the failover router's
``ROUTER_SERVICES='[ … ]'`` does. A bare value ends at the line's end or at `` #``. What the environment already says
is never overwritten. Sentences about a wrong line name file and line, never the content: it may hold a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z", re.DOTALL)
_SINGLE = re.compile(r"'(.*?)'[ \t]*(?:#[^\n]*)?\Z", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*(?:#[^\n]*)?\Z', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"[\\\"\n\t\r]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _escaped(found: re.Match[str]) -> str:
    return "\\" + next((letter for letter, said in _ESCAPES.items() if said == found.group()), found.group())


def load(path: Path) -> None:
    """Put the file's values into the environment where it has none. Nothing happens if there is no such file, or if
    ``GATEWAY_IGNORE_DOTENV`` is ``yes`` (tests)."""
    if os.environ.get("GATEWAY_IGNORE_DOTENV", "").strip().lower() == "yes" or not path.is_file():
        return
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read as UTF-8 text.") from error
    for name, value in parse(content, str(path)).items():
        os.environ.setdefault(name, value)


def parse(content: str, file: str) -> dict[str, str]:
    """Text of a ``.env`` file → {name: value}; the last of several assignments counts.

    Raises ImproperlyConfigured with one sentence: file, line number, what was expected.
    """
    values: dict[str, str] = {}
    lines = content.replace("\r\n", "\n").split("\n")
    number = 0
    while number < len(lines):
        start, line = number, lines[number].strip()
        number += 1
        if not line or line.startswith("#"):
            continue
        match = _ASSIGNMENT.match(line)
        if match is None or "\0" in line:
            raise ImproperlyConfigured(f"{file}, line {start + 1}: expected NAME=value, a comment (#) or a blank line.")
        name, raw = match.groups()
        if raw[:1] in ("'", '"'):
            values[name], number = _quoted(raw, lines, number, f"{file}, line {start + 1}: {name}")
        else:
            values[name] = re.split(r"(?:^|[ \t])#", raw, maxsplit=1)[0].strip()
    return values


def render(values: Mapping[str, str]) -> str:
    """Values as the text of a ``.env`` file, for ``parse``."""
    return "".join(f'{name}="{_SPECIAL.sub(_escaped, value)}"\n' for name, value in values.items())


def _quoted(raw: str, lines: list[str], number: int, where: str) -> tuple[str, int]:
    """The value that begins with ``raw``, and the number of the first line after it."""
    quote = raw[0]
    pattern = _SINGLE if quote == "'" else _DOUBLE
    while (match := pattern.match(raw)) is None:
        if number == len(lines):
            raise ImproperlyConfigured(f"{where} begins with {quote} but no line ends with it.")
        raw += "\n" + lines[number].rstrip()
        number += 1
    value = match.group(1)
    if quote == '"':
        value = _ESCAPE.sub(lambda found: _ESCAPES.get(found.group(1), found.group(1)), value)
    return value, number
