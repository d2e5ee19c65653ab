"""Between callers and a store: gathers what waits, asks once for all, and keeps a sick store away from callers.

One greenlet (a thread where nothing is patched) talks to the store. A caller waits ``WAIT`` at most while the store is
silent, ``PATIENT`` while it answers others. Once the store failed, callers get None at once; one of them a second tries
it again. What is owed to the store, settling and cancelling, waits until it is well.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import islice

from routing.limits import Refusal, Ticket
from routing.windows.orders import WAIT, Answer, Cancel, Order, Settle, Store, Take

log = logging.getLogger("switchyard.limits")

BATCH = 200
RETRY = 1.0
PATIENT = 3.0
MOST_OWED = 10_000  # more is forgotten: it leaves its windows by itself

Verdict = Ticket | Refusal | None
_Waiting = tuple[Take, "Future[Verdict]"]


class Pump:
    """``meanwhile``: what happens to requests while the store is sick, in words, for the log."""

    def __init__(self, store: Store, meanwhile: str = "") -> None:
        self._store = store
        self._meanwhile = meanwhile
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._owed: deque[Settle | Cancel] = deque()
        self._busy_since: float | None = None
        self._sick_since: float | None = None
        self._retry_at = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="limits", daemon=True)
        self._thread.start()

    def take(self, order: Take) -> Verdict:
        """The store's verdict; None where it is silent for ``WAIT``, or has none within ``PATIENT``. What it admits
        later is given back."""
        if self._is_sick(time.monotonic()):
            return None
        future: Future[Verdict] = Future()
        self._queue.put((order, future))
        try:
            return self._verdict(future, time.monotonic() + PATIENT)
        except BaseException:
            self._give_up(future)
            raise

    def owe(self, order: Settle | Cancel) -> None:
        """To be done as soon as the store can; returns at once."""
        if len(self._owed) < MOST_OWED:
            self._owed.append(order)
            self._queue.put(None)

    def stop(self) -> None:
        """Finish what is owed if the store is well, and close it."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join(2 * WAIT)

    def _verdict(self, future: Future[Verdict], until: float) -> Verdict:
        """Waits on while the store is at work: many callers at once are no fault of its."""
        while True:
            try:
                return future.result(WAIT)
            except TimeoutError:
                now = time.monotonic()
                if self._is_stuck(now) or self._sick_since is not None or now >= until:
                    self._give_up(future)
                    return None

    def _give_up(self, future: Future[Verdict]) -> None:
        if not future.cancel():
            future.add_done_callback(self._give_back)

    def _is_sick(self, now: float) -> bool:
        """Whether asking is in vain. Each ``RETRY`` one caller is told that it is not."""
        if self._is_stuck(now):
            return True
        if self._sick_since is None:
            return False
        if now < self._retry_at:
            return True
        self._retry_at = now + RETRY
        return False

    def _is_stuck(self, now: float) -> bool:
        """Whether the store has been silent for too long. Whoever notices breaks its silence, so no timer is needed."""
        since = self._busy_since
        if since is None or now - since <= WAIT:
            return False
        self._store.interrupt()
        return True

    def _give_back(self, future: Future[Verdict]) -> None:
        verdict = future.result()
        if isinstance(verdict, Ticket):
            self.owe(Cancel(verdict))

    def _run(self) -> None:
        while not (self._stopping and (self._sick_since is not None or not self._owed) and self._queue.empty()):
            self._serve(self._gather())
        self._store.close()

    def _gather(self) -> list[_Waiting]:
        """Wait for the first, take along whoever else is there."""
        gathered: list[_Waiting] = []
        try:
            item = self._queue.get(timeout=self._pause())
            while True:
                if item is not None and item[1].set_running_or_notify_cancel():
                    gathered.append(item)
                if len(gathered) == BATCH:
                    return gathered
                item = self._queue.get_nowait()
        except queue.Empty:
            return gathered

    def _pause(self) -> float | None:
        if not self._owed:
            return None
        return 0.0 if self._sick_since is None else RETRY

    def _serve(self, gathered: list[_Waiting]) -> None:
        """One question to the store. While it is sick nothing owed goes along: callers' tries find out first."""
        owed = [] if self._sick_since is not None and gathered else list(islice(self._owed, BATCH))
        if not gathered and (not owed or (self._sick_since is not None and time.monotonic() < self._retry_at)):
            return
        answers = self._ask([*owed, *(order for order, _ in gathered)])
        if answers is not None:
            for _ in owed:
                self._owed.popleft()
        for place, (_, future) in enumerate(gathered, len(owed)):
            future.set_result(None if answers is None else answers[place])

    def _ask(self, orders: Sequence[Order]) -> list[Answer] | None:
        self._busy_since = started = time.monotonic()
        try:
            answers = self._attempt(orders, started)
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must get an answer
            self._store.close()
            self._fell_sick(error)
            return None
        finally:
            self._busy_since = None
        self._is_well()
        return answers

    def _attempt(self, orders: Sequence[Order], started: float) -> list[Answer]:
        """Where a lasting connection turns out to be dead, once more over a new one.

        Should the first try have been done all the same, its admissions are counted twice for one window's length: the
        limit holds.
        """
        was_open = self._store.is_open
        try:
            return self._store.run(orders)
        except Exception:
            if not was_open or time.monotonic() - started > WAIT / 2:
                raise
            self._store.close()
            return self._store.run(orders)

    def _fell_sick(self, error: Exception) -> None:
        now = time.monotonic()
        self._retry_at = now + RETRY
        if self._sick_since is None:
            self._sick_since = now
            log.error("Rate limits cannot be checked now%s: %s: %s", self._meanwhile, type(error).__name__, error)
        else:
            log.debug("Rate limits still cannot be checked: %s: %s", type(error).__name__, error)

    def _is_well(self) -> None:
        if self._sick_since is not None:
            log.warning("Rate limits are checked again, after %.1f s.", time.monotonic() - self._sick_since)
            self._sick_since = None
