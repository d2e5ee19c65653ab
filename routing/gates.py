"""Reasons to skip a candidate, each with a code for programs and a sentence for people. ◇ no framework.

Planning peeks at a read-only snapshot of shared state; only dispatch acquires.
"""

from __future__ import annotations

from collections.abc import Container
from operator import itemgetter

from providers.operations import OPERATIONS, speaks
from routing import circuit
from routing.limits import Window
from routing.outlook import Moment
from routing.pricing import price_at
from routing.types import Candidate, Need, Skip

OVER_LIMIT, PROVIDER_OVER_LIMIT = "over_limit", "provider_over_limit"
_NEARLY = 0.02  # seconds: whoever slept until the end of a rest may wake a hair before it


def configuration(candidate: Candidate) -> Skip | None:
    """Disabled, or without a key."""
    if candidate.reason_skipped is None:
        return None
    return Skip(candidate.endpoint, candidate.skip_code or "disabled", candidate.reason_skipped)


def incapable(candidate: Candidate, need: Need) -> Skip | None:
    """Its wire format has no words for what is asked, or its model is of a type that does something else."""
    if not speaks(candidate.target, need.operation):
        return Skip(candidate.endpoint, "incapable", f"{candidate.target.kind} upstreams know no {need.operation}")
    if candidate.facts.type and candidate.facts.type not in OPERATIONS[need.operation].types:
        reason = f"its model is of type {candidate.facts.type}, which serves no {need.operation}"
        return Skip(candidate.endpoint, "incapable", reason)
    return None


def wanted(candidate: Candidate, names: Container[str]) -> bool:
    """Whether one of ``names`` (in lower case) means this candidate: its endpoint, its provider, or their kind."""
    target = candidate.target
    return candidate.endpoint.lower() in names or target.provider.lower() in names or target.kind in names


def unwanted(candidate: Candidate, need: Need, now: float) -> Skip | None:
    """The request itself asks for others."""
    steering = need.steering
    if steering.only and not wanted(candidate, steering.only):
        return Skip(candidate.endpoint, "not_wanted", f"the request wants only {', '.join(sorted(steering.only))}")
    if steering.ignore and wanted(candidate, steering.ignore):
        return Skip(candidate.endpoint, "not_wanted", f"the request ignores {', '.join(sorted(steering.ignore))}")
    most = (steering.max_prompt_price, steering.max_completion_price)
    if most == (None, None):
        return None
    price = price_at(candidate.facts.prices, now)
    for name, bound, figure in zip(
        ("prompt", "completion"), most, (price.input, price.output) if price else (None, None), strict=True
    ):
        if bound is not None and figure is None:
            return Skip(candidate.endpoint, "too_expensive", f"its {name} price is unknown, and the request bounds it")
        if bound is not None and figure is not None and figure > bound:
            reason = f"its {name} price of {figure} per million tokens is above the request's {bound}"
            return Skip(candidate.endpoint, "too_expensive", reason)
    return None


def drained(candidate: Candidate, moment: Moment) -> Skip | None:
    """An operator lets it finish what it has, and sends nothing more."""
    if not moment.drained(candidate.identity):
        return None
    return Skip(candidate.endpoint, "drained", "drained by an operator: it finishes what it has")


def resting(candidate: Candidate, moment: Moment) -> Skip | None:
    """The endpoint rests: its vendor said "later", or does not know the model."""
    rest = moment.rest_of(candidate.identity)
    if rest is None or rest[0] <= moment.now + _NEARLY:
        return None
    until, code, cause = rest
    return Skip(candidate.endpoint, code, f"rests for {until - moment.now:.1f} s more: {cause}", until - moment.now)


def circuit_open(candidate: Candidate, moment: Moment) -> Skip | None:
    """Its circuit is open, and no probe is due."""
    seen = moment.circuit_of(candidate.identity)
    if seen.phase == circuit.CLOSED or circuit.probe_due(seen, moment.now):
        return None
    wait = circuit.wait(seen, moment.now)
    if seen.phase == circuit.HALF_OPEN:
        reason = "its circuit is half-open: another request is the one probe"
    else:
        reason = "its circuit is open " + ("until an operator closes it" if wait is None else f"for {wait:.1f} s more")
    return Skip(candidate.endpoint, "circuit_open", f"{reason}: {seen.cause}" if seen.cause else reason, wait)


def keys_resting(candidate: Candidate, moment: Moment) -> Skip | None:
    """Every key of its provider rests."""
    if not candidate.credentials:
        return None
    rests = [moment.rest_of(credential.state_key) for credential in candidate.credentials]
    if any(rest is None or rest[0] <= moment.now for rest in rests):
        return None
    until, code, cause = min(rest for rest in rests if rest)
    reason = f"every key of {candidate.target.provider} rests: {cause}"
    return Skip(candidate.endpoint, code, reason, until - moment.now)


def over_limit(candidate: Candidate, moment: Moment) -> Skip | None:
    """A window of its own or of its provider is known to be full."""
    waits = [(wait, window) for window in candidate.windows if (wait := moment.refused(window)) is not None]
    if not waits:
        return None
    own = [window for _, window in waits if window.key == candidate.identity]
    wait, longest = max(waits, key=itemgetter(0))
    return window_full(candidate, own[0] if own else longest, wait)


def window_full(candidate: Candidate, window: Window, wait: float) -> Skip:
    """What a full window says; those of the endpoint itself and of its provider have codes of their own.

    ``wait``: seconds until it admits again.
    """
    if window.key == candidate.identity:
        return Skip(candidate.endpoint, OVER_LIMIT, f"its limit is used up; free again in {wait:.1f} s", wait)
    reason = f"the limit of {candidate.target.provider} is used up; free again in {wait:.1f} s"
    return Skip(candidate.endpoint, PROVIDER_OVER_LIMIT, reason, wait)


def first_reason(candidate: Candidate, need: Need, moment: Moment) -> Skip | None:
    """The first gate that keeps ``candidate`` out, or None."""
    return (
        configuration(candidate)
        or incapable(candidate, need)
        or unwanted(candidate, need, moment.now)
        or keys_resting(candidate, moment)
        or last_look(candidate, moment)
    )


def last_look(candidate: Candidate, moment: Moment) -> Skip | None:
    """What may have changed since planning, looked at again just before a try."""
    return (
        drained(candidate, moment)
        or resting(candidate, moment)
        or circuit_open(candidate, moment)
        or over_limit(candidate, moment)
    )
