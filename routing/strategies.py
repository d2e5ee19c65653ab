"""Ways to order candidates: one small registered function each. ◇ no framework.

A strategy takes the usable candidates in their configured order and returns them in the order to be tried. Its
docstring is its label in the admin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routing.types import Candidate

Order = Callable[[Sequence[Candidate]], list[Candidate]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A registered strategy: its name in the configuration, its label in the admin, its function."""

    name: str
    label: str
    order: Order


STRATEGIES: dict[str, Strategy] = {}


def strategy(function: Order) -> Order:
    """Register ``function`` under its own name."""
    label = (function.__doc__ or "").strip().splitlines()[0]
    STRATEGIES[function.__name__] = Strategy(function.__name__, label, function)
    return function


@strategy
def ordered(candidates: Sequence[Candidate]) -> list[Candidate]:
    """In the order of the list"""
    return list(candidates)


@strategy
def priority(candidates: Sequence[Candidate]) -> list[Candidate]:
    """By priority, lowest first; equals in the order of the list"""
    return sorted(candidates, key=lambda candidate: candidate.priority)
