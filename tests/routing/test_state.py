"""Rests are shared through the database: what one worker learns, the others know after their next poll."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from providers.errors import RequestRejected, ServerFailed
from providers.wire import Credential, Limits, Target
from routing.limits import Refusal, Ticket, Window
from routing.models import CircuitEvent, CircuitState, KeyState
from routing.ports import Hold
from routing.sharing import drain, forget_old
from routing.state import SharedState
from routing.types import Candidate, Facts, Need, Skip

pytestmark = pytest.mark.django_db


def candidate() -> Candidate:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", "m")
    return Candidate("a", "acme|m|http://upstream/v1", target, (Credential("acme/default", "s"),), Facts(), Limits())


class NoWindows:
    """A store of windows that admits everybody, unless told otherwise."""

    def __init__(self) -> None:
        self.answer: Ticket | Refusal | None = Ticket("t", (), 0)
        self.settled: list[int] = []
        self.cancelled = 0

    def take(self, windows: Sequence[Window], tokens: int) -> Ticket | Refusal | None:
        return self.answer

    def settle(self, ticket: Ticket, tokens: int) -> None:
        self.settled.append(tokens)

    def cancel(self, ticket: Ticket) -> None:
        self.cancelled += 1

    def refused(self, window: Window, now: float) -> float | None:
        return None


def worker(windows: NoWindows | None = None, fail_open: bool = True) -> SharedState:
    """A worker whose writes happen at once instead of in a thread of their own."""
    return SharedState(windows or NoWindows(), fail_open, share=lambda work: work())


def held(state: SharedState, endpoint: Candidate | None = None) -> Hold:
    hold = state.acquire(endpoint or candidate(), Need())
    assert isinstance(hold, Hold), hold
    return hold


def skipped(state: SharedState, endpoint: Candidate | None = None) -> Skip:
    skip = state.acquire(endpoint or candidate(), Need())
    assert isinstance(skip, Skip)
    return skip


DOWN = ServerFailed("down", status=503)


def fail(state: SharedState, times: int = 1) -> None:
    for _ in range(times):
        hold = held(state)
        state.failed(hold, DOWN)
        state.let_go(hold, 0)


def test_a_rest_reaches_another_worker_with_its_next_poll() -> None:
    one, other = worker(), worker()
    one.rest(candidate().identity, 30, "rate_limited", "slow down")
    other.let_go(held(other), 0)
    other.poll()
    skip = skipped(other)
    assert (skip.code, round(skip.wait or 0)) == ("rate_limited", 30)
    assert "slow down" in skip.reason


def test_a_longer_rest_is_not_shortened() -> None:
    one = worker()
    one.rest("acme|m|", 60, "model_missing", "unknown")
    one.rest("acme|m|", 1, "rate_limited", "limit")
    rest = one.rest_of("acme|m|")
    assert rest is not None
    assert rest[1] == "model_missing"


def test_an_answer_ends_the_rest_of_its_key_for_everyone_but_not_the_endpoints_stated_one() -> None:
    one, other = worker(), worker()
    credential = candidate().credentials[0]
    hold = held(one)
    one.rest(candidate().identity, 30, "rate_limited", "limit")
    one.rest(credential.state_key, 600, "credential_rejected", "bad key")
    other.poll()
    assert not other.key_free(credential)
    one.succeeded(hold, credential)
    other.poll()
    assert other.key_free(credential)
    assert skipped(other).code == "rate_limited"
    assert KeyState.objects.get(identity="provider:acme/default#").flagged_at is None


def test_after_a_flagged_keys_rest_one_request_of_all_workers_tries_it() -> None:
    one, other = worker(), worker()
    credential = candidate().credentials[0]
    one.rest(credential.state_key, -1, "credential_rejected", "bad key")
    other.poll()
    assert [one.key_free(credential), other.key_free(credential), one.key_free(credential)] == [True, False, False]
    one.succeeded(held(one), credential)
    other.poll()
    assert other.key_free(credential)


def test_three_failed_requests_open_the_circuit_for_every_worker() -> None:
    one, other = worker(), worker()
    fail(one, 2)
    other.poll()
    fail(other)
    assert skipped(other).code == "circuit_open"
    one.poll()
    assert "its circuit is open" in skipped(one).reason
    assert [(event.before, event.after) for event in CircuitEvent.objects.all()] == [("closed", "open")]


def test_a_success_on_another_worker_forgets_the_failures() -> None:
    one, other = worker(), worker()
    fail(one, 2)
    other.poll()
    other.succeeded(held(other), None)
    one.poll()
    fail(one, 2)
    held(one)


def due(state: SharedState) -> None:
    """Let the pause of the open circuit be over, on every worker."""
    CircuitState.objects.update(next_probe_at=time.time() - 1, updated_at=time.time())
    state.poll()


def test_one_probe_goes_out_among_all_workers_and_its_success_closes_the_circuit() -> None:
    one, other = worker(), worker()
    fail(one, 3)
    due(one)
    due(other)
    probe = held(one)
    assert probe.probe
    assert "half-open" in skipped(other).reason
    one.succeeded(probe, None)
    one.let_go(probe, 5)
    other.poll()
    assert held(other).probe == ""
    assert [event.after for event in CircuitEvent.objects.order_by("at")] == ["open", "half_open", "closed"]


def test_a_failed_probe_makes_the_pause_longer() -> None:
    one = worker()
    fail(one, 3)
    due(one)
    fail(one)
    assert CircuitState.objects.get().pause == 20
    assert skipped(one).code == "circuit_open"


def test_streams_that_begin_and_are_cut_open_the_circuit() -> None:
    state = worker()
    for _ in range(3):
        hold = held(state)
        state.answered(hold, None)
        state.failed(hold, DOWN)
        state.let_go(hold, 0)
    assert skipped(state).code == "circuit_open"
    due(state)
    probe = held(state)
    state.answered(probe, None)
    assert held(state).probe == ""
    state.failed(probe, DOWN)
    assert CircuitState.objects.get().pause == 20


def test_the_probe_of_a_killed_worker_keeps_others_away_for_seconds_and_that_of_a_living_one_as_long_as_it_takes() -> (
    None
):
    living, other = worker(), worker()
    fail(living, 3)
    due(living)
    probe = held(living)
    for _ in range(2):
        lease = CircuitState.objects.get().lease_until
        assert lease is not None
        assert lease - time.time() <= 15
        almost_over = time.time() + 1
        CircuitState.objects.update(lease_until=almost_over, updated_at=time.time())
        living.poll()
        assert CircuitState.objects.get().lease_until > almost_over + 5
    living.let_go(probe, 0)
    other.poll()
    killed = held(other)
    assert killed.probe
    CircuitState.objects.update(lease_until=time.time() - 1, updated_at=time.time())
    living.poll()
    assert held(living).probe


def test_a_probe_whose_caller_left_is_free_for_the_next_request() -> None:
    one, other = worker(), worker()
    fail(one, 3)
    due(one)
    one.let_go(held(one), 0)
    other.poll()
    assert held(other).probe


def test_an_answer_that_blames_the_request_shows_that_the_endpoint_is_there() -> None:
    one = worker()
    fail(one, 3)
    due(one)
    probe = held(one)
    one.failed(probe, RequestRejected("wrong", status=400))
    one.let_go(probe, 0)
    assert held(one).probe == ""


def test_names_that_callers_make_up_leave_no_trace() -> None:
    state, made_up = worker(), replace(candidate(), known=False)
    for _ in range(4):
        hold = held(state, made_up)
        state.failed(hold, DOWN)
        state.let_go(hold, 0)
    assert not CircuitState.objects.exists()
    assert not state._under_way


LIMITED = replace(candidate(), windows=(Window(candidate().identity, 1, None, 60.0),))


def test_a_full_window_skips_the_endpoint_and_says_when_it_is_free() -> None:
    windows = NoWindows()
    windows.answer = Refusal(LIMITED.windows[0], "requests", 12.5)
    skip = skipped(worker(windows), LIMITED)
    assert (skip.code, skip.wait) == ("over_limit", 12.5)


def test_a_full_window_of_its_provider_is_not_taken_for_its_own() -> None:
    windows = NoWindows()
    windows.answer = Refusal(Window("provider:acme", 1, None, 60.0), "requests", 12.5)
    skip = skipped(worker(windows), LIMITED)
    assert (skip.code, skip.wait) == ("provider_over_limit", 12.5)
    assert "acme" in skip.reason


def test_while_the_store_of_windows_is_silent_limits_hold_or_not_as_set() -> None:
    windows = NoWindows()
    windows.answer = None
    held(worker(windows, fail_open=True), LIMITED)
    assert skipped(worker(windows, fail_open=False), LIMITED).code == "limit_unknown"


def test_a_place_in_a_window_is_given_back_when_the_probe_is_refused() -> None:
    windows = NoWindows()
    one, other = worker(), worker(windows)
    fail(one, 3)
    due(one)
    due(other)
    held(one)
    other._circuits.clear()
    other._circuits.update(one._circuits)
    other._circuits[candidate().identity] = replace(one.circuit_of(candidate().identity), lease_until=0.0)
    assert skipped(other, LIMITED).code == "circuit_open"
    assert windows.cancelled == 1


def test_tokens_are_settled_with_what_was_used() -> None:
    windows = NoWindows()
    state = worker(windows)
    state.let_go(held(state, LIMITED), 42)
    state.let_go(held(state, LIMITED), None)
    assert windows.settled == [42]


def test_a_drained_endpoint_takes_no_new_requests() -> None:
    state = worker()
    drain(candidate().identity, True)
    state.poll()
    assert skipped(state).code == "drained"
    drain(candidate().identity, False)
    state.poll()
    held(state)


def test_healthy_traffic_writes_nothing() -> None:
    state = worker()
    hold = held(state)
    state.succeeded(hold, candidate().credentials[0])
    state.let_go(hold, 10)
    assert not CircuitState.objects.exists()
    assert not KeyState.objects.exists()


def test_a_rest_that_is_over_is_forgotten() -> None:
    one = worker()
    one.rest("acme|m|", -1, "rate_limited", "limit")
    one.poll()
    assert one.rest_of("acme|m|") is None
    assert CircuitState.objects.get().rests_until < time.time()


def test_a_corrected_key_does_not_inherit_the_rest_of_the_wrong_one() -> None:
    state = worker()
    wrong, right = (Credential("acme/default", secret, secret) for secret in ("sk-wrong", "sk-right"))
    state.rest(wrong.state_key, 600, "credential_rejected", "bad key")
    assert not state.key_free(wrong)
    assert state.key_free(right)


def test_rests_that_ended_long_ago_are_forgotten() -> None:
    state = worker()
    state.rest("acme|old|", -4000, "model_missing", "unknown")
    state.rest("acme|new|", 60, "model_missing", "unknown")
    forget_old(time.time() + 3620)
    assert [row.identity for row in CircuitState.objects.all()] == ["acme|new|"]
