"""gates + strategy → Plan: which candidates in which order, which not, and why. Pure. ◇ no framework."""

from __future__ import annotations

from routing.gates import Peek, first_reason
from routing.strategies import STRATEGIES
from routing.types import Candidate, Need, Plan, Route, Skip


def plan(route: Route, need: Need, state: Peek, now: float) -> Plan:
    """Order ``route``'s candidates that can meet ``need``; name the others with reasons. ``now`` in Unix seconds."""
    usable: list[Candidate] = []
    skipped: list[Skip] = []
    for candidate in route.candidates:
        skip = first_reason(candidate, need, state, now)
        if skip is None:
            usable.append(candidate)
        else:
            skipped.append(skip)
    if len(usable) > 1:
        usable = STRATEGIES[route.strategy].order(usable)
    return Plan(route, tuple(usable), tuple(skipped))
