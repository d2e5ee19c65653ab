"""Reasons to skip a candidate, each with a code for programs and a sentence for people. ◇ no framework.

``state`` is a read-only snapshot (``routing.state.Snapshot``): planning peeks, only dispatch acquires.
"""

from __future__ import annotations

from typing import Protocol

from providers.operations import OPERATIONS, speaks
from routing.types import Candidate, Need, Skip


class Peek(Protocol):
    """What planning may ask of shared state. Times are Unix seconds."""

    def rest_of(self, identity: str) -> tuple[float, str, str] | None:
        """(until, code, cause) of an endpoint or key that rests, or None."""


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


def resting(candidate: Candidate, state: Peek, now: float) -> Skip | None:
    """The endpoint rests: its vendor said "later", or does not know the model."""
    rest = state.rest_of(candidate.identity)
    if rest is None or rest[0] <= now:
        return None
    until, code, cause = rest
    return Skip(candidate.endpoint, code, f"rests for {until - now:.1f} s more: {cause}", until - now)


def keys_resting(candidate: Candidate, state: Peek, now: float) -> Skip | None:
    """Every key of its provider rests."""
    if not candidate.credentials:
        return None
    rests = [state.rest_of(credential.state_key) for credential in candidate.credentials]
    if any(rest is None or rest[0] <= now for rest in rests):
        return None
    until, code, cause = min(rest for rest in rests if rest)
    return Skip(candidate.endpoint, code, f"every key of {candidate.target.provider} rests: {cause}", until - now)


def first_reason(candidate: Candidate, need: Need, state: Peek, now: float) -> Skip | None:
    """The first gate that keeps ``candidate`` out, or None."""
    return (
        configuration(candidate)
        or incapable(candidate, need)
        or resting(candidate, state, now)
        or keys_resting(candidate, state, now)
    )
