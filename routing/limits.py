"""Sliding windows: the words, and the arithmetic that every store follows. ◇ no framework.

A window holds the admissions of its last ``seconds``: one made at ``t`` counts until just before ``t + seconds`` and at
that moment leaves (progressive release). So no span of ``seconds``, wherever it begins, holds more admissions than the
limit. The stores (``routing.windows``) count in microseconds of their own clocks; durations here are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MICROSECONDS = 1_000_000
REMEMBERED = 1.0
SCANNED = 100  # how many of the oldest admissions are looked at to say how long a refusal for tokens will last


@dataclass(frozen=True, slots=True)
class Window:
    """One sliding window as configured: at most ``requests``, and ``tokens``, in any ``seconds``. None: no such limit.

    ``key``: an endpoint's identity, ``provider:<name>`` or ``api:<name>``. Windows of one key share their admissions: a
    changed figure holds at once, a longer ``seconds`` knows what the shorter one still held.
    """

    key: str
    requests: int | None
    tokens: int | None
    seconds: float

    @property
    def length(self) -> int:
        """``seconds`` in microseconds."""
        return round(self.seconds * MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Ticket:
    """An admission: what it reserved, to be settled or cancelled. ``id`` is the store's own."""

    id: str
    windows: tuple[Window, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which window refused, for which of its figures ("requests" or "tokens"), and how long.

    ``wait``: seconds until it would admit; exact for requests, for tokens at least so long. Where several refuse, the
    one that will do so longest.
    """

    window: Window
    what: str
    wait: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A window now, in the failover router's words. ``window_reset_in``: seconds until its oldest request leaves."""

    current_requests: int
    current_tokens: int
    remaining_quota: int | None
    remaining_tokens: int | None
    is_rate_limited: bool
    window_reset_in: float


def requests_over(window: Window, used: int) -> int:
    """How many admissions must leave before the next is admitted; 0: none."""
    return 0 if window.requests is None else max(0, used + 1 - window.requests)


def tokens_over(window: Window, used: int, asked: int) -> int:
    """How many tokens must leave before ``asked`` more are admitted; 0: none.

    A request larger than the whole limit could never be served, so it is admitted as soon as no others are in use.
    """
    if window.tokens is None:
        return 0
    if asked > window.tokens > 0:
        return used
    return max(0, used + asked - window.tokens)


def leaves_after(hits: Iterable[tuple[int, int]], over: int) -> int | None:
    """When ``over`` tokens will have left: the moment of the hit that frees the last of them.

    ``hits``: (moment, tokens), oldest first. Where they hold too few, the moment of the last; None: there is none.
    """
    moment = None
    for moment, tokens in hits:  # noqa: B007 - the last one is the answer
        over -= tokens
        if over <= 0:
            break
    return moment


def reading(window: Window, requests: int, tokens: int, age: int | None) -> Reading:
    """What a window with so much in it means. ``age``: microseconds since its oldest admission; None: it has none."""
    quota = None if window.requests is None else max(0, window.requests - requests)
    left = None if window.tokens is None else max(0, window.tokens - tokens)
    reset = 0.0 if age is None else max(0, window.length - age) / MICROSECONDS
    return Reading(requests, tokens, quota, left, 0 in (quota, left), reset)


def refusal_in(window: Window, seen: Reading, tokens: int) -> float | None:
    """Seconds until a request of so many tokens may be admitted, by a reading: at least so long; None: now."""
    over = requests_over(window, seen.current_requests) or tokens_over(window, seen.current_tokens, tokens)
    return seen.window_reset_in if over else None


class Memory:
    """What refused a request here a moment ago, so that asking again costs nothing. Times are Unix seconds.

    Kept for a second at most: a cancelled request may have made room. A changed limit is another window.
    """

    def __init__(self) -> None:
        self._noted: dict[Window, tuple[float, float]] = {}

    def note(self, refusal: Refusal, now: float) -> None:
        """Remember a refusal for requests that was asked for at ``now``."""
        if refusal.what != "requests":
            return
        if len(self._noted) >= 10_000:  # windows whose limits were changed since
            self._noted = {window: noted for window, noted in self._noted.items() if now - noted[0] < REMEMBERED}
        self._noted[refusal.window] = (now, refusal.wait)

    def wait(self, window: Window, now: float) -> float | None:
        """Seconds until it admits again, as it was told; None where nothing is known."""
        noted = self._noted.get(window)
        if noted is None:
            return None
        at, wait = noted
        if not 0 <= now - at < min(wait, REMEMBERED):  # over, or the clock was set back
            self._noted.pop(window, None)
            return None
        return wait - (now - at)

    def forget(self, windows: Iterable[Window]) -> None:
        """There is room again."""
        for window in windows:
            self._noted.pop(window, None)
