"""The canonical document's version and sections, and what is said when one is wrong. ◇ no framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

VERSION = 1
SECTIONS = ("providers", "endpoints", "models", "categories")
PART = "part"  # a document that says ``part: true`` leaves what it does not name as it is


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document, and where: ``models/turbo/entries/0/endpoint``."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentError(ValueError):
    """A document that cannot be read or applied. ``problems`` has them all, in the document's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SecretsWouldMove(DocumentError):
    """A document that sends stored secrets to a place they were not sent to before. They can be dropped instead."""


def shown(value: Any) -> str:
    """A short form of any value for messages."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
