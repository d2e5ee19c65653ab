"""A cut answer goes on elsewhere without a gap and without a repetition, or the cut is told."""

from __future__ import annotations

from typing import Any

import pytest

from providers.chat import Call
from providers.errors import RequestRejected, StreamCut, UpstreamError, UpstreamTimeout
from providers.wire import Limits, Target, Trace
from routing.ports import Answer, Hold, Ledger, Ports
from routing.relay import Relay
from routing.resume import Resume
from routing.types import Attempt, Candidate, Facts, Need, Plan, Route
from tests.core.world import FakeReply, FakeState, chunk

CALL = Call("chat", {"messages": [{"role": "user", "content": "Count"}]}, stream=True)
CUT = StreamCut("it ended without a finish reason")
WORDS = ["one ", "two ", "three ", "four ", "five"]


def endpoint(name: str, kind: str = "openai-compatible", *capabilities: str) -> Candidate:
    wire = "anthropic" if kind == "anthropic" else "openai"
    target = Target("acme", kind, wire, "http://upstream/v1", "claude-3-opus" if kind == "anthropic" else name)
    return Candidate(name, name, target, (), Facts(capabilities=frozenset(capabilities)), Limits())


def answer(*words: str) -> FakeReply:
    chunks: list[Any] = [chunk(word) for word in words]
    return FakeReply(chunks[:1], [*chunks[1:], chunk(finish="stop")])


class Script:
    """What each endpoint says, call by call; and what it was asked."""

    def __init__(self, **replies: list[Any]) -> None:
        self.replies = replies
        self.asked: list[tuple[str, Call]] = []

    def send(self, target: Target, credential: Any, call: Call, limits: Any, gone: Any, trace: Any) -> Any:
        name = "claude" if target.kind == "anthropic" else target.upstream_model
        self.asked.append((name, call))
        reply = self.replies[name].pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def relay(first: FakeReply, script: Script, *others: Candidate) -> tuple[Relay, Ledger]:
    state, ledger = FakeState(), Ledger(0.0)
    ports = Ports(script.send, state, lambda: 5.0, lambda seconds: None, lambda attempt: 0.0, lambda: False)
    cut = endpoint("primary")
    route = Route("turbo", "turbo", "model", "text-generation", "ordered", (cut, *others), mid_stream="resume")
    begun = Answer(Hold(cut), None, Attempt("primary", "acme", "primary", ""), first, Trace())
    ledger.attempts.append(begun.attempt)
    resume = Resume(Plan(route, (cut, *others), ()), CALL, Need(), ports, ledger)
    return Relay(begun, ports, ledger, resume), ledger


def cut_after(*words: str, error: UpstreamError = CUT) -> FakeReply:
    chunks: list[Any] = [chunk(word) for word in words]
    return FakeReply(chunks[:1], [*chunks[1:], error])


def text(chunks: list[dict[str, Any]]) -> str:
    return "".join(choice["delta"].get("content") or "" for each in chunks for choice in each["choices"])


def test_another_endpoint_that_says_the_same_again_goes_on_where_it_was_cut() -> None:
    script = Script(fallback=[answer(*WORDS)])
    relayed, ledger = relay(cut_after("one ", "two "), script, endpoint("fallback"))
    chunks = list(relayed)
    assert text(chunks) == "one two three four five"
    assert {each["id"] for each in chunks} == {"x"}
    assert [bool(text([each])) for each in chunks[:-1]] == [True] * (len(chunks) - 1), "no empty pieces"
    assert (relayed.outcome, relayed.answer.candidate.endpoint) == ("success", "fallback")
    assert [attempt.outcome for attempt in ledger.attempts] == ["stream_cut", "success"]
    assert relayed.summary.finish_reason == "stop"


def test_pieces_may_be_cut_otherwise_than_before() -> None:
    script = Script(fallback=[answer("on", "e two th", "ree four five")])
    relayed, _ = relay(cut_after("one ", "two "), script, endpoint("fallback"))
    assert text(list(relayed)) == "one two three four five"


def test_an_answer_that_says_something_else_is_no_continuation() -> None:
    script = Script(fallback=[answer("Once ", "upon")], primary=[answer("Let me see")])
    relayed, ledger = relay(cut_after("one ", "two "), script, endpoint("fallback"))
    read: list[dict[str, Any]] = []
    with pytest.raises(StreamCut):
        read.extend(relayed)
    assert text(read) == "one two "
    assert [attempt.outcome for attempt in ledger.attempts] == ["stream_cut", "diverged", "diverged"]
    assert relayed.outcome == "stream_cut"


def test_an_answer_shorter_than_what_was_sent_is_no_continuation() -> None:
    script = Script(fallback=[answer("one ")], primary=[answer("one ")])
    relayed, _ = relay(cut_after("one ", "two "), script, endpoint("fallback"))
    with pytest.raises(StreamCut):
        list(relayed)


def test_an_endpoint_that_can_is_given_the_beginning_to_continue() -> None:
    script = Script(claude=[answer("three ", "four ", "five")])
    relayed, _ = relay(cut_after("one ", "two "), script, endpoint("claude", "anthropic"))
    assert text(list(relayed)) == "one two three four five"
    ((_, call),) = script.asked
    assert call.continues
    assert call.body["messages"][-1] == {"role": "assistant", "content": "one two"}


def test_a_prefilled_endpoint_that_starts_anew_is_noticed() -> None:
    script = Script(claude=[answer("one two three four ", "five ", "six")])
    relayed, _ = relay(cut_after("one two three ", "four "), script, endpoint("claude", "anthropic"))
    assert text(list(relayed)) == "one two three four five six"


def test_a_refused_prefill_is_followed_by_an_answer_from_the_beginning() -> None:
    refused = RequestRejected("This model does not support assistant message prefill.", status=400)
    script = Script(claude=[refused, answer(*WORDS)])
    relayed, ledger = relay(cut_after("one ", "two "), script, endpoint("claude", "anthropic"))
    assert text(list(relayed)) == "one two three four five"
    assert [attempt.outcome for attempt in ledger.attempts] == ["stream_cut", refused.outcome, "success"]


def test_what_refuses_everything_leaves_the_honest_error_and_never_its_own() -> None:
    refused = RequestRejected("no prefill", status=400)
    script = Script(claude=[refused, refused], primary=[refused])
    relayed, _ = relay(cut_after("one "), script, endpoint("claude", "anthropic"))
    with pytest.raises(StreamCut):
        list(relayed)


def test_a_continuation_that_is_cut_too_is_continued_in_its_turn() -> None:
    script = Script(b=[cut_after("one ", "two ", "three ")], c=[answer(*WORDS)])
    relayed, ledger = relay(cut_after("one "), script, endpoint("b"), endpoint("c"))
    assert text(list(relayed)) == "one two three four five"
    assert [attempt.outcome for attempt in ledger.attempts] == ["stream_cut", "stream_cut", "success"]


def test_the_endpoint_that_was_cut_is_asked_last_unless_it_fell_silent() -> None:
    script = Script(primary=[answer(*WORDS)])
    relayed, _ = relay(cut_after("one "), script)
    assert text(list(relayed)) == "one two three four five"
    silent, _ = relay(cut_after("one ", error=UpstreamTimeout("silence", phase="idle")), Script())
    with pytest.raises(UpstreamTimeout):
        list(silent)


def test_endpoints_that_always_cut_at_the_same_place_are_not_asked_for_ever() -> None:
    script = Script(
        fallback=[cut_after("one ", "two ", "three ") for _ in range(9)], primary=[cut_after("one ", "two ")] * 9
    )
    relayed, _ = relay(cut_after("one ", "two "), script, endpoint("fallback"))
    read: list[dict[str, Any]] = []
    with pytest.raises(StreamCut):
        read.extend(relayed)
    assert text(read) == "one two three "
    assert [name for name, _ in script.asked] == ["fallback", "fallback"]
    script = Script(other=[answer("Once")] * 9, primary=[cut_after("one ", "two ") for _ in range(9)])
    relayed, _ = relay(cut_after("one ", "two "), script, endpoint("other"))
    with pytest.raises(StreamCut):
        list(relayed)
    assert [name for name, _ in script.asked] == ["other", "primary"]


def test_probabilities_of_words_that_were_sent_are_not_told_again() -> None:
    told = [chunk("one "), chunk("two ")]
    for each in told:
        each["choices"][0]["logprobs"] = {"content": [{"token": "x"}]}
    script = Script(fallback=[FakeReply(told[:1], [told[1], chunk(finish="stop")])])
    relayed, _ = relay(cut_after("one "), script, endpoint("fallback"))
    told = [choice.get("logprobs") for each in relayed for choice in each["choices"]]
    assert [each for each in told if each] == [{"content": [{"token": "x"}]}]


def test_half_a_tool_call_is_not_continued() -> None:
    begun = {**chunk("x"), "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}, "finish_reason": None}]}
    script = Script(fallback=[answer(*WORDS)])
    relayed, _ = relay(FakeReply([begun], [CUT]), script, endpoint("fallback"))
    with pytest.raises(StreamCut):
        list(relayed)
    assert script.asked == []


def test_reasoning_is_not_said_twice() -> None:
    thought = {**chunk(), "choices": [{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": None}]}
    script = Script(fallback=[FakeReply([thought], [chunk("one two "), chunk("three"), chunk(finish="stop")])])
    relayed, _ = relay(FakeReply([thought], [chunk("one "), CUT]), script, endpoint("fallback"))
    chunks = list(relayed)
    assert text(chunks) == "one two three"
    thoughts = [choice["delta"].get("reasoning_content") for each in chunks for choice in each["choices"]]
    assert thoughts.count("hm") == 1
