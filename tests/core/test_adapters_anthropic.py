"""The anthropic adapter: what is sent, how replies and streams end, are mended, or are refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import (
    ContextTooLong,
    CredentialRejected,
    MalformedReply,
    RateLimited,
    RequestRejected,
    StreamCut,
    Unsupported,
    UpstreamError,
)
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["anthropic"]
USER = {"role": "user", "content": "Hello"}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def target(model: str = "claude-sonnet-4-5", base: str = "https://vendor.test") -> Target:
    return Target("vendor", "anthropic", "anthropic", base, model)


def render(model: str = "claude-sonnet-4-5", strict: bool = False, **body: Any) -> tuple[dict[str, Any], Rendered]:
    given = {"messages": [USER], **body}
    rendered = ADAPTER.say(Call("chat", given, strict=strict), target(model))
    return json.loads(rendered.body), rendered


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {e.get('type')}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def read(*events: dict[str, Any]) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target())
    return parser.feed(sse(*events)) + parser.end()


START = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1}}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
STOP = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}


def test_a_plain_request_has_the_version_the_length_and_the_system_apart() -> None:
    system = {"role": "developer", "content": "Be brief."}
    body, rendered = render(messages=[system, USER], stop="x", user="u-1", temperature=1.5)
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    assert (body["max_tokens"], body["stop_sequences"], body["temperature"]) == (64_000, ["x"], 1)
    assert body["metadata"] == {"user_id": "u-1"}
    assert rendered.path == "/v1/messages"
    assert rendered.headers["anthropic-version"] == "2023-06-01"
    assert rendered.dropped == ("temperature",)


def test_a_base_url_with_v1_is_not_given_it_twice() -> None:
    there = target("river", "http://localhost:8080/v1")
    path = ADAPTER.render(Call("chat", {"messages": [USER]}), there).path
    assert ADAPTER.url(there, "chat", path) == "http://localhost:8080/v1/messages"


@pytest.mark.parametrize("name", ["seed", "n", "presence_penalty", "logprobs", "verbosity"])
def test_what_has_no_word_is_named_or_refused(name: str) -> None:
    assert render(**{name: 2})[1].dropped == (name,)
    with pytest.raises(Unsupported) as caught:
        render(strict=True, **{name: 2})
    assert (caught.value.status, caught.value.param) == (400, name)


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "word"),
    [
        ("claude-sonnet-4-5", "high", {"type": "enabled", "budget_tokens": 4096}, None),
        ("claude-sonnet-4-6", "xhigh", {"type": "adaptive", "display": "summarized"}, "high"),
        ("claude-opus-5", "minimal", {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-sonnet-4-5", "none", {"type": "disabled"}, None),
        ("claude-fable-5", "none", None, None),
        ("claude-3-5-haiku-latest", "high", None, None),
        ("claude-sonnet-4-5", "auto", None, None),
    ],
)
def test_effort_becomes_what_the_model_takes(model: str, effort: str, thinking: Any, word: str | None) -> None:
    body, _ = render(model, reasoning_effort=effort)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == word


def test_a_budget_stays_below_the_length() -> None:
    assert render(reasoning_effort="high", max_tokens=2000)[0]["thinking"]["budget_tokens"] == 1999
    body, rendered = render(reasoning_effort="high", max_tokens=500)
    assert "thinking" not in body
    assert rendered.dropped == ("reasoning_effort",)


def test_structured_outputs_go_natively_or_as_a_tool() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    native = render(response_format=wanted)[0]["output_config"]["format"]["schema"]
    assert native["additionalProperties"] is False
    assert native["properties"]["a"] == {"type": "integer", "description": '{"minimum":3}'}
    body, _ = render("claude-3-5-haiku-latest", response_format=wanted)
    assert body["tool_choice"]["name"] == body["tools"][0]["name"] == "gateway_json_answer"
    assert "minimum" in schema["properties"]["a"]


def test_tools_can_be_forced_and_kept_from_running_in_parallel() -> None:
    body, _ = render(tools=[TOOL], tool_choice="required", parallel_tool_calls=False)
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    body, rendered = render("claude-sonnet-5-5", tools=[TOOL], tool_choice="required")
    assert (body["tool_choice"], rendered.dropped) == ({"type": "auto"}, ("tool_choice",))


WORDS = st.text(max_size=6)
ARGUMENTS = st.dictionaries(WORDS, st.integers(-9, 9) | WORDS | st.booleans() | st.none(), max_size=3)
IDS = st.lists(st.text("abcXYZ019_-", min_size=1, max_size=20), min_size=1, max_size=4, unique=True)


@settings(deadline=None)
@given(IDS, st.data())
def test_a_conversation_comes_back_with_every_id_and_argument(ids: list[str], data: st.DataObject) -> None:
    given = [data.draw(ARGUMENTS) for _ in ids]
    blocks = [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, {"type": "text", "text": "So"}]
    calls = [{"type": "tool_use", "id": i, "name": "f", "input": g} for i, g in zip(ids, given, strict=True)]
    raw = {"type": "message", "content": [*blocks, *calls], "stop_reason": "tool_use", "usage": {}}
    message = ADAPTER.parse("chat", json.dumps(raw).encode(), target())["choices"][0]["message"]
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}
    results = [{"role": "tool", "tool_call_id": i, "content": i} for i in ids]
    turns = render(messages=[picture, message, *results, USER], reasoning_effort="low")[0]["messages"]
    assert turns[0]["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert turns[1] == {"role": "assistant", "content": [*blocks, *calls]}
    assert [block.get("tool_use_id") for block in turns[2]["content"]] == [*ids, None]


def test_a_stream_is_whole_only_with_a_stop_reason() -> None:
    chunks = read(START, TEXT, STOP)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 3
    with pytest.raises(StreamCut):
        read(START, TEXT)


def test_what_is_said_but_is_no_text_is_the_upstreams_fault_and_not_left_out() -> None:
    tool = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}
    arguments = {"type": "input_json_delta", "partial_json": {"city": "Oslo"}}
    for events in ([{**TEXT, "delta": {"type": "text_delta", "text": 5}}], [tool, {**TEXT, "delta": arguments}]):
        with pytest.raises(MalformedReply):
            read(START, *events, STOP)
    message = {"type": "message", "content": [{"type": "text", "text": ["Hi"]}], "stop_reason": "end_turn"}
    with pytest.raises(MalformedReply):
        ADAPTER.parse("chat", json.dumps(message).encode(), target())


def test_streamed_thinking_brings_its_signature_along() -> None:
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
    deltas = [{"type": "thinking_delta", "thinking": "Hm"}, {"type": "signature_delta", "signature": "c2ln"}]
    events = [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    said = [chunk["choices"][0]["delta"] for chunk in read(START, block, *events, STOP)[:-1]]
    assert said[1] == {"reasoning_content": "Hm", "reasoning": "Hm"}
    detail = {"type": "reasoning.text", "text": "Hm", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}
    assert said[2] == {"reasoning_details": [detail]}


def test_a_refusal_is_a_content_filter_with_its_words() -> None:
    details = {"type": "refusal", "explanation": "No."}
    chunks = read(START, {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}})
    assert chunks[1]["choices"][0]["delta"] == {"refusal": "No."}
    assert chunks[2]["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize(
    ("kind", "meant"), [("overloaded_error", RateLimited), ("authentication_error", CredentialRejected)]
)
def test_an_error_inside_a_200_is_its_class(kind: str, meant: type[UpstreamError]) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "No"}}
    with pytest.raises(meant):
        read(START, TEXT, error)
    with pytest.raises(meant):
        ADAPTER.parse("chat", json.dumps(error).encode(), target())


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("prompt is too long: 9 tokens > 8 maximum", ContextTooLong),
        ("input length and `max_tokens` exceed context limit: 9 + 1 > 8", ContextTooLong),
        ("Your credit balance is too low", CredentialRejected),
        ("max_tokens: field required", RequestRejected),
    ],
)
def test_a_400_is_told_apart_by_its_words(message: str, meant: type[UpstreamError]) -> None:
    payload = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": message}}).encode()
    assert type(ADAPTER.parse_error(400, {}, payload, target())) is meant


KEYS = [
    "type",
    "message",
    "content",
    "delta",
    "index",
    "content_block",
    "usage",
    "input_tokens",
    "stop_reason",
    "error",
]
TYPES = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"]
KINDS = ["text", "tool_use", "thinking", "text_delta", "input_json_delta", "thinking_delta", "message_stop", "error"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(TYPES + KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5), max_size=4), st.binary(max_size=40))
def test_anything_gives_chunks_or_a_clean_error(events: list[dict[str, Any]], junk: bytes) -> None:
    for act in (lambda: read(START, *events, STOP), lambda: ADAPTER.parse("chat", junk, target())):
        with suppress(UpstreamError):
            assert act()


@pytest.mark.parametrize("payload", [b"", b"[]", b"12", b"{}", b'{"content": [1]}', b"<html></html>", b"[" * 5000])
def test_a_success_that_is_no_message_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedReply):
        ADAPTER.parse("chat", payload, target())
