"""What one worker knows of every endpoint and key that is not simply well, kept in step with the others by ``poll``.

Read by planning through a ``Moment``; ``routing.state`` adds what dispatch does with it. Times are Unix seconds.
"""

from __future__ import annotations

import os
import time
from collections import Counter

from metrics import native
from providers.errors import RateLimited
from routing import circuit, sharing
from routing.circuit import Circuit
from routing.limits import Window
from routing.sharing import Rest
from routing.windows import Windows

_OVERLAP = 5.0  # re-read this many seconds at each poll: writers' clocks and commits are not in step
_MOST_TURNS = 10_000  # callers may make names up
_FRESH = 300.0  # averages older than this say nothing of now


class Known:
    """Rests, circuits, drained endpoints and averages as last seen; turns and requests under way as counted here."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self._rests: dict[str, Rest] = {}
        self._circuits: dict[str, Circuit] = {}
        self._drained: set[str] = set()
        self._averages: dict[str, float] = {}
        self._under_way: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()
        self._unwritten: Counter[str] = Counter()
        self._seen = 0.0
        self._averages_at = 0.0

    def rest_of(self, identity: str) -> Rest | None:
        """(until, code, cause) of an endpoint or key, or None."""
        return self._rests.get(identity)

    def circuit_of(self, identity: str) -> Circuit:
        """An endpoint's circuit as last seen."""
        return self._circuits.get(identity, circuit.WELL)

    def drained(self, identity: str) -> bool:
        """Whether an operator takes no new requests there."""
        return identity in self._drained

    def refused(self, window: Window) -> float | None:
        """Seconds until a window that is known to be full admits again, or None."""
        return self.windows.refused(window, time.time())

    def under_way(self, identity: str) -> int:
        """Requests of this worker that the endpoint is answering now."""
        return self._under_way[identity]

    def turn(self, name: str, count: bool = True) -> int:
        """How often this worker has ordered the list ``name`` before, from a start of its own."""
        turn = self._turns[name]
        if count:
            if len(self._turns) > _MOST_TURNS:
                self._turns.clear()
            self._turns[name] += 1
        return turn + os.getpid()

    def first_content_ms(self, endpoint: str) -> float | None:
        """An endpoint's moving average until its first content, shared; None: not measured lately."""
        return self._averages.get(endpoint)

    def poll(self) -> None:
        """Read what other workers wrote since the last poll."""
        now = time.time()
        for seen in native.run(sharing.changed_since, self._seen - _OVERLAP):
            if not self._unwritten[seen.identity]:
                self._note(seen, now)
        if now - self._averages_at >= 1.0:
            self._averages = native.run(sharing.averages_since, now - _FRESH)
            self._averages_at = now
        self._seen = now
        for identity, (until, code, _) in list(self._rests.items()):
            if until <= now and ("|" in identity or code == RateLimited.outcome):
                self._rests.pop(identity, None)

    def _note(self, seen: sharing.Seen, now: float) -> None:
        is_key = "|" not in seen.identity
        if seen.rest is not None and (seen.rest[0] > now or is_key):
            self._rests[seen.identity] = seen.rest
        else:
            self._rests.pop(seen.identity, None)
        if is_key:
            return
        self._take_over(seen.identity, seen.circuit)
        (self._drained.add if seen.drained else self._drained.discard)(seen.identity)

    def _take_over(self, identity: str, seen: Circuit) -> None:
        if seen.well:
            self._circuits.pop(identity, None)
        else:
            self._circuits[identity] = seen


def less(counts: Counter[str], name: str) -> None:
    """One less; a name that counts nothing is not kept, since callers may make names up."""
    counts[name] -= 1
    if counts[name] <= 0:
        del counts[name]
