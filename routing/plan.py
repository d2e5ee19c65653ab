"""gates + strategy → Plan: which candidates in which order, which not, and why. Pure. ◇ no framework."""

from __future__ import annotations

from routing.gates import Peek, first_reason
from routing.strategies import STRATEGIES
from routing.types import Candidate, Plan, Route, Skip


def plan(route: Route, state: Peek, now: float) -> Plan:
    """Order ``route``'s usable candidates; name the others with reasons. ``now`` in Unix seconds."""
    usable: list[Candidate] = []
    skipped: list[Skip] = []
    for candidate in route.candidates:
        skip = first_reason(candidate, state, now)
        if skip is None:
            usable.append(candidate)
        else:
            skipped.append(skip)
    if len(usable) > 1:
        usable = STRATEGIES[route.strategy].order(usable)
    return Plan(route, tuple(usable), tuple(skipped))
