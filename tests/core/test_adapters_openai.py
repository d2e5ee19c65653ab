"""The openai adapter: how replies and streams end, are mended, or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters import ADAPTERS
from providers.adapters.base import StreamParser
from providers.errors import (
    ContentFiltered,
    CredentialRejected,
    MalformedReply,
    RateLimited,
    RequestRejected,
    ServerFailed,
    StreamCut,
    UpstreamError,
)
from providers.wire import Target

ADAPTER = ADAPTERS["openai"]


def target(kind: str = "openai-compatible", **more: Any) -> Target:
    return Target("vendor", kind, "openai", "https://vendor.test/v1", "river", **more)


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [*choices], **more}


def choice(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"index": index, "delta": delta or {}, "finish_reason": finish}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def opened(kind: str = "openai-compatible") -> StreamParser:
    return ADAPTER.open_stream("chat", target(kind))


def read(*events: Any, kind: str = "openai-compatible") -> list[dict[str, Any]]:
    parser = opened(kind)
    return parser.feed(sse(*events)) + parser.end()


def parse(raw: Any, kind: str = "openai-compatible") -> dict[str, Any]:
    payload = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return ADAPTER.parse("chat", payload, target(kind))


def whole(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"id": "w1", "created": 5, "model": "m", "choices": [choice(finish=finish) | {"message": message}], **more}


# How a stream ends


def test_a_stream_that_ends_without_a_finish_reason_is_cut() -> None:
    parser = opened()
    assert len(parser.feed(sse(chunk(choice({"content": "Hal"}))))) == 1
    assert not parser.complete
    with pytest.raises(StreamCut):
        parser.end()


@pytest.mark.parametrize("events", [(), (chunk(choice({"content": "Hal"})),), (chunk(usage={"prompt_tokens": 1}),)])
def test_done_without_a_finish_reason_is_a_cut_too(events: Any) -> None:
    with pytest.raises(StreamCut):
        read(*events, b"[DONE]")


def test_a_stream_with_every_finish_reason_needs_no_done() -> None:
    parser = opened()
    parser.feed(sse(chunk(choice({"content": "a"})), chunk(choice({"content": "b"}, index=1))))
    parser.feed(sse(chunk(choice({}, "stop"))))
    assert not parser.complete
    parser.feed(sse(chunk(choice({}, "length", index=1))))
    assert parser.complete
    assert not parser.done
    ends = [(c["choices"][0]["index"], c["choices"][0]["finish_reason"]) for c in parser.end()]
    assert ends == [(0, "stop"), (1, "length")]
    assert parser.done
    assert parser.end() == []


def test_a_stream_that_ends_within_an_event_is_cut() -> None:
    parser = opened()
    parser.feed(sse(chunk(choice({"content": "Hal"}))) + b'data: {"choices": [{"ind')
    with pytest.raises(StreamCut):
        parser.end()


def test_nothing_is_read_after_done() -> None:
    parser = opened()
    parser.feed(sse(chunk(choice({"content": "a"}, "stop")), b"[DONE]", b"junk"))
    assert parser.feed(b"junk\n\n") == []
    assert parser.complete


def test_text_after_the_finish_reason_is_not_lost() -> None:
    chunks = read(chunk(choice({"content": "a"}, "stop")), chunk(choice({"content": "b"})), b"[DONE]")
    assert [c["choices"][0]["delta"].get("content") for c in chunks] == ["a", "b", None]
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "stop"]


def test_an_empty_finish_reason_ends_only_an_answer_with_tool_calls() -> None:
    call = {"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}}
    assert read(chunk(choice({"tool_calls": [call]})), chunk(choice({}, "")), b"[DONE]")[-1]["choices"][0][
        "finish_reason"
    ] == ("tool_calls")
    with pytest.raises(StreamCut):
        read(chunk(choice({"content": "a"}, "")), b"[DONE]")


@pytest.mark.parametrize("reason", ["insufficient_system_resource", "error", "abort"])
def test_a_vendor_that_gives_up_on_an_answer_is_not_a_finish(reason: str) -> None:
    with pytest.raises(ServerFailed):
        read(chunk(choice({"content": "a"}, reason)), b"[DONE]")
    with pytest.raises(ServerFailed):
        parse(whole({"content": "a"}, reason))


# Errors within a success


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "no", "code": 502}}, ServerFailed),
        ({"error": {"message": "slow down", "type": "rate_limit_exceeded"}}, RateLimited),
        ({"error": "broken"}, ServerFailed),
        ([{"error": {"code": 429, "message": "quota"}}], RateLimited),
        ({"code": "InvalidParameter", "message": "wrong", "request_id": "r"}, RequestRejected),
        ({"code": "DataInspectionFailed", "message": "Output data may be bad"}, ContentFiltered),
        ({"error": {"message": "You have no credits", "code": "insufficient_quota"}}, CredentialRejected),
        ({"object": "error", "message": "down", "type": "internal", "code": 503}, ServerFailed),
        ({"error": "overloaded", "error_type": "overloaded"}, ServerFailed),
    ],
)
def test_an_error_inside_a_200_raises_its_class_whole_and_in_a_stream(body: Any, kind: type[UpstreamError]) -> None:
    with pytest.raises(kind):
        parse(body)
    with pytest.raises(kind):
        read(chunk(choice({"content": "a"})), body)
    parser = opened()
    assert parser.feed(json.dumps(body).encode()) == []
    with pytest.raises(kind):
        parser.end()


def test_an_error_beside_choices_and_an_error_event_are_errors() -> None:
    with pytest.raises(RequestRejected, match="limit reached"):
        read(chunk(choice({"content": ""}), error={"code": 400, "message": "limit reached"}))
    parser = opened()
    with pytest.raises(ServerFailed, match="overloaded"):
        parser.feed(b'event: error\ndata: {"message": "overloaded"}\n\n')


@pytest.mark.parametrize(
    "payload",
    [
        b"{" * 5000,
        b"[" * 5000,
        b"",
        b"<html><body>Welcome</body></html>",
        b"null",
        b"[]",
        b"12",
        b'"text"',
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": 3}]}',
        b'{"choices": 1}',
        b"\xff\xfe",
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"tool_calls": [{}]}}]}',
    ],
)
def test_a_success_that_is_no_completion_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedReply):
        parse(payload)


@pytest.mark.parametrize(
    "event", [b"junk", b"[]", b"3", b'{"a": 1}', b'{"choices": 1}', b'{"choices": [1]}', b"[" * 5000]
)
def test_an_event_that_is_no_chunk_is_malformed(event: bytes) -> None:
    with pytest.raises(MalformedReply):
        read(event)


def test_a_web_page_instead_of_a_stream_is_malformed() -> None:
    parser = opened()
    assert parser.feed(b"\r\n<!doctype html>\n<title>Sign in</title>\n\n") == []
    assert not parser.complete
    with pytest.raises(MalformedReply):
        parser.end()


def test_a_server_that_does_not_stream_still_answers() -> None:
    parser = opened()
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    figures = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    parser.feed(json.dumps(whole({"content": "Hi", "tool_calls": [call]}, "tool_calls", usage=figures)).encode())
    first, last, count = parser.end()
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "Hi", "tool_calls": [{"index": 0, **call}]}
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    assert count["usage"] == figures
    assert {c["object"] for c in (first, last, count)} == {"chat.completion.chunk"}


KEYS = [
    "id", "object", "created", "model", "choices", "usage", "error", "index", "delta", "message", "finish_reason",
    "role", "content", "tool_calls", "function", "name", "arguments", "reasoning", "code", "type", "detail", "text",
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens", "thinking",
    "metadata", "raw", "logprobs", "service_tier", "custom",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)
CHOICES = st.fixed_dictionaries({"index": JSON, "delta": JSON, "finish_reason": JSON})


def outcome(act: Callable[[], Any]) -> Any:
    """What ``act`` gives, or the message of its upstream error; anything else is a failure."""
    try:
        return act()
    except UpstreamError as error:
        return error.message


@settings(deadline=None)
@given(st.lists(JSON, max_size=4), st.booleans())
def test_any_json_gives_chunks_or_a_clean_error(events: list[Any], done: bool) -> None:
    got = outcome(lambda: read(*events, *([b"[DONE]"] if done else [])))
    assert got
    assert isinstance(got, str) or all(chunk["object"] == "chat.completion.chunk" for chunk in got)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"choices": st.lists(CHOICES, max_size=2), "usage": JSON}), max_size=4))
def test_any_choices_give_chunks_or_a_clean_error(events: list[Any]) -> None:
    got = outcome(lambda: read(*events, b"[DONE]"))
    assert got
    assert isinstance(got, str) or got[-1]["choices"] == [] or got[-1]["choices"][0]["finish_reason"]


@settings(deadline=None)
@given(JSON | st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": JSON}), min_size=1)}))
def test_any_json_gives_a_completion_or_a_clean_error(raw: Any) -> None:
    got = outcome(lambda: parse(raw))
    assert got
    if not isinstance(got, str):
        assert got["choices"][0]["message"]["role"] == "assistant"
        assert got["choices"][0]["finish_reason"] in {"stop", "length", "tool_calls", "content_filter", "function_call"}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_any_bytes_give_a_clean_error(pieces: list[bytes]) -> None:
    parser = opened()
    assert outcome(lambda: [parser.feed(piece) for piece in pieces] and parser.end())


def test_two_choices_one_after_the_other_are_complete_only_when_both_are() -> None:
    target = Target("acme", "openai-compatible", "openai", "http://upstream/v1", "m")
    parser = ADAPTERS["openai"].open_stream("chat", target)
    parser.expected = 2

    def chunk(index: int) -> bytes:
        choice = {"index": index, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        return b"data: " + json.dumps({"id": "x", "choices": [choice]}).encode() + b"\n\n"

    parser.feed(chunk(0))
    assert not parser.complete
    parser.feed(chunk(1))
    assert parser.complete
