"""The gemini adapter: how replies and streams come back, end, or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.chat import Call
from providers.errors import (
    CredentialRejected,
    MalformedReply,
    RateLimited,
    RequestRejected,
    ServerFailed,
    StreamCut,
    UpstreamError,
)
from tests.core.gemini import ADAPTER, HELLO, event, opened, parse, read, sse, target


def test_parts_without_a_word_in_openais_format_pass_beside_the_text() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    message = parse(event({"text": "a"}, code, picture, {"text": "b"}, finish="STOP"))["choices"][0]["message"]
    assert (message["content"], message["parts"]) == ("ab", [code])
    assert message["images"][0]["image_url"] == {"url": "data:image/png;base64,AA"}


def test_citations_pass_and_become_annotations() -> None:
    raw = event({"text": "Été. Yes."}, finish="STOP")
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 7, "endIndex": 11}, "groundingChunkIndices": [0, 9]}],
    }
    raw["candidates"][0]["groundingMetadata"] = grounding
    choice = parse(raw)["choices"][0]
    assert choice["groundingMetadata"] == grounding
    cited = {"start_index": 5, "end_index": 9, "url": "https://a.example", "title": "A"}
    assert choice["message"]["annotations"] == [{"type": "url_citation", "url_citation": cited}]
    assert read(raw)[-1]["choices"][0]["groundingMetadata"] == grounding


def test_logprobs_are_said_in_openais_words() -> None:
    raw = event({"text": "a"}, finish="STOP")
    a, b = ({"token": token, "logProbability": -0.5} for token in "ab")
    raw["candidates"][0]["logprobsResult"] = {"chosenCandidates": [a], "topCandidates": [{"candidates": [a, b]}]}
    first = {"token": "a", "logprob": -0.5, "bytes": [97]}
    content = [{**first, "top_logprobs": [first, {"token": "b", "logprob": -0.5, "bytes": [98]}]}]
    assert parse(raw)["choices"][0]["logprobs"] == {"content": content, "refusal": None}
    assert read(raw)[0]["choices"][0]["logprobs"] == {"content": content, "refusal": None}


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("NEW_WORD", "stop"),
    ],
)
def test_finish_reasons(reason: str, word: str) -> None:
    assert parse(event({"text": "a"}, finish=reason))["choices"][0]["finish_reason"] == word
    assert read(event({"text": "a"}), event(finish=reason))[-1]["choices"][0]["finish_reason"] == word


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"])
def test_a_model_that_gives_up_on_an_answer_is_not_a_finish(reason: str) -> None:
    with pytest.raises(ServerFailed):
        parse(event(finish=reason))
    with pytest.raises(ServerFailed):
        read(event({"text": "a"}), event(finish=reason))


# How a stream ends


@pytest.mark.parametrize("events", [(), (event({"text": "Hal"}),), (event({"text": "Hal"}), b"[DONE]")])
def test_a_stream_without_a_finish_reason_is_cut(events: Any) -> None:
    with pytest.raises(StreamCut):
        read(*events)


def test_a_stream_that_ends_within_an_event_is_cut() -> None:
    parser = opened()
    parser.feed(sse(event({"text": "Hal"}, finish="STOP")) + b'data: {"candi')
    assert parser.complete
    with pytest.raises(StreamCut):
        parser.end()


def test_all_candidates_asked_for_must_end() -> None:
    parser = opened(expected=2)
    parser.feed(sse(event({"text": "a"}, finish="STOP")))
    assert not parser.complete
    parser.feed(sse(event({"text": "b"}, finish="MAX_TOKENS", index=1)))
    assert parser.complete
    ends = [(chunk["choices"][0]["index"], chunk["choices"][0]["finish_reason"]) for chunk in parser.end()]
    assert ends == [(0, "stop"), (1, "length")]
    assert parser.end() == []


def test_a_list_instead_of_a_stream_of_events_is_read_too() -> None:
    parser = opened()
    usage = {"promptTokenCount": 1, "totalTokenCount": 3}
    parser.feed(json.dumps([event({"text": "a"}), event({"text": "b"}, finish="STOP", usageMetadata=usage)]).encode())
    *texts, last, count = parser.end()
    assert [chunk["choices"][0]["delta"]["content"] for chunk in texts] == ["a", "b"]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert count["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (503, "UNAVAILABLE", ServerFailed),
        (429, "RESOURCE_EXHAUSTED", RateLimited),
        (400, "INVALID_ARGUMENT", RequestRejected),
        (403, "PERMISSION_DENIED", CredentialRejected),
    ],
)
def test_an_error_inside_a_success_raises_its_class(code: int, status: str, kind: type[UpstreamError]) -> None:
    body = {"error": {"code": code, "message": "It went wrong", "status": status}}
    for raw in (body, [body]):
        with pytest.raises(kind):
            parse(raw)
        with pytest.raises(kind):
            read(event({"text": "a"}), raw)
        parser = opened()
        parser.feed(json.dumps(raw).encode())
        with pytest.raises(kind):
            parser.end()


def test_a_bad_key_is_a_credential_and_a_quota_says_how_long() -> None:
    key = {"error": {"code": 400, "message": "API key not valid. Pass a valid one.", "status": "INVALID_ARGUMENT"}}
    assert type(ADAPTER.parse_error(400, {}, json.dumps(key).encode(), target())) is CredentialRejected
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
    quota = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": [info]}}
    error = ADAPTER.parse_error(429, {}, json.dumps([quota]).encode(), target())
    assert (type(error), error.retry_after) == (RateLimited, 37.0)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b"12", b"{}", b"<html></html>", b"[" * 5000, b"\xff\xfe", b'{"usageMetadata": {}}',
        b'{"candidates": 1}', b'{"candidates": [1]}', b'{"candidates": [{"content": {"parts": 3}}]}',
        b'{"candidates": [{"content": {"parts": [3]}}]}', b'{"candidates": [{"content": {"parts": [{"text": 3}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}', b'{"candidates": []}',
    ],
)  # fmt: skip
def test_a_success_that_is_no_answer_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedReply):
        parse(payload)
    with pytest.raises((MalformedReply, StreamCut)):
        read(payload)


KEYS = [
    "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
    "inlineData", "mimeType", "data", "finishReason", "index", "usageMetadata", "promptTokenCount", "totalTokenCount",
    "candidatesTokenCount", "promptTokensDetails", "modality", "tokenCount", "promptFeedback", "blockReason", "error",
    "code", "message", "status", "logprobsResult", "chosenCandidates", "topCandidates", "token", "logProbability",
    "groundingMetadata", "groundingChunks", "groundingSupports", "segment", "groundingChunkIndices", "web", "uri",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)
PARTS = st.fixed_dictionaries({}, optional=dict.fromkeys([*KEYS[3:7], "inlineData"], JSON))
CANDIDATES = st.fixed_dictionaries(
    {"content": JSON | st.fixed_dictionaries({"parts": st.lists(PARTS, max_size=3)})},
    optional=dict.fromkeys(("finishReason", "index", "logprobsResult", "groundingMetadata"), JSON),
)
RESPONSES = JSON | st.fixed_dictionaries({"candidates": st.lists(CANDIDATES, max_size=2), "usageMetadata": JSON})


def outcome(act: Callable[[], Any]) -> Any:
    """What ``act`` gives, or the message of its upstream error; anything else is a failure."""
    try:
        return act()
    except UpstreamError as error:
        return error.message


@settings(deadline=None)
@given(st.lists(RESPONSES, max_size=4))
def test_any_events_give_chunks_or_a_clean_error(events: list[Any]) -> None:
    got = outcome(lambda: read(*events))
    assert got
    assert isinstance(got, str) or all(chunk["object"] == "chat.completion.chunk" for chunk in got)


@settings(deadline=None)
@given(RESPONSES)
def test_any_json_gives_a_completion_or_a_clean_error(raw: Any) -> None:
    got = outcome(lambda: parse(raw))
    assert got
    if not isinstance(got, str):
        assert got["choices"][0]["message"]["role"] == "assistant"
        assert got["choices"][0]["finish_reason"] in {"stop", "length", "tool_calls", "content_filter"}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_any_bytes_give_a_clean_error(pieces: list[bytes]) -> None:
    parser = opened()
    assert outcome(lambda: [parser.feed(piece) for piece in pieces] and parser.end())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["messages", "tools", "tool_choice", "stop", "response_format", "n"]), JSON))
def test_any_request_is_rendered_or_cleanly_refused(body: dict[str, Any]) -> None:
    assert outcome(lambda: ADAPTER.render(Call("chat", {"messages": HELLO, **body}), target()))


def test_calls_pictures_and_signatures_are_counted_across_events() -> None:
    def parts(name: str) -> tuple[dict[str, Any], ...]:
        call = {"functionCall": {"name": name}, "thoughtSignature": name}
        return call, {"inlineData": {"mimeType": "image/png", "data": "AA"}}

    one, two, end = read(event(*parts("a")), event(*parts("b")), event({"text": ""}, finish="STOP"))
    for number, chunk in enumerate((one, two)):
        delta = chunk["choices"][0]["delta"]
        assert delta["tool_calls"][0]["function"] == {"name": "ab"[number], "arguments": "{}"}
        assert {delta[key][0]["index"] for key in ("tool_calls", "images", "reasoning_details")} == {number}
    assert end["choices"][0]["finish_reason"] == "tool_calls"
