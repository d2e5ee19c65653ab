"""Identifiers that sort by time: ULIDs (https://github.com/ulid/spec), strictly increasing within a process.

48 bits of Unix milliseconds and 80 of chance, in Crockford's base 32. Within one millisecond, or while the clock
runs backwards, the number after the last one is taken. A forked child starts from fresh chance.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from metrics.native import real_lock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_SHIFTS = (70, 60, 50, 40, 30, 20, 10, 0)


class _State:
    """The last identifier of this process. The top bit of ``chance`` starts as 0, so that counting never overflows."""

    def __init__(self) -> None:
        self.lock = real_lock()
        self.millisecond = 0
        self.chance = 0
        self.head = ""


_state = _State()


def new(clock: Callable[[], int] = time.time_ns) -> str:
    """The next ULID: 26 characters, greater than every one that this process made before. ``clock``: Unix ns."""
    now = clock() // 1_000_000
    state = _state
    with state.lock:
        if now > state.millisecond:
            state.millisecond = now
            state.chance = int.from_bytes(os.urandom(10), "big") >> 1
            state.head = "".join(_PAIRS[now >> shift & 1023] for shift in (40, 30, 20, 10, 0))
        else:
            state.chance += 1
        chance, head = state.chance, state.head
    return head + "".join([_PAIRS[chance >> shift & 1023] for shift in _SHIFTS])


def _start_afresh() -> None:
    global _state
    _state = _State()


os.register_at_fork(after_in_child=_start_afresh)
