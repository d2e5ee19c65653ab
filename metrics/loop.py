"""The memory's own work in a serving worker: one quiet loop that finishes the spool each second and drains, if leased.

``start`` after the fork, ``stop`` at SIGTERM. All database work goes through ``metrics.native``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.db import DatabaseError, connections

from metrics import contents, drain, fill, native, prune, spool

logger = logging.getLogger(__name__)

TICK = 1.0
LONGEST_PAUSE = 30.0
FILLING = 0.2  # seconds of a tick for hours that are to be taken over: the rest is everybody else's


class Loop:
    """Rotates ``own`` and drains its directory until stopped."""

    def __init__(self, own: spool.Spool, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._pause = 0.0
        self._not_before = 0.0
        self._filled = False

    def start(self) -> None:
        """Begin, once. The thread is a greenlet where gevent has patched."""
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> drain.Drained:
        """Finish the spool, then drain for at most ``timeout`` seconds; what remains waits for the next worker."""
        deadline = time.monotonic() + timeout
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)
        self._own.rotate()
        contents.own.rotate()
        total = drain.Drained()
        while time.monotonic() < deadline and spool.files(self._own.directory):
            with spool.lease(self._own.directory) as leased:
                done = self._step() if leased else drain.Drained()
            total = total.plus(done)
            if leased and done.idle:
                break
            if done.idle:
                time.sleep(0.05)
        self._store_contents()
        return total

    def tick(self) -> drain.Drained:
        """One round: rotate; with the lease also drain all there is, and prune each hour."""
        self._own.rotate()
        contents.own.rotate()
        total = drain.Drained()
        if self._clock() < self._not_before:
            return total
        with spool.lease(self._own.directory) as leased:
            if leased:
                total = self._drain()
                self._store_contents()
                if not self._pause and prune.due(self._own.directory):
                    self._prune()
                if not self._pause and not self._filled:
                    self._fill()
        return total

    def _store_contents(self) -> None:
        """What a database does not take now waits for the next round: ids make storing it twice harmless."""
        try:
            native.run(contents.drain, self._own.directory / "content")
        except (DatabaseError, OSError) as error:
            if not self._pause:
                logger.warning("Contents cannot be stored now; they wait in %s: %s", self._own.directory, error)

    def _fill(self) -> None:
        """Take over hours from before there were spans, a few each time."""
        end = time.monotonic() + FILLING
        try:
            while not self._filled and time.monotonic() < end and not self._stopping.is_set():
                self._filled = not native.run(fill.step)
        except DatabaseError as error:
            logger.warning("Earlier hours could not be taken over now: %s", error)

    def _drain(self) -> drain.Drained:
        total = drain.Drained()
        while not self._stopping.is_set() and not (done := self._step()).idle:
            total = total.plus(done)
        return total

    def _run(self) -> None:
        while not self._stopping.wait(TICK):
            try:
                self.tick()
            except Exception:  # the memory may fail, the gateway goes on; files stay until they are drained
                logger.exception("The drainer failed; it goes on in %.0f s", TICK)
        connections.close_all()  # this thread's own; a thread that ends with one open would keep it

    def _step(self) -> drain.Drained:
        """One batch. A database that does not answer is left alone for 1, 2, 4 … 30 s, and mentioned once."""
        try:
            done = native.run(_step, self._own.directory)
        except (DatabaseError, OSError) as error:
            if not self._pause:
                logger.error("Records cannot be stored now; they wait in %s: %s", self._own.directory, error)
            self._pause = min(max(1.0, self._pause * 2), LONGEST_PAUSE)
            self._not_before = self._clock() + self._pause
            return drain.Drained()
        if self._pause:
            logger.warning("Records are stored again.")
        self._pause = 0.0
        return done

    def _prune(self) -> None:
        prune.done(self._own.directory)
        spool.sweep(self._own.directory)
        try:
            if pruned := prune.prune(self._own.directory, self._meanwhile):
                logger.info("%d requests older than the retention were deleted.", pruned)
            if repaired := native.run(fill.repair, datetime.now(UTC)):
                logger.info("%d hours that an earlier version wrote were added to their spans.", repaired)
        except DatabaseError as error:
            logger.warning("Old requests could not be deleted; the next try is in an hour: %s", error)

    def _meanwhile(self, seconds: float) -> bool:
        """Pruning may take minutes after an outage of its own: the spool is drained between its batches."""
        self._own.rotate()
        self._drain()
        return self._stopping.wait(seconds)


def _step(directory: Path) -> drain.Drained:
    try:
        return drain.step(directory)
    except DatabaseError:
        connections.close_all()  # whatever is wrong with them, the next try begins with new ones
        raise


_loop: Loop | None = None


def start() -> None:
    """Begin in this process; again is nothing. Call it in each worker, after the fork."""
    global _loop
    if _loop is None:
        _loop = Loop(spool.own())
        _loop.start()


def stop(timeout: float) -> drain.Drained:
    """At SIGTERM, when the last request has ended: finish the spool and drain within ``timeout`` seconds."""
    global _loop
    loop, _loop = _loop or Loop(spool.own()), None
    return loop.stop(timeout)


def _start_afresh() -> None:
    global _loop
    _loop = None


os.register_at_fork(after_in_child=_start_afresh)
