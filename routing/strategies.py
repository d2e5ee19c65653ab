"""Ways to order candidates: one small registered function each. ◇ no framework.

A strategy takes the usable candidates in their configured order, and what it may know besides; it returns them all in
the order to be tried. The first line of its docstring is its label in the admin. What it may know is this worker's own
(turns, requests under way) or shared by all workers within a second (averages): each docstring says which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from routing.outlook import Moment
from routing.pricing import price_at
from routing.types import Candidate, Need

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Sight:
    """What one ordering sees: the list's name, what the request needs, and the moment."""

    name: str
    need: Need
    moment: Moment


Order = Callable[[Sequence[Candidate], Sight], list[Candidate]]


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
def ordered(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """In the order of the list"""
    return list(candidates)


@strategy
def priority(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """By priority, lowest first; equals in the order of the list"""
    return sorted(candidates, key=lambda candidate: candidate.priority)


@strategy
def shuffle(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """At random, all alike"""
    return sight.moment.random.sample(candidates, len(candidates))


@strategy
def round_robin(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """In turn, request by request

    Strictly alternating within a worker; workers begin at different places.
    """
    first = sight.moment.turn(sight.name) % len(candidates)
    return [*candidates[first:], *candidates[:first]]


@strategy
def weighted(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """At random, in proportion to the weights; weight 0 only when no other is left

    Each next place is drawn among those that are left (Efraimidis and Spirakis: the key is u^(1/weight)).
    """
    draw = sight.moment.random.random
    return sorted(candidates, key=lambda candidate: draw() ** (1 / candidate.weight) if candidate.weight else -1.0)[
        ::-1
    ]


@strategy
def least_busy(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """Fewest requests under way first; equals in turn

    Each worker counts its own requests.
    """
    turned = round_robin(candidates, sight)
    return sorted(turned, key=lambda candidate: sight.moment.under_way(candidate.identity))


@strategy
def fastest(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """Shortest wait for the first content first; those not measured lately before all

    The averages are shared by all workers.
    """
    return sorted(candidates, key=lambda candidate: sight.moment.first_content_ms(candidate.endpoint) or 0.0)


@strategy
def cheapest(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """Lowest price for this request first; unknown prices last

    Reckoned from the estimated prompt and the longest answer asked for. Currencies are not compared: those of the
    list's first known price come before others.
    """
    costs = {id(candidate): _cost(candidate, sight) for candidate in candidates}
    home = next((cost[0] for cost in costs.values() if cost is not None), "")

    def rank(candidate: Candidate) -> tuple[int, Decimal]:
        cost = costs[id(candidate)]
        return (2, Decimal(0)) if cost is None else (int(cost[0] != home), cost[1])

    return sorted(candidates, key=rank)


@strategy
def affinity(candidates: Sequence[Candidate], sight: Sight) -> list[Candidate]:
    """The same conversation at the same place, for the vendors' prompt caches

    Rendezvous hashing: the same order in every worker, and only the conversations of a place that is gone move.
    """
    said = sight.need.conversation.encode()
    return sorted(candidates, key=lambda candidate: hashlib.sha256(candidate.identity.encode() + said).digest())


def _cost(candidate: Candidate, sight: Sight) -> tuple[str, Decimal] | None:
    price = price_at(candidate.facts.prices, sight.moment.now)
    if price is None or price.input is None or price.output is None:
        return None
    tokens = sight.need.prompt_tokens * price.input + sight.need.answer_tokens * price.output
    return price.currency, (tokens + (price.request or 0)) / _MILLION
