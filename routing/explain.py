"""A plan in words and figures, for people and programs: what was resolved, who would be tried, who not, and why. ◇

Nothing is acquired and nothing sent. Money is told as decimal strings, durations in seconds, averages in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from routing import circuit
from routing.classify import Classification
from routing.limits import Reading, Window
from routing.outlook import Moment
from routing.pricing import price_at
from routing.strategies import STRATEGIES
from routing.types import Candidate, Need, Plan, Route

HOW = {
    "model": "the name of a public model",
    "alias": "another name of the public model '{name}'",
    "category": "the category '{name}', asked for by name",
    "router": "chosen by what the request is about: the category '{name}'",
    "provider_model": "a model of a provider, asked for by both names",
    "bare": "a catalogued model, at the first configured provider that has it",
    "wildcard": "no name that is known: the wildcard '*' answers",
    "transient": "a model that nobody catalogued, at a configured provider",
}
_MILLION = 1_000_000


def explain(plan: Plan, need: Need, moment: Moment, readings: Mapping[str, Reading]) -> dict[str, Any]:
    """The account of ``plan``. ``readings``: of the windows of its candidates, by their keys."""
    known = {candidate.endpoint: candidate for candidate in plan.route.candidates}
    listed = {endpoint: place for place, endpoint in enumerate(known, 1)}
    return {
        "resolution": _resolution(plan.route, need),
        "needs": {
            "operation": need.operation,
            "prompt_tokens": need.prompt_tokens,
            "answer_tokens": need.answer_tokens,
        },
        "candidates": [
            {"position": position, "listed": listed[candidate.endpoint], **_told(candidate, need, moment, readings)}
            for position, candidate in enumerate(plan.candidates, 1)
        ],
        "skipped": [
            {
                "endpoint": skip.endpoint,
                "code": skip.code,
                "reason": skip.reason,
                "wait": skip.wait if skip.wait is None else round(skip.wait, 3),
                **_state(known[skip.endpoint], moment, readings),
            }
            for skip in plan.skipped
        ],
    }


def windows_of(plan: Plan) -> tuple[Window, ...]:
    """All windows whose readings ``explain`` wants."""
    return tuple({window for candidate in plan.route.candidates for window in candidate.windows})


def limits_of(windows: Iterable[Window], readings: Mapping[str, Reading]) -> list[dict[str, Any]]:
    """Windows as configured, and what is in them where that could be read."""
    return [_limit(window, readings.get(window.key)) for window in windows]


def _resolution(route: Route, need: Need) -> dict[str, Any]:
    strategy = STRATEGIES[need.steering.sort or route.strategy]
    found = route.classification
    return {
        "requested": route.requested,
        "route": route.name,
        "how": route.how,
        "in_words": HOW[route.how].format(name=route.name),
        "type": route.type or None,
        "category": route.category or None,
        "classification": None if found is None else _classified(found),
        "strategy": strategy.name,
        "order": strategy.label,
        "cut_streams": route.mid_stream,
    }


def _classified(found: Classification) -> dict[str, Any]:
    matches = [
        {"category": match.category, "keyword": match.keyword, "weight": match.weight, "turn": match.turn,
         "count": match.count}
        for match in found.matches
    ]  # fmt: skip
    return {"category": found.category, "score": round(found.score, 4), "why": found.why, "matches": matches}


def _told(candidate: Candidate, need: Need, moment: Moment, readings: Mapping[str, Reading]) -> dict[str, Any]:
    target, facts, limits = candidate.target, candidate.facts, candidate.limits
    price = price_at(facts.prices, moment.now)
    cost = None
    if price is not None and price.input is not None and price.output is not None:
        tokens = need.prompt_tokens * price.input + need.answer_tokens * price.output
        cost = format((tokens + (price.request or 0)) / _MILLION, "f")
    return {
        "endpoint": candidate.endpoint,
        "provider": target.provider,
        "kind": target.kind,
        "upstream_model": target.upstream_model,
        "priority": candidate.priority,
        "weight": candidate.weight,
        "keys": len(candidate.credentials),
        "context_window": facts.max_input_tokens,
        "price": None
        if price is None
        else {"currency": price.currency, "input": _money(price.input), "output": _money(price.output)},
        "cost_at_most": cost,
        "timeouts": {"connect": limits.connect, "headers": limits.headers, "first_content": limits.first_content,
                     "idle": limits.idle, "total": limits.total},
        **_state(candidate, moment, readings),
    }  # fmt: skip


def _state(candidate: Candidate, moment: Moment, readings: Mapping[str, Reading]) -> dict[str, Any]:
    seen = moment.circuit_of(candidate.identity)
    return {
        "circuit": {
            "phase": seen.phase,
            "failures": seen.failures,
            "cause": seen.cause or None,
            "probe_in": None if seen.phase == circuit.CLOSED else circuit.wait(seen, moment.now),
        },
        "limits": limits_of(candidate.windows, readings),
        "under_way": moment.under_way(candidate.identity),
        "first_content_ms": moment.first_content_ms(candidate.endpoint),
    }


def _limit(window: Window, reading: Reading | None) -> dict[str, Any]:
    told: dict[str, Any] = {"of": window.key, "requests": window.requests, "tokens": window.tokens,
                            "seconds": window.seconds}  # fmt: skip
    if reading is not None:
        told.update(
            current_requests=reading.current_requests,
            remaining_quota=reading.remaining_quota,
            current_tokens=reading.current_tokens,
            remaining_tokens=reading.remaining_tokens,
            is_rate_limited=reading.is_rate_limited,
            window_reset_in=round(reading.window_reset_in, 3),
        )
    return told


def _money(figure: Decimal | None) -> str | None:
    return None if figure is None else format(figure.normalize(), "f")
