"""What makes a table part of the configuration: every write of it happens within a revision.

``routing.config.revisions`` opens revisions and registers itself here (imports go down only, so this app cannot name
it). Rows saved or deleted outside an open revision open one of their own; QuerySets refuse ``update`` and ``bulk_*``
outside one, because those would bypass the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar, cast

from django.db import models
from django.utils.safestring import SafeString

M = TypeVar("M", bound=models.Model)

revision_open: ContextVar[bool] = ContextVar("revision_open", default=False)
_acting: ContextVar[tuple[str, str] | None] = ContextVar("acting", default=None)
_opener: list[Callable[[], AbstractContextManager[Any]]] = []


_history: list[str] = []


@dataclass(frozen=True, slots=True)
class Look:
    """What a change does, looked at before it is over. ``html``: the coloured difference; ``count``: of changes;
    ``digest``: of the changes; ``document``: the whole configuration with them, as text; ``notes``: what to know."""

    html: SafeString
    count: int
    digest: str
    document: str
    notes: tuple[str, ...] = ()


class History(Protocol):
    """What the apps above know of changes; a module of theirs."""

    def rehearse(self) -> AbstractContextManager[Callable[[], Look]]:
        """All writes within are undone at the end; what is yielded looks at them."""

    def newest(self) -> int:
        """The number of the newest revision."""

    def digest(self, changes: Iterable[Any]) -> str:
        """The same for the same changes of a revision."""

    def since(self, row: models.Model, number: int) -> SafeString:
        """Who changed ``row`` after revision ``number``, and what; empty where no revision says so."""

    def of(self, row: models.Model, page: int) -> SafeString:
        """The revisions about ``row``, newest first, as HTML."""


class OutsideRevisionError(RuntimeError):
    """A bulk write of configuration was tried outside ``with revision(actor, origin)``."""


def register_opener(opener: Callable[[], AbstractContextManager[Any]]) -> None:
    """``opener()`` opens (or joins) a revision. Called once, when the routing app is ready."""
    _opener[:] = [opener]


def register_history(module: str) -> None:
    """``module`` is a ``History``. Called once, when the routing app is ready; it is imported when it is first used."""
    _history[:] = [module]


def history() -> History:
    """The history that was registered."""
    return cast(History, import_module(_history[0]))


@contextmanager
def one_change(actor: str, origin: str) -> Iterator[Any]:
    """All writes within become one revision of ``actor``, which is yielded: ``revision()`` for apps below routing."""
    token = _acting.set((actor, origin))
    try:
        with _opener[0]() as opened:
            yield opened
    finally:
        _acting.reset(token)


def who_acts() -> tuple[str, str] | None:
    """(actor, origin) of the change in hand, or None. The opener writes them into the revision it opens."""
    return _acting.get()


class ConfigQuerySet(models.QuerySet[M]):
    """A QuerySet whose bulk writes are refused outside a revision."""

    def _guard(self, what: str) -> None:
        if not revision_open.get():
            raise OutsideRevisionError(
                f"{self.model.__name__}.objects.{what}() changes configuration: "
                "use it within routing.config.revisions.revision(actor, origin)."
            )

    def update(self, **kwargs: Any) -> int:
        self._guard("update")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._guard("delete")
        return super().delete()

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[M]:
        self._guard("bulk_create")
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        self._guard("bulk_update")
        return super().bulk_update(*args, **kwargs)


class ConfigModel(models.Model):
    """Base of every configuration table: validated and recorded as a revision on each save and delete."""

    objects = ConfigQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with _opener[0]():
            self.full_clean()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with _opener[0]():
            return super().delete(*args, **kwargs)
