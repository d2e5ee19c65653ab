"""How providers and their models stand, as apps above know it: this app shows it and cannot ask them by name.

``routing`` registers a source when it is ready (imports go down only). Without one nothing is known, and pages say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models

REJECTED, RESTING = "rejected", "resting"


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """A key that is not simply well. ``state``: rejected or resting; ``until``: when it is tried again."""

    state: str
    until: datetime | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider, an endpoint or a model: its latest answer and error, None and "" where there was none.
    ``keys``: by label, those that are not well."""

    last_success: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    keys: Mapping[str, KeyStanding] = field(default_factory=dict)


NOTHING = Standing()


class Source:
    """What is asked; subclasses know."""

    def providers(self) -> Mapping[str, Standing]:
        """All providers that anything is known of, by name, in as many queries however many they are."""
        return {}

    def models(self, rows: Iterable[models.Model]) -> Mapping[int, Standing]:
        """Provider models by id; their providers are selected along."""
        return {}


_source: list[Source] = [Source()]


def register(source: Source) -> None:
    """Called once, when the app that knows is ready."""
    _source[:] = [source]


def source() -> Source:
    """Who knows."""
    return _source[0]
