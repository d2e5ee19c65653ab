"""Every change of the configuration as a numbered revision, and the clock that tells all workers of it.

``with revision(actor, origin):`` is one transaction under one lock: writers take turns. What the rows were at its
beginning and are at its end decides what is recorded, so that it does not matter how they were written:

    the document differs            a ConfigRevision, and the clock moves
    only secrets or API keys        the clock moves alone: a rollback never revives a revoked key
    nothing                         nothing

Rows that were changed outside (raw SQL, migrations) become a revision of their own, before the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from providers.configuration import revision_open, who_acts
from routing.config.diff import Change, diff, secret_changes
from routing.config.document import VERSION
from routing.config.objects import touched
from routing.config.serialize import fingerprint, read
from routing.models import ApiKey, ConfigClock, ConfigRevision, RevisionObject

CLOCK_ID = 1
INSTALLATION = "installation"
NOTHING: dict[str, Any] = {"version": VERSION}

on_change: list[Callable[[], None]] = []
"""Called in the worker that made a change, after its transaction was committed."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a catalog is built from. Secrets and API keys as digests only."""

    document: dict[str, Any]
    secrets: dict[str, str]
    access: frozenset[str]

    def stamp(self) -> str:
        """A digest of the document and of the secrets; of no use to whoever would guess them."""
        said = fingerprint(self.document) + fingerprint(self.secrets)
        return salted_hmac("routing.revisions.stamp", said, algorithm="sha256").hexdigest()


class Revision:
    """A change in the making. ``number`` is set at its end if it became a ConfigRevision."""

    def __init__(self, actor: str, origin: str, message: str, before: Snapshot) -> None:
        self.actor = actor
        self.origin = origin
        self.message = message
        self.before = before
        self.number: int | None = None

    def changes(self) -> list[Change]:
        """What differs so far, as it will be recorded."""
        return _changes(self.before, snapshot())

    def stamp(self) -> str:
        """A digest of what everything was at its beginning, secrets included: another one where somebody changed it."""
        return self.before.stamp()


_current: ContextVar[Revision | None] = ContextVar("current_revision", default=None)


@contextmanager
def revision(actor: str, origin: str, message: str = "") -> Iterator[Revision]:
    """All writes within are one transaction and at most one revision. Within another one it joins that."""
    joined = _current.get()
    if joined is not None:
        yield joined
        return
    with transaction.atomic():
        clock = _lock()
        change = Revision(actor, origin, message, snapshot())
        _record_drift(change.before.document, "outside")
        with _opened(change):
            yield change
        _finish(change, clock)


@contextmanager
def rehearsal() -> Iterator[Revision]:
    """Like ``revision``, and everything is undone at the end: for dry runs. Refused within a revision."""
    if _current.get() is not None:
        raise RuntimeError("a dry run within a revision would see its unfinished changes")
    with transaction.atomic():
        _lock()
        change = Revision("", "rehearsal", "", snapshot())
        with _opened(change):
            yield change
        transaction.set_rollback(True)


@contextmanager
def join_or_open() -> Iterator[Revision]:
    """The open revision, or one by whoever acts, else by "system" from "models"."""
    actor, origin = who_acts() or ("system", "models")
    with revision(actor, origin) as change:
        yield change


def reconcile(origin: str = "outside") -> int | None:
    """Record what was changed outside of any revision. The number of the revision made of it, or None."""
    if _current.get() is not None:
        raise RuntimeError("reconcile looks for changes outside of revisions and cannot run within one")
    with transaction.atomic():
        _lock()
        return _record_drift(read()[0], origin)


def move_clock() -> None:
    """Make every worker read the configuration anew."""
    with transaction.atomic():
        _tick(_lock())


def recorded() -> str:
    """Fingerprint of the newest revision's document."""
    newest = ConfigRevision.objects.values_list("fingerprint", flat=True).first()
    return fingerprint(NOTHING) if newest is None else newest


def newest_number() -> int:
    """The newest revision's number; 0 where there is none."""
    return ConfigRevision.objects.values_list("number", flat=True).first() or 0


def snapshot() -> Snapshot:
    """What the rows say now."""
    document, secrets = read()
    return Snapshot(
        document,
        {path: hashlib.sha256(value.encode()).hexdigest() for path, value in secrets.items()},
        frozenset(str(row) for row in ApiKey.objects.order_by().values_list()),
    )


@contextmanager
def _opened(change: Revision) -> Iterator[None]:
    current, flag = _current.set(change), revision_open.set(True)
    try:
        yield
    finally:
        _current.reset(current)
        revision_open.reset(flag)


def _lock() -> ConfigClock:
    """Writers take turns at the clock's row. (SQLite: the transaction is IMMEDIATE, so it is their turn already.)"""
    clock, _made = ConfigClock.objects.select_for_update().get_or_create(pk=CLOCK_ID)
    return clock


def _tick(clock: ConfigClock) -> None:
    clock.refresh_from_db()
    clock.value += 1
    clock.save(update_fields=["value"])
    for called in on_change:
        transaction.on_commit(called, robust=True)


def _finish(change: Revision, clock: ConfigClock) -> None:
    after = snapshot()
    if after == change.before:
        return
    if after.document != change.before.document:
        changes = _changes(change.before, after)
        change.number = _write(change.actor, change.origin, change.message, changes, after.document)
    _tick(clock)


def _changes(before: Snapshot, after: Snapshot) -> list[Change]:
    return diff(before.document, after.document) + secret_changes(before.secrets, after.secrets)


def _record_drift(document: dict[str, Any], origin: str) -> int | None:
    if fingerprint(document) == recorded():
        return None
    newest = ConfigRevision.objects.first()
    before = newest.canonical() if newest else NOTHING
    number = _write("system", origin, "", diff(before, document), document)
    _tick(_lock())
    return number


def _write(actor: str, origin: str, message: str, changes: list[Change], document: dict[str, Any]) -> int:
    row = ConfigRevision(
        number=newest_number() + 1,
        actor=actor[:150],
        origin=origin[:30],
        message=message[:300],
        diff=[change.as_json() for change in changes],
        document=ConfigRevision.pack(document),
        fingerprint=fingerprint(document),
    )
    row.save(force_insert=True)
    RevisionObject.objects.bulk_create(RevisionObject(revision=row, path=path[:500]) for path in touched(changes))
    return row.number
