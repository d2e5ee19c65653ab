"""gates + strategies → Plan: which candidates in which order, which not, and why. Pure. ◇ no framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from routing.gates import first_reason, wanted
from routing.outlook import Moment
from routing.resolve import members_of
from routing.strategies import STRATEGIES, Sight
from routing.types import Candidate, Group, Need, Plan, Route, Skip


def plan(route: Route, need: Need, moment: Moment) -> Plan:
    """Order ``route``'s candidates that can meet ``need``; name the others with reasons."""
    usable: dict[str, Candidate] = {}
    skipped: list[Skip] = []
    for candidate in route.candidates:
        skip = first_reason(candidate, need, moment)
        if skip is None:
            usable[candidate.endpoint] = candidate
        else:
            skipped.append(skip)
    chosen = list(usable.values())
    if len(chosen) > 1:
        chosen = _steered(_in_order(route, usable, need, moment), need)
    if not need.steering.fallbacks:
        skipped += [Skip(rest.endpoint, "not_wanted", "the request allows no fallbacks") for rest in chosen[1:]]
        chosen = chosen[:1]
    return Plan(route, tuple(chosen), tuple(skipped))


def _in_order(route: Route, usable: Mapping[str, Candidate], need: Need, moment: Moment) -> list[Candidate]:
    if need.steering.sort:
        return STRATEGIES[need.steering.sort].order(list(usable.values()), Sight(route.name, need, moment))
    chain = _chain(Group(route.name, route.strategy, members_of(route)), usable, need, moment)
    first: dict[str, Candidate] = {}
    for candidate in chain:
        first.setdefault(candidate.endpoint, candidate)
    return list(first.values())


def _chain(group: Group, usable: Mapping[str, Candidate], need: Need, moment: Moment) -> list[Candidate]:
    """A group's usable candidates in order; a group within it stands where its own first candidate is put."""
    heads: list[Candidate] = []
    chains: dict[int, list[Candidate]] = {}
    for member in group.members:
        if isinstance(member, Group):
            chain = _chain(member, usable, need, moment)
            head = replace(chain[0], priority=member.priority, weight=member.weight) if chain else None
        else:
            head = usable.get(member)
            chain = [head] if head else []
        if head is not None:
            heads.append(head)
            chains[id(head)] = chain
    if len(heads) > 1:
        heads = STRATEGIES[group.strategy].order(heads, Sight(group.name, need, moment))
    return [candidate for head in heads for candidate in chains[id(head)]]


def _steered(candidates: Iterable[Candidate], need: Need) -> list[Candidate]:
    """Those whom the request names come first, in its own order; the others keep theirs."""
    order = need.steering.order
    if not order:
        return list(candidates)

    def place(candidate: Candidate) -> int:
        return next((place for place, name in enumerate(order) if wanted(candidate, (name,))), len(order))

    return sorted(candidates, key=place)
