"""A stream watched to its end: what is noted, what is settled, what a cancelled one costs."""

from __future__ import annotations

import io
from typing import Any

import pytest

from providers.chat import Call
from providers.errors import StreamCut
from providers.wire import Limits, Target, Trace, Upload
from routing.ports import Answer, Hold, Ledger, Ports
from routing.relay import Relay, Summary, settle
from routing.types import Attempt, Candidate, Facts
from tests.core.world import FakeReply, FakeState, chunk

USAGE = {
    "id": "x",
    "model": "m-1",
    "choices": [],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def answered(reply: FakeReply) -> Answer:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", "m")
    candidate = Candidate("a", "acme|m|", target, (), Facts(), Limits())
    return Answer(Hold(candidate), None, Attempt("a", "acme", "m", ""), reply, Trace())


def ports() -> Ports:
    return Ports(lambda *args: None, FakeState(), lambda: 5.0, lambda seconds: None, lambda attempt: 0.0, lambda: False)  # type: ignore[arg-type]


def test_held_chunks_come_first_and_the_end_is_a_success() -> None:
    answer = answered(FakeReply([chunk("Hel")], [chunk("lo"), chunk(finish="stop"), USAGE]))
    relay = Relay(answer, ports(), Ledger(0.0))
    texts = [choice["delta"].get("content") for each in relay for choice in each["choices"]]
    assert texts == ["Hel", "lo", None]
    assert (relay.outcome, answer.attempt.outcome, answer.attempt.end_ms) == ("success", "success", 5000.0)
    assert (relay.summary.finish_reason, relay.summary.usage_source, relay.summary.model) == ("stop", "vendor", "m-1")


def test_a_cut_is_noted_before_it_is_raised() -> None:
    answer = answered(FakeReply([chunk("Hel")], [StreamCut("it ended without a finish reason")]))
    relay = Relay(answer, ports(), Ledger(0.0))
    next(relay)
    with pytest.raises(StreamCut):
        next(relay)
    assert (relay.outcome, answer.attempt.error) == ("stream_cut", "it ended without a finish reason")


def test_closing_early_is_a_cancellation_and_closes_the_upstream() -> None:
    reply = FakeReply([chunk("Hello")], [chunk("never")])
    answer = answered(reply)
    relay = Relay(answer, ports(), Ledger(0.0))
    next(relay)
    relay.close()
    relay.close()
    assert (relay.outcome, answer.attempt.outcome) == ("cancelled", "cancelled")
    assert reply.closed == 2


def test_usage_that_no_vendor_gave_is_estimated_from_what_was_sent() -> None:
    summary = Summary(characters=9)
    messages = [{"content": "12345"}, {"content": [{"type": "text", "text": "123"}]}, {}]
    summary.estimate(Call("chat", {"messages": messages}))
    assert summary.usage == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    assert summary.usage_source == "estimated"


def test_prompts_are_estimated_by_characters_or_token_ids_and_files_not_at_all() -> None:
    for prompt, tokens in (("12345678", 2), (["1234", "1234"], 2), ([7, 8, 9], 3), ([[7, 8], [9]], 3)):
        summary = Summary()
        summary.estimate(Call("completions", {"prompt": prompt}))
        assert summary.usage is not None
        assert summary.usage["prompt_tokens"] == tokens
    summary = Summary(characters=9)
    summary.estimate(Call("transcription", {}, upload=Upload("a.mp3", "audio/mpeg", 3, io.BytesIO(b"abc"))))
    assert (summary.usage, summary.usage_source) == (None, "none")


def test_a_whole_reply_is_settled_with_the_vendors_usage() -> None:
    body = {
        "model": "m-1",
        "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    answer = answered(FakeReply([], [], body))
    summary = settle(answer, ports(), Ledger(0.0))
    assert (summary.finish_reason, summary.usage_source, answer.attempt.outcome) == ("stop", "vendor", "success")
    summary.estimate(Call("chat", {"messages": []}))
    assert summary.usage == body["usage"]


@pytest.mark.parametrize(
    ("operation", "body", "tokens"),
    [
        ("embeddings", {"input": "12345"}, 2),
        ("embeddings", {"input": ["1234", "5678"]}, 2),
        ("embeddings", {"input": [[1, 2], [3]]}, 3),
        ("rerank", {"query": "1234", "documents": ["1234", "5678"]}, 4),
    ],
)
def test_what_was_to_be_read_is_estimated(operation: str, body: dict[str, Any], tokens: int) -> None:
    summary = Summary()
    summary.estimate(Call(operation, body))
    assert summary.usage == {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}


def test_a_reply_without_choices_is_settled_too() -> None:
    body = {"model": "m", "data": [], "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    summary = settle(answered(FakeReply([], [], body)), ports(), Ledger(0.0))
    assert (summary.model, summary.finish_reason, summary.usage, summary.requests) == ("m", "", body["usage"], 1)


@pytest.mark.parametrize(("meta", "requests"), [({"billed_units": {"search_units": 3}}, 3), ("odd", 1), ({}, 1)])
def test_searches_are_counted_as_the_vendor_bills_them(meta: Any, requests: int) -> None:
    reply = FakeReply([], [], {"model": "m", "results": [], "meta": meta})
    assert settle(answered(reply), ports(), Ledger(0.0)).requests == requests
