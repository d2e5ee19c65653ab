"""What makes a table part of the configuration: every write of it happens within a revision.

``routing.config.revisions`` opens revisions and registers itself here (imports go down only, so this app cannot name
it). Rows saved or deleted outside an open revision open one of their own; QuerySets refuse ``update`` and ``bulk_*``
outside one, because those would bypass the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)

revision_open: ContextVar[bool] = ContextVar("revision_open", default=False)
_acting: ContextVar[tuple[str, str] | None] = ContextVar("acting", default=None)
_opener: list[Callable[[], AbstractContextManager[Any]]] = []


class OutsideRevisionError(RuntimeError):
    """A bulk write of configuration was tried outside ``with revision(actor, origin)``."""


def register_opener(opener: Callable[[], AbstractContextManager[Any]]) -> None:
    """``opener()`` opens (or joins) a revision. Called once, when the routing app is ready."""
    _opener[:] = [opener]


@contextmanager
def one_change(actor: str, origin: str) -> Iterator[None]:
    """All writes within become one revision of ``actor``: ``revision()`` for apps below routing."""
    token = _acting.set((actor, origin))
    try:
        with _opener[0]():
            yield
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
