"""The cohere adapter: how replies and streams end, are mended, or fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.errors import (
    ContextTooLong,
    CredentialRejected,
    MalformedReply,
    ModelMissing,
    RateLimited,
    RequestRejected,
    ServerFailed,
    StreamCut,
    UpstreamError,
)
from tests.core.cohere import (
    ADAPTER,
    START,
    TEXT,
    call,
    deltas,
    ending,
    event,
    parse,
    read,
    sent,
    sse,
    target,
    whole,
)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("ERROR_TOXIC", "content_filter"),
        ("ERROR_LIMIT", "length"),
        ("SOMETHING_NEW", "stop"),
        (None, "stop"),
    ],
)
def test_reasons_to_end_become_openais(reason: Any, expected: str) -> None:
    assert parse(whole(reason, content=[{"type": "text", "text": "a"}]))["choices"][0]["finish_reason"] == expected
    assert read(START, TEXT, ending(reason))[-1]["choices"][0]["finish_reason"] == expected


@pytest.mark.parametrize("reason", ["TOOL_CALL", "COMPLETE"])
def test_an_answer_with_tool_calls_ends_in_tool_calls(reason: str) -> None:
    assert parse(whole(reason, tool_calls=[call("a", "f")]))["choices"][0]["finish_reason"] == "tool_calls"
    start = event("tool-call-start", 0, tool_calls=call("a", "f", ""))
    last = read(START, start, ending(reason))[-1]["choices"][0]
    assert last["finish_reason"] == "tool_calls"
    assert last["delta"]["tool_calls"] == [{"index": 0, "function": {"arguments": "{}"}}]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (ending("ERROR", error="internal"), ServerFailed),
        (ending("ERROR"), ServerFailed),
        (ending("TIMEOUT"), ServerFailed),
        (ending("ERROR", error={"message": "slow down", "type": "rate_limit"}), RateLimited),
        ({"id": "x", "message": "internal server error"}, ServerFailed),
        ({"type": "error", "message": "overloaded"}, ServerFailed),
        ({"error": {"message": "no", "code": 429}}, RateLimited),
    ],
)
def test_an_error_inside_a_stream_raises_its_class(end: Any, kind: type[UpstreamError]) -> None:
    with pytest.raises(kind):
        read(START, TEXT, end)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (whole("ERROR"), ServerFailed),
        (whole("TIMEOUT"), ServerFailed),
        ({"id": "x", "message": "internal server error"}, ServerFailed),
        ({"id": "x", "message": "invalid", "error_type": "invalid_request"}, RequestRejected),
    ],
)
def test_an_error_inside_a_success_raises_its_class_also_where_a_stream_was_asked_for(
    raw: Any, kind: type[UpstreamError]
) -> None:
    with pytest.raises(kind):
        parse(raw)
    parser = ADAPTER.open_stream("chat", target())
    assert parser.feed(json.dumps(raw).encode()) == []
    with pytest.raises(kind):
        parser.end()


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "invalid request: temperature must be between 0 and 1.0 inclusive.", RequestRejected),
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081", ContextTooLong),
        (401, "invalid api token", CredentialRejected),
        (402, "please add a payment method", CredentialRejected),
        (404, "model 'x' not found, make sure the correct model ID was used", ModelMissing),
        (422, "invalid type: parameter messages", RequestRejected),
        (429, "You are using a Trial key, which is limited to 20 API calls / minute.", RateLimited),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month.", CredentialRejected),
        (498, "invalid token", CredentialRejected),
        (499, "request cancelled", ServerFailed),
        (503, "unavailable", ServerFailed),
    ],
)
def test_errors_become_their_class(status: int, message: str, kind: type[UpstreamError]) -> None:
    payload = json.dumps({"id": "e1", "message": message}).encode()
    error = ADAPTER.parse_error(status, {"retry-after": "7"}, payload, target())
    assert type(error) is kind
    assert (error.status, error.message) == (status, message)
    assert error.retry_after == (7 if kind in (RateLimited, ServerFailed) else None)


def test_a_stream_without_its_terminal_event_is_cut() -> None:
    for events in ((), (START,), (START, TEXT), (START, TEXT, b"[DONE]")):
        with pytest.raises(StreamCut):
            read(*events)
    parser = ADAPTER.open_stream("chat", target())
    parser.feed(sse(START, TEXT) + b'data: {"type": "message-e')
    assert not parser.complete
    with pytest.raises(StreamCut):
        parser.end()


def test_nothing_is_read_after_the_terminal_event() -> None:
    parser = ADAPTER.open_stream("chat", target())
    chunks = parser.feed(sse(START, TEXT, ending(), b"[DONE]", b"junk"))
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    assert (parser.done, parser.complete) == (True, True)
    assert parser.feed(b"junk\n\n") + parser.end() == []


def test_a_last_event_without_its_blank_line_still_counts() -> None:
    parser = ADAPTER.open_stream("chat", target())
    parser.feed(sse(START, TEXT) + sse(ending()).rstrip())
    assert parser.end()[-1]["choices"][0]["finish_reason"] == "stop"


def test_events_are_known_by_their_name_too_and_unknown_ones_are_passed_over() -> None:
    parser = ADAPTER.open_stream("chat", target())
    named = b'event: content-delta\ndata: {"delta": {"message": {"content": {"text": "a"}}}}\n\n'
    chunks = parser.feed(b": hello\n\n" + sse(START, {"type": "new-thing"}, {"type": "debug"}) + named + sse(ending()))
    assert "".join(delta.get("content", "") for delta in deltas(chunks)) == "a"


def test_parallel_calls_whose_arguments_come_by_turns_keep_apart() -> None:
    chunks = read(
        START,
        event("tool-call-start", 3, tool_calls=call("a", "f", "")),
        event("tool-call-start", 5, tool_calls=[call("b", "g", "")]),
        event("tool-call-delta", 5, tool_calls={"function": {"arguments": '{"y":'}}),
        event("tool-call-delta", 3, tool_calls={"function": {"arguments": '{"x":1}'}}),
        event("tool-call-delta", 5, tool_calls={"function": {"arguments": "2}"}}),
        ending("TOOL_CALL"),
    )
    texts = {0: "", 1: ""}
    for delta in deltas(chunks):
        for said in delta.get("tool_calls", ()):
            texts[said["index"]] += said["function"]["arguments"]
    assert texts == {0: '{"x":1}', 1: '{"y":2}'}


def test_chances_become_openais_logprobs() -> None:
    item = {"text": "Hal", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}
    expected = {
        "content": [{"token": "Hal", "bytes": [72, 97, 108], "logprob": -0.75, "top_logprobs": []}],
        "refusal": None,
    }
    raw = {**whole(content=[{"type": "text", "text": "Hal"}]), "logprobs": [item]}
    assert parse(raw)["choices"][0]["logprobs"] == expected
    assert read(START, {**TEXT, "logprobs": item}, ending())[1]["choices"][0]["logprobs"] == expected
    assert parse(whole(content=[]))["choices"][0]["logprobs"] is None


def test_citations_are_passed_on_and_addresses_become_annotations() -> None:
    source = {"type": "document", "id": "d", "document": {"url": "https://a.example", "title": "A"}}
    citation = {"start": 2, "end": 4, "text": "cd", "sources": [source], "content_index": 2, "type": "TEXT_CONTENT"}
    parts = [{"type": "text", "text": "xy"}, {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "abcd"}]
    message = parse(whole(content=parts, citations=[citation]))["choices"][0]["message"]
    assert message["citations"] == [citation]
    note = {"start_index": 4, "end_index": 6, "url": "https://a.example", "title": "A"}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": note}]
    assert message["content"][4:6] == "cd"
    assert deltas(read(START, event("citation-start", 0, citations=citation), ending()))[1]["citations"] == [citation]
    assert sent(messages=[message])["messages"][0]["citations"] == [citation]


def test_something_that_does_not_stream_still_answers() -> None:
    parser = ADAPTER.open_stream("chat", target())
    raw = whole("TOOL_CALL", content=[{"type": "text", "text": "Hi"}], tool_calls=[call("a", "f")])
    raw["usage"] = {"tokens": {"input_tokens": 1, "output_tokens": 2}}
    parser.feed(json.dumps(raw).encode())
    first, last, count = parser.end()
    assert first["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **call("a", "f")}]
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    assert count["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert {chunk["object"] for chunk in (first, last, count)} == {"chat.completion.chunk"}


def test_what_is_said_but_is_no_text_is_the_upstreams_fault_and_not_left_out() -> None:
    with pytest.raises(MalformedReply):
        parse({"message": {"content": [{"type": "text", "text": 5}]}, "finish_reason": "COMPLETE"})
    parser = ADAPTER.open_stream("chat", target())
    with pytest.raises(MalformedReply):
        parser.feed(sse(START, TEXT, event("content-delta", 0, content={"text": ["lo"]})))
