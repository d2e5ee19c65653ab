"""What each worker looks at beside its requests: clock and shared state twice a second, outside changes once a minute.

The clock is read on a connection of its own that lasts, so that a poll costs microseconds. Outside changes are looked
for by one worker of a host (it holds a file lock), and on PostgreSQL by one of all hosts (an advisory lock).
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections

from metrics import native
from routing import catalog, windows
from routing.config.revisions import CLOCK_ID
from routing.models import ConfigClock
from routing.sharing import forget_old
from routing.state import STATE

log = logging.getLogger("switchyard.catalog")

RECONCILE_EVERY = 60.0
ADVISORY_LOCK = 0x53_77_69_74  # "Swit"


class Poller:
    """One process's polling. ``stop`` ends it and gives its connection and lock back."""

    def __init__(self, interval: float, reconcile_every: float = RECONCILE_EVERY) -> None:
        self.interval = interval
        self.reconcile_every = reconcile_every
        self._stopped = threading.Event()
        self._connection: Any = None
        self._lock_file: IO[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="catalog-poll", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        reconciled = time.monotonic()
        while not self._stopped.is_set():  # the first look at once: a new worker must not try what is known to be ill
            try:
                native.run(self._look)
                if time.monotonic() - reconciled >= self.reconcile_every:
                    reconciled = time.monotonic()
                    native.run(self._reconcile)
            except Exception:
                log.exception("a look at the configuration's clock failed; the next one follows")
                native.run(self._close)
            self._stopped.wait(self.interval)
        native.run(self._close)
        if self._lock_file is not None:
            self._lock_file.close()

    def _look(self) -> None:
        with self._open().cursor() as cursor:
            cursor.execute(f"SELECT value FROM {ConfigClock._meta.db_table} WHERE id = %s", [CLOCK_ID])  # noqa: S608
            row = cursor.fetchone()
        catalog.follow(row[0] if row else 0)
        STATE.poll()

    def _reconcile(self) -> None:
        if self._is_ours():
            catalog.notice_outside_changes()
            forget_old(time.time())
            windows.forget_old()

    def _is_ours(self) -> bool:
        """Whether this worker is the one that looks. Its lock ends with its process or its connection."""
        connection = self._open()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
                return bool(cursor.fetchone()[0])
        if self._lock_file is None:
            self._lock_file = (Path(settings.DATA_DIR) / "reconcile.lock").open("ab")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = connections.create_connection(DEFAULT_DB_ALIAS)
            self._connection.inc_thread_sharing()
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                if connection.vendor == "postgresql":  # the pooled session goes on living, and would keep the lock
                    connection.cursor().execute("SELECT pg_advisory_unlock_all()")
                connection.close()
            except Error:
                log.debug("the clock's connection was gone already", exc_info=True)


_poller: tuple[int, Poller] | None = None


def start(interval: float) -> None:
    """Begin polling in this process, once. A forked child begins its own."""
    global _poller
    if _poller is None or _poller[0] != os.getpid():
        _poller = (os.getpid(), Poller(interval))
        _poller[1].start()
