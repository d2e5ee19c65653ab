"""Sliding-window limits shared by all workers and nodes: the impure shell of ``routing.limits``.

Windows are kept in Redis where REDIS_URL is set, else in the database. Each keeps its hits and their sums, so that an
admission costs the same however many it holds. See ``pump`` for how many callers ask at once.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection, connections, transaction

from routing.limits import Memory, Reading, Refusal, Ticket, Window
from routing.windows.orders import Cancel, Settle, Store, Take
from routing.windows.pump import Pump

if settings.REDIS_URL:  # now, and not in the midst of the first request: it is a large library
    from routing.windows.redis import RedisStore

__all__ = ["WINDOWS", "Windows", "forget_old"]

log = logging.getLogger("switchyard.limits")

MOST_TOKENS = 2**50  # of one request: sums stay far below what 64 bits, and Redis' scripts, can count
_MEANWHILE = {
    "open": "; requests are let through (GATEWAY_LIMITS_FAIL=open)",
    "closed": "; limited requests are refused (GATEWAY_LIMITS_FAIL=closed)",
}


class Windows:
    """All windows, as seen from this process. ``make`` makes the store at the first use, after any fork."""

    def __init__(self, make: Callable[[], Store], meanwhile: str = "") -> None:
        self._make = make
        self._meanwhile = meanwhile
        self._memory = Memory()
        self._store: Store | None = None
        self._pump: Pump | None = None
        self._abandoned: list[object] = []
        self._process = 0
        self._starting = threading.Lock()
        self._prefix = ""
        self._numbers = itertools.count()

    def take(self, windows: Sequence[Window], tokens: int) -> Ticket | Refusal | None:
        """A place in each of the windows, reserving ``tokens``, or in none of them.

        None where the store could not say: silent for a second, or busy with others for three. A request larger than a
        whole limit of tokens is admitted when no others are in use, as it could never be served otherwise. A window
        without a limit of tokens counts none.
        """
        if not windows:
            return Ticket("", (), 0)
        now = time.time()
        for window in windows:
            if (wait := self._memory.wait(window, now)) is not None:
                return Refusal(window, "requests", wait)
        pump = self._running()
        verdict = pump.take(Take(f"{self._prefix}{next(self._numbers)}", tuple(windows), _bounded(tokens)))
        if isinstance(verdict, Refusal):
            self._memory.note(verdict, now)
        return verdict

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """The tokens it really was, in place of those reserved. Never waits."""
        if tokens != ticket.tokens and any(window.tokens is not None for window in ticket.windows):
            self._running().owe(Settle(ticket, _bounded(tokens)))

    def cancel(self, ticket: Ticket) -> None:
        """Nothing was sent: the places are free again. Never waits."""
        if ticket.windows:
            self._memory.forget(ticket.windows)
            self._running().owe(Cancel(ticket))

    def read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        """The windows as they are, by key. {} where the store cannot say. From any thread."""
        try:
            return self._kept().read(windows) if windows else {}
        except Exception:  # each store has its own; a page of figures goes without them
            log.warning("The state of rate limits cannot be read.", exc_info=True)
            return {}

    def refused(self, window: Window, now: float) -> float | None:
        """From memory alone: seconds until a window that refused a request here could admit one. ``now``: Unix time."""
        return self._memory.wait(window, now)

    def close(self) -> None:
        """Do what is owed, end the pump and close the store; the next use begins anew."""
        pump, self._pump, self._store = self._pump, None, None
        if pump is not None:
            pump.stop()

    def _running(self) -> Pump:
        if self._pump is None or self._process != os.getpid():
            with self._starting:  # starting it yields to other callers
                if self._process != os.getpid():
                    self._start_afresh()
                if self._pump is None:
                    self._prefix = f"{uuid.uuid4().hex}-"
                    self._pump = Pump(self._kept(), self._meanwhile)
        return self._pump

    def _kept(self) -> Store:
        if self._store is None:
            self._store = self._make()
        return self._store

    def _start_afresh(self) -> None:
        """A forked child has no pump. Its parent's connection is kept, unused: closing it would disturb the parent."""
        self._abandoned += [self._store, self._pump]
        self._store = self._pump = None
        self._process = os.getpid()


def forget_old() -> int:
    """Take out the rows of windows that have been empty for a minute. Returns how many windows. Redis does so itself.

    Over Django's connection: call it as other database work of a worker (``metrics.native``).
    """
    now = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint" if connection.vendor == "postgresql" else "%s"
    skip = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    values = [] if connection.vendor == "postgresql" else [time.time_ns() // 1000]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM routing_limitwindow WHERE fades_at < {now} - 60000000 LIMIT 1000 {skip}",  # noqa: S608
            values,
        )
        rows = [row for (row,) in cursor.fetchall()]
        for table, column in (("routing_limithit", "window_id"), ("routing_limitwindow", "id")):
            cursor.executemany(f"DELETE FROM {table} WHERE {column} = %s", [(row,) for row in rows])  # noqa: S608
    return len(rows)


def _bounded(tokens: int) -> int:
    return min(max(int(tokens), 0), MOST_TOKENS)


def _store() -> Store:
    """Redis where it is set, else the database; a process needs one of the three drivers."""
    if settings.REDIS_URL:
        return RedisStore(settings.REDIS_URL)
    database = connections["default"]
    if database.vendor == "postgresql":
        from routing.windows.postgresql import PostgresStore

        return PostgresStore(database.get_connection_params())
    from routing.windows.sqlite import SqliteStore

    return SqliteStore(str(database.settings_dict["NAME"]))


WINDOWS = Windows(_store, _MEANWHILE[settings.LIMITS_FAIL])
