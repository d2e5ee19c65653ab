"""One watchdog a process: it ends exchanges whose deadline passed or whose caller left.

Socket timeouts bound a single ``recv``, so an upstream that drips a byte now and then outlives them. Here one daemon
thread (a greenlet where gevent has patched ``threading``) looks at every exchange in flight, so a deadline holds
whatever the reader is blocked in. It starts with the first exchange of a process and parks when nothing is in flight.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Protocol

TICK = 0.05
TICKS_BETWEEN_CALLER_CHECKS = 4
TICKS_BEFORE_PARKING = 20

logger = logging.getLogger(__name__)


class Watched(Protocol):
    """What the watchdog needs of an exchange."""

    def overdue(self, now: float) -> str | None:
        """The name of the deadline that passed by ``now`` (``time.monotonic()``), or None."""

    def caller_left(self) -> bool: ...

    def abort(self, reason: str) -> None:
        """Wake whoever is blocked on the exchange's socket; idempotent."""


class Watchdog:
    """Watches exchanges until ``forget``. Safe from any thread."""

    def __init__(self) -> None:
        self._live: set[Watched] = set()
        self._wake = threading.Event()
        self._parked = False
        self._started = False
        self._starting = threading.Lock()
        self._complained = False

    def watch(self, exchange: Watched) -> None:
        self._live.add(exchange)
        if not self._started:
            self._start()
        elif self._parked:
            self._wake.set()

    def forget(self, exchange: Watched) -> None:
        self._live.discard(exchange)

    def _start(self) -> None:
        with self._starting:
            if not self._started:
                threading.Thread(target=self._run, name="upstream-watchdog", daemon=True).start()
                self._started = True

    def _run(self) -> None:
        ticks = idle_ticks = 0
        while True:
            time.sleep(TICK)
            ticks += 1
            idle_ticks = 0 if self._live else idle_ticks + 1
            if idle_ticks >= TICKS_BEFORE_PARKING:
                idle_ticks = 0
                self._park()
            self._look(ask_callers=ticks % TICKS_BETWEEN_CALLER_CHECKS == 0)

    def _park(self) -> None:
        self._wake.clear()
        self._parked = True
        # Looked at again after the flag is up: watch() adds first and reads the flag second, so none is missed.
        if not self._live:
            self._wake.wait()
        self._parked = False

    def _look(self, *, ask_callers: bool) -> None:
        now = time.monotonic()
        for exchange in tuple(self._live):
            try:
                reason = exchange.overdue(now)
                if reason is None and ask_callers and self._left(exchange):
                    reason = "caller_left"
                if reason is not None:
                    self._live.discard(exchange)
                    exchange.abort(reason)
            except Exception:
                logger.exception("an exchange could not be watched")
                self._live.discard(exchange)

    def _left(self, exchange: Watched) -> bool:
        """A check that fails says nothing about the caller; said once, since it would fail five times a second."""
        try:
            return exchange.caller_left()
        except Exception:
            if not self._complained:
                self._complained = True
                logger.exception("cannot tell whether a caller is still there")
            return False


_watchdog = Watchdog()


def watch(exchange: Watched) -> None:
    _watchdog.watch(exchange)


def forget(exchange: Watched) -> None:
    _watchdog.forget(exchange)


def _begin_anew() -> None:
    """After a fork: the parent's thread is not in this process, its exchanges are not ours."""
    global _watchdog
    _watchdog = Watchdog()


os.register_at_fork(after_in_child=_begin_anew)
