"""Rests are shared through the database: what one worker learns, the others know after their next poll."""

from __future__ import annotations

import time
from typing import Any

import pytest

from providers.wire import Credential, Limits, Target
from routing.models import CircuitState, KeyState
from routing.state import SharedState, _store, forget_old
from routing.types import Candidate, Facts

pytestmark = pytest.mark.django_db


def candidate() -> Candidate:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", "m")
    return Candidate("a", "acme|m|http://upstream/v1", target, (Credential("acme/default", "s"),), Facts(), Limits())


class Worker(SharedState):
    """A worker whose writes happen at once instead of in a thread of their own."""

    def _set(self, identity: str, rest: Any) -> None:
        if rest is None:
            self._rests.pop(identity, None)
        else:
            self._rests[identity] = rest
        _store(identity, "|" not in identity, rest)


def test_a_rest_reaches_another_worker_with_its_next_poll() -> None:
    one, other = Worker(), Worker()
    one.rest(candidate().identity, 30, "rate_limited", "slow down")
    assert other.acquire(candidate()) is None
    other.poll()
    skip = other.acquire(candidate())
    assert skip is not None
    assert (skip.code, round(skip.wait or 0)) == ("rate_limited", 30)
    assert "slow down" in skip.reason


def test_a_longer_rest_is_not_shortened() -> None:
    one = Worker()
    one.rest("acme|m|", 60, "model_missing", "unknown")
    one.rest("acme|m|", 1, "rate_limited", "limit")
    rest = one.rest_of("acme|m|")
    assert rest is not None
    assert rest[1] == "model_missing"


def test_an_answer_ends_the_rest_of_endpoint_and_key_for_everyone() -> None:
    one, other = Worker(), Worker()
    credential = candidate().credentials[0]
    one.rest(candidate().identity, 30, "rate_limited", "limit")
    one.rest(credential.state_key, 600, "credential_rejected", "bad key")
    other.poll()
    assert other.key_rests(credential.state_key)
    one.succeeded(candidate(), credential)
    other.poll()
    assert not other.key_rests(credential.state_key)
    assert other.acquire(candidate()) is None
    assert KeyState.objects.get(identity="provider:acme/default#").flagged_at is None


def test_healthy_traffic_writes_nothing() -> None:
    SharedState().succeeded(candidate(), candidate().credentials[0])
    assert not CircuitState.objects.exists()
    assert not KeyState.objects.exists()


def test_a_rest_that_is_over_is_forgotten() -> None:
    one = Worker()
    one.rest("acme|m|", -1, "rate_limited", "limit")
    one.poll()
    assert one.rest_of("acme|m|") is None
    assert CircuitState.objects.get().rests_until < time.time()


def test_a_corrected_key_does_not_inherit_the_rest_of_the_wrong_one() -> None:
    worker = Worker()
    wrong, right = (Credential("acme/default", secret, secret) for secret in ("sk-wrong", "sk-right"))
    worker.rest(wrong.state_key, 600, "credential_rejected", "bad key")
    assert worker.key_rests(wrong.state_key)
    assert not worker.key_rests(right.state_key)


def test_rests_that_ended_long_ago_are_forgotten() -> None:
    worker = Worker()
    worker.rest("acme|old|", -4000, "model_missing", "unknown")
    worker.rest("acme|new|", 60, "model_missing", "unknown")
    forget_old()
    assert [row.identity for row in CircuitState.objects.all()] == ["acme|new|"]
