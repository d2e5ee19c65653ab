"""What a store of windows is asked, and what a store is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from routing.limits import Reading, Refusal, Ticket, Window

WAIT = 1.0  # the longest that a caller waits for a verdict, in seconds
PATIENCE = 0.9  # the longest that a store waits for a lock or an answer: less, so that its word still arrives

Clock = Callable[[], int]  # microseconds since 1970


@dataclass(frozen=True, slots=True)
class Take:
    """A place in each of the windows, or in none. ``id``: unlike any other of this process and its neighbours."""

    id: str
    windows: tuple[Window, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Settle:
    """So many tokens instead of those the ticket reserved. Done twice it is done once."""

    ticket: Ticket
    tokens: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The ticket's places are free. Done twice it is done once."""

    ticket: Ticket


Order = Take | Settle | Cancel
Answer = Ticket | Refusal | None  # None: there was nothing to answer


class Store(Protocol):
    """Where windows are kept. Its clock decides; in tests ``given`` stands in for it.

    ``run`` and ``close`` are called by one greenlet or thread at a time; ``read`` and ``interrupt`` by any.
    """

    def run(self, orders: Sequence[Order]) -> list[Answer]:
        """All orders in turn, at one moment, in one transaction; an answer each. Opens a connection if there is none.

        Whatever it raises means that it could not say, and that nothing is certain.
        """

    def read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        """The windows as they are, by key, over a connection of its own. May raise as ``run`` does."""

    def interrupt(self) -> None:
        """Make a ``run`` that hangs raise, where that is possible."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection from an earlier ``run``, which may have died since."""

    def close(self) -> None:
        """Drop the connection; raises nothing."""
