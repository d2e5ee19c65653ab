"""What follows each kind of failure, without a network: scripted upstreams, a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from providers.errors import (
    CallerLeft,
    ConnectFailed,
    ConnectionBroken,
    ContentFiltered,
    ContextTooLong,
    CredentialRejected,
    ModelMissing,
    PayloadTooLarge,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from providers.wire import Limits
from routing.dispatch import Exhausted
from routing.types import Skip
from tests.core.world import STREAMED, World, endpoint


def test_the_first_candidate_that_answers_is_used() -> None:
    answer, ledger = World({"a": ["hello"], "b": ["never"]}).run(endpoint("a"), endpoint("b"))
    assert (answer.reply, answer.candidate.endpoint) == ("hello", "a")
    assert [attempt.endpoint for attempt in ledger.attempts] == ["a"]


@pytest.mark.parametrize("error", [ServerFailed("500", status=500), ConnectFailed("refused")])
def test_a_failure_that_may_pass_is_retried_once_here_after_a_pause(error: UpstreamError) -> None:
    world = World({"a": [error, "recovered"], "b": ["never"]})
    answer, _ = world.run(endpoint("a"), endpoint("b"))
    assert answer.reply == "recovered"
    assert world.sent == ["a", "a"]
    assert world.slept == [0.1]


def test_two_tries_at_a_dead_endpoint_then_the_next_answers() -> None:
    world = World({"a": [ServerFailed("503", status=503)], "b": ["fallback"]})
    answer, ledger = world.run(endpoint("a"), endpoint("b"))
    assert answer.reply == "fallback"
    assert world.sent == ["a", "a", "b"]
    assert [attempt.outcome for attempt in ledger.attempts] == ["server_failed", "server_failed", ""]
    assert [attempt.status for attempt in ledger.attempts] == [503, 503, None]


def test_a_request_that_went_out_twice_on_its_way_is_not_sent_a_third_time() -> None:
    lost = ConnectionBroken("reset")
    lost.resent = True
    world = World({"a": [lost], "b": ["fallback"]})
    answer, _ = world.run(endpoint("a"), endpoint("b"))
    assert answer.reply == "fallback"
    assert world.sent == ["a", "b"]


def test_a_silent_endpoint_is_not_tried_again() -> None:
    world = World({"a": [UpstreamTimeout("no headers", phase="headers")], "b": ["fallback"]})
    world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["a", "b"]


def test_only_the_last_candidate_is_freed_from_the_first_content_limit() -> None:
    world = World({"a": [UpstreamTimeout("slow", phase="first_content")], "b": ["late"]})
    world.run(endpoint("a"), endpoint("b"), call=STREAMED)
    assert [limits.first_content for limits in world.limits] == [10.0, None]


def test_an_answer_that_is_not_streamed_has_the_time_until_a_streams_beginning_for_all_of_it() -> None:
    slow = replace(endpoint("a"), limits=Limits(headers=60.0, first_content=10.0, total=600.0))
    world = World({"a": ["whole"]})
    world.run(slow, endpoint("b"))
    world.run(slow, endpoint("b"), call=STREAMED)
    assert [(limits.first_content, limits.total) for limits in world.limits] == [(None, 60.0), (10.0, 600.0)]


def test_a_short_retry_after_is_waited_for_once() -> None:
    world = World({"a": [RateLimited("slow down", status=429, retry_after=2.0), "answered"], "b": ["never"]})
    answer, _ = world.run(endpoint("a"), endpoint("b"))
    assert answer.reply == "answered"
    assert sum(world.slept) == 2.0
    assert world.state.rests["acme|a|"] == (2.0, "rate_limited")


@pytest.mark.parametrize(("retry_after", "rest"), [(30.0, 30.0), (86_400.0, 300.0)])
def test_an_outage_with_a_stated_end_is_believed_within_bounds(retry_after: float, rest: float) -> None:
    world = World({"a": [ServerFailed("maintenance", status=503, retry_after=retry_after)], "b": ["fallback"]})
    answer, _ = world.run(endpoint("a"), endpoint("b"))
    assert answer.reply == "fallback"
    assert world.sent == ["a", "b"]
    assert world.state.rests == {"acme|a|": (rest, "server_failed")}
    assert world.state.failures == [("a", "server_failed")]


def test_a_short_stated_outage_is_waited_for() -> None:
    world = World({"a": [ServerFailed("busy", status=503, retry_after=1.5), "answered"], "b": ["never"]})
    assert world.run(endpoint("a"), endpoint("b"))[0].reply == "answered"
    assert sum(world.slept) == pytest.approx(1.5)


def test_an_endpoint_that_wants_a_key_where_there_is_none_rests() -> None:
    world = World({"a": [CredentialRejected("no key", status=401)], "b": ["fallback"]})
    world.run(endpoint("a"), endpoint("b"))
    assert world.state.rests == {"acme|a|": (60.0, "credential_rejected")}


def test_a_limit_that_is_over_at_once_again_and_again_makes_the_endpoint_rest() -> None:
    world = World({"a": [RateLimited("limit", status=429, retry_after=0.0)], "b": ["fallback"]})
    assert world.run(endpoint("a"), endpoint("b"))[0].reply == "fallback"
    assert world.sent == ["a", "a", "b"]
    assert sum(world.slept) > 0
    assert world.state.rests == {"acme|a|": (1.0, "rate_limited")}


@pytest.mark.parametrize(("retry_after", "rest"), [(None, 1.0), (30.0, 30.0)])
def test_a_limit_without_a_short_wait_goes_on_and_the_endpoint_rests(retry_after: float | None, rest: float) -> None:
    world = World({"a": [RateLimited("limit", status=429, retry_after=retry_after)], "b": ["fallback"]})
    world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["a", "b"]
    assert world.state.rests["acme|a|"] == (rest, "rate_limited")


def test_a_rejected_key_rests_ten_minutes_and_the_providers_next_key_answers() -> None:
    world = World({"k1": [CredentialRejected("bad key", status=401)], "k2": ["answered"]})
    answer, ledger = world.run(endpoint("a", "k1", "k2"))
    assert answer.credential.identity == "k2"
    assert world.state.rests == {"k1#": (600.0, "credential_rejected")}
    assert [attempt.credential for attempt in ledger.attempts] == ["k1", "k2"]


def test_a_limited_key_lets_the_next_key_answer_without_resting_the_endpoint() -> None:
    world = World({"k1": [RateLimited("limit", status=429, retry_after=30)], "k2": ["answered"]})
    world.run(endpoint("a", "k1", "k2"))
    assert world.state.rests == {"k1#": (30, "rate_limited")}


def test_a_resting_key_is_not_sent() -> None:
    world = World({"k1": ["never"], "k2": ["answered"]})
    world.state.rests["k1#"] = (600.0, "credential_rejected")
    world.run(endpoint("a", "k1", "k2"))
    assert world.sent == ["k2"]


def test_a_model_missing_upstream_rests_a_minute_and_the_next_answers() -> None:
    world = World({"a": [ModelMissing("no such model", status=404)], "b": ["fallback"]})
    world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["a", "b"]
    assert world.state.rests == {"acme|a|": (60.0, "model_missing")}


def test_what_one_request_may_have_provoked_makes_nothing_rest() -> None:
    refused, missing = CredentialRejected("fewer max_tokens", status=402), ModelMissing("no tool use", status=404)
    refused.lasting = missing.lasting = False
    world = World({"k1": [refused], "b": [missing], "c": ["fallback"]})
    answer, _ = world.run(endpoint("a", "k1"), endpoint("b"), endpoint("c"))
    assert answer.reply == "fallback"
    assert world.state.rests == {}


def test_a_name_that_a_caller_made_up_does_not_rest() -> None:
    world = World({"a": [ModelMissing("no such model", status=404)]})
    with pytest.raises(Exhausted):
        world.run(replace(endpoint("a"), known=False))
    assert world.state.rests == {}


def test_a_body_too_large_for_one_goes_to_the_next_and_harms_nobody() -> None:
    world = World({"a": [PayloadTooLarge("too large", status=413)], "b": ["fallback"]})
    world.run(endpoint("a"), endpoint("b"))
    assert world.state.rests == {}


def test_a_context_error_goes_to_a_larger_window_only() -> None:
    world = World({"a": [ContextTooLong("too long", status=400)], "same": ["never"], "large": ["fits"]})
    answer, ledger = world.run(
        endpoint("a", window=8000), endpoint("same", window=8000), endpoint("large", window=128000)
    )
    assert answer.reply == "fits"
    assert world.sent == ["a", "large"]
    assert [skip.endpoint for skip in ledger.skipped] == ["same"]


def test_a_context_error_without_a_larger_window_is_passed_on() -> None:
    world = World({"a": [ContextTooLong("too long", status=400)], "b": ["never"]})
    with pytest.raises(ContextTooLong):
        world.run(endpoint("a", window=8000), endpoint("b", window=8000))
    assert world.sent == ["a"]


@pytest.mark.parametrize("error", [RequestRejected("wrong", status=400), ContentFiltered("refused", status=400)])
def test_a_wrong_request_and_refused_content_are_passed_on_at_once(error: UpstreamError) -> None:
    world = World({"a": [error], "b": ["never"]})
    with pytest.raises(type(error)):
        world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["a"]


def test_a_caller_who_leaves_during_a_pause_ends_the_request() -> None:
    world = World({"a": [ServerFailed("500", status=500)], "b": ["never"]})
    world.left = True
    with pytest.raises(CallerLeft):
        world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["a"]


def test_a_caller_who_leaves_while_we_speak_is_recorded_as_cancelled() -> None:
    world = World({"a": [CallerLeft()]})
    with pytest.raises(CallerLeft):
        world.run(endpoint("a"))
    assert world.ledger.attempts[0].outcome == "cancelled"


def test_a_refused_acquire_is_recorded_as_skipped_and_the_next_is_tried() -> None:
    world = World({"a": ["never"], "b": ["answered"]})
    world.state.refuse["a"] = Skip("a", "rate_limited", "its window is full", 3.0)
    _, ledger = world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["b"]
    assert [skip.code for skip in ledger.skipped] == ["rate_limited"]


def exhausted(run: Callable[[], Any]) -> Exhausted:
    with pytest.raises(Exhausted) as caught:
        run()
    return caught.value


def test_when_every_capable_candidate_is_limited_the_soonest_end_is_told() -> None:
    world = World({"a": [RateLimited("limit", status=429, retry_after=30)]})
    skipped = (Skip("b", "rate_limited", "its window is full", 12.0), Skip("c", "no_key", "c has no key"))
    error = exhausted(lambda: world.run(endpoint("a"), skipped=skipped))
    assert (error.kind, error.message) == ("rate_limited", "All configured services are rate limited")
    assert error.retry_after == 12.0


def test_when_every_candidate_says_unknown_model_the_caller_is_told_so() -> None:
    world = World({"a": [ModelMissing("no", status=404)], "b": [ModelMissing("no", status=404)]})
    assert exhausted(lambda: world.run(endpoint("a"), endpoint("b"))).kind == "model_missing"


def test_when_nobody_has_a_key_the_answer_says_what_to_set() -> None:
    error = exhausted(lambda: World({}).run(skipped=(Skip("a", "no_key", "set OPENAI_API_KEY"),)))
    assert error.kind == "not_configured"
    assert "set OPENAI_API_KEY" in error.message


def test_any_other_exhaustion_is_unavailable() -> None:
    world = World({"a": [ServerFailed("500", status=500)], "b": [RateLimited("limit", status=429)]})
    error = exhausted(lambda: world.run(endpoint("a"), endpoint("b")))
    assert (error.kind, error.message) == ("unavailable", "All configured services are unavailable")


UNSAID = Unsupported("'n' cannot be passed on as given.", status=400, param="n")


def test_a_vendor_without_the_word_a_strict_caller_wants_is_passed_over_for_one_that_has_it() -> None:
    answer, ledger = World({"a": [UNSAID], "b": ["answered"]}).run(endpoint("a", "k1", "k2"), endpoint("b"))
    assert answer.reply == "answered"
    assert [attempt.endpoint for attempt in ledger.attempts] == ["b"]
    assert [(skip.endpoint, skip.code) for skip in ledger.skipped] == [("a", "unsupported_parameter")]


def test_a_strict_caller_is_refused_only_if_no_vendor_has_the_word() -> None:
    world = World({"a": [UNSAID], "b": [UNSAID]})
    with pytest.raises(Unsupported) as caught:
        world.run(endpoint("a"), endpoint("b"), skipped=(Skip("c", "no_key", "no key"),))
    assert caught.value is UNSAID
    world = World({"a": [UNSAID], "b": [RateLimited("limit", status=429)]})
    with pytest.raises(Exhausted) as exhausted:
        world.run(endpoint("a"), endpoint("b"))
    assert exhausted.value.kind == "rate_limited"


def test_a_probe_of_an_open_circuit_is_one_try() -> None:
    world = World({"a": [ServerFailed("503", status=503)], "b": ["fallback"]})
    world.state.probes.add("a")
    world.run(endpoint("a", retries=3), endpoint("b"))
    assert world.sent == ["a", "b"]


def test_a_request_that_gives_an_endpoint_up_counts_once_whatever_its_tries() -> None:
    world = World({"a": [ServerFailed("503", status=503)], "b": ["fallback"]})
    world.run(endpoint("a", retries=2), endpoint("b"))
    assert world.sent == ["a", "a", "a", "b"]
    assert world.state.failures == [("a", "server_failed")]


def test_a_request_that_recovers_on_its_retry_counts_no_failure() -> None:
    world = World({"a": [ServerFailed("503", status=503), "recovered"]})
    world.run(endpoint("a"))
    assert world.state.failures == []


@pytest.mark.parametrize(
    "error",
    [ServerFailed("5", status=500), RateLimited("4", status=429), RequestRejected("4", status=400), CallerLeft()],
    ids=["failed", "limited", "rejected", "left"],
)
def test_every_try_gives_back_what_it_held(error: Exception) -> None:
    world = World({"a": [error], "b": ["fallback"]})
    try:
        world.run(endpoint("a"), endpoint("b"))
        answered = 1
    except (UpstreamError, CallerLeft):
        answered = 0
    assert world.state.held == answered


def test_a_retry_that_may_not_be_tried_any_more_goes_on_to_the_next() -> None:
    world = World({"a": [ServerFailed("503", status=503)], "b": ["fallback"]})
    full = Skip("a", "over_limit", "its limit is used up", 3.0)

    def sleep(seconds: float) -> None:
        world.now += seconds
        world.state.refuse["a"] = full

    world.sleep = sleep  # type: ignore[method-assign]
    _, ledger = world.run(endpoint("a"), endpoint("b"))
    assert world.sent == ["a", "b"]
    assert ledger.skipped == [full]
    assert world.state.failures == [("a", "server_failed")]


def test_full_windows_alone_are_a_limit_and_no_failure() -> None:
    world = World({})
    world.state.refuse["a"] = Skip("a", "over_limit", "its limit is used up", 3.0)
    error = exhausted(lambda: world.run(endpoint("a")))
    assert (error.kind, error.retry_after) == ("rate_limited", 3.0)


def test_wishes_that_nobody_meets_are_told_with_their_reasons() -> None:
    skipped = (Skip("a", "not_wanted", "the request wants only b"),)
    error = exhausted(lambda: World({}).run(skipped=skipped))
    assert error.kind == "unwanted"
    assert "the request wants only b" in error.message
