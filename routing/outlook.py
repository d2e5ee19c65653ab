"""What planning sees: shared state and chance at one moment, read only. ◇ no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from routing.circuit import Circuit
from routing.limits import Window

_CHANCE = Random()  # noqa: S311 - spreads requests, keeps no secret


class State(Protocol):
    """Shared state as one worker knows it (``routing.state.SharedState``)."""

    def rest_of(self, identity: str) -> tuple[float, str, str] | None: ...
    def circuit_of(self, identity: str) -> Circuit: ...
    def drained(self, identity: str) -> bool: ...
    def refused(self, window: Window) -> float | None: ...
    def under_way(self, identity: str) -> int: ...
    def first_content_ms(self, endpoint: str) -> float | None: ...
    def turn(self, name: str, count: bool = True) -> int: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """``state`` at ``now`` (Unix seconds), for one plan. With ``counts`` False a turn is looked at and not taken.

    ``full``: windows that a reading found full, by their keys, and for how many seconds.
    """

    state: State
    now: float
    counts: bool = True
    random: Random = _CHANCE
    full: Mapping[str, float] = field(default_factory=dict)

    def rest_of(self, identity: str) -> tuple[float, str, str] | None:
        """(until, code, cause) of an endpoint or key that rests, or None."""
        return self.state.rest_of(identity)

    def circuit_of(self, identity: str) -> Circuit:
        """An endpoint's circuit as last seen."""
        return self.state.circuit_of(identity)

    def drained(self, identity: str) -> bool:
        """Whether an operator takes no new requests to the endpoint."""
        return self.state.drained(identity)

    def refused(self, window: Window) -> float | None:
        """Seconds until a window that is known to be full admits again, or None."""
        read = self.full.get(window.key)
        return self.state.refused(window) if read is None else read

    def under_way(self, identity: str) -> int:
        """Requests of this worker that the endpoint is answering now."""
        return self.state.under_way(identity)

    def first_content_ms(self, endpoint: str) -> float | None:
        """The endpoint's moving average until its first content, shared; None: unknown, or too old to count."""
        return self.state.first_content_ms(endpoint)

    def turn(self, name: str) -> int:
        """How often this worker has ordered the list ``name`` before, from a start of its own."""
        return self.state.turn(name, self.counts)
