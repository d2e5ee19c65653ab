"""The cohere adapter, given anything: chunks or a clean error; and what goes there and back unharmed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.chat import Call
from providers.errors import (
    MalformedReply,
    UpstreamError,
)
from tests.core.cohere import (
    ADAPTER,
    HELLO,
    PIXEL,
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
)


@pytest.mark.parametrize(
    "payload",
    [
        b"{" * 5000,
        b"",
        b"<html>Welcome</html>",
        b"null",
        b"[]",
        b"{}",
        b'{"message": 3}',
        b'{"message": {"content": 3}}',
        b'{"message": {"content": [3]}}',
        b'{"message": {"tool_calls": [{}]}}',
        b"\xff\xfe",
    ],
)
def test_a_success_that_is_no_reply_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedReply):
        parse(payload)


@pytest.mark.parametrize(
    "junk",
    [
        b"junk",
        b"[]",
        b"3",
        b"[" * 5000,
        {"a": 1},
        {"type": "message-end"},
        {"type": "content-delta", "delta": 3},
        event("tool-call-start", 0),
        event("tool-call-start", 0, tool_calls={"function": {}}),
        event("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}}),
    ],
)
def test_an_event_that_is_none_is_malformed(junk: Any) -> None:
    with pytest.raises(MalformedReply):
        read(START, TEXT, junk, ending())


KINDS = [
    "message-start", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start",
    "tool-call-delta", "tool-call-end", "citation-start", "citation-end", "message-end", "debug", "error",
]  # fmt: skip
KEYS = [
    "id", "type", "index", "delta", "message", "role", "content", "text", "thinking", "tool_plan", "tool_calls",
    "function", "name", "arguments", "citations", "sources", "start", "end", "document", "url", "finish_reason",
    "error", "usage", "tokens", "billed_units", "input_tokens", "output_tokens", "cached_tokens", "logprobs", "detail",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8) | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)
MESSAGE = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5)
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "delta": st.fixed_dictionaries({"message": MESSAGE, "usage": JSON})},
    optional={"index": JSON, "logprobs": JSON},
)


def outcome(act: Callable[[], Any]) -> Any:
    """What ``act`` gives, or the message of its upstream error; anything else is a failure."""
    try:
        return act()
    except UpstreamError as error:
        return error.message


@settings(deadline=None)
@given(st.lists(JSON | EVENT, max_size=5), st.booleans())
def test_any_json_gives_chunks_or_a_clean_error(events: list[Any], ended: bool) -> None:
    got = outcome(lambda: read(*events, *([ending()] if ended else [])))
    assert got
    assert isinstance(got, str) or all(chunk["object"] == "chat.completion.chunk" for chunk in got)


@settings(deadline=None)
@given(JSON | st.fixed_dictionaries({"message": MESSAGE}, optional={"usage": JSON, "finish_reason": JSON}))
def test_any_json_gives_a_completion_or_a_clean_error(raw: Any) -> None:
    got = outcome(lambda: parse(raw))
    assert got
    if not isinstance(got, str):
        assert got["choices"][0]["finish_reason"] in {"stop", "length", "tool_calls", "content_filter"}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_any_bytes_give_a_clean_error(pieces: list[bytes]) -> None:
    parser = ADAPTER.open_stream("chat", target())
    assert outcome(lambda: [parser.feed(piece) for piece in pieces] and parser.end())
    assert outcome(lambda: parse(b"".join(pieces)))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*KEYS, "tools", "tool_choice", "stop", "messages", "seed", "top_p"]), JSON))
def test_any_request_is_rendered_or_cleanly_refused(body: dict[str, Any]) -> None:
    assert outcome(lambda: ADAPTER.render(Call("chat", {"messages": HELLO, **body}), target()))


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*KEYS, "role", "image_url"]), JSON), max_size=3), st.data())
def test_any_messages_are_rendered_or_cleanly_refused(messages: list[dict[str, Any]], data: st.DataObject) -> None:
    roles = st.sampled_from(["system", "user", "assistant", "tool"])
    given_ = [{**message, "role": data.draw(roles)} for message in messages]
    assert outcome(lambda: ADAPTER.render(Call("chat", {"messages": given_}), target()))


# There and back

WORDS = st.text(min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,16}", fullmatch=True)
ARGUMENTS = st.dictionaries(WORDS, st.integers(0, 9) | WORDS, max_size=3).map(json.dumps)
CALLS = st.lists(st.tuples(WORDS, NAMES, ARGUMENTS), min_size=1, max_size=4, unique_by=lambda made: made[0])


def streamed(message: dict[str, Any]) -> bytes:
    """A message of Cohere's as the events of a stream."""
    events: list[Any] = [START]
    for index, part in enumerate(message.get("content", [])):
        kind = part["type"]
        events.append(event("content-start", index, content={"type": kind, kind: ""}))
        events.append(event("content-delta", index, content={kind: part[kind]}))
    if message.get("tool_plan"):
        events.append(event("tool-plan-delta", tool_plan=message["tool_plan"]))
    for index, made in enumerate(message.get("tool_calls", [])):
        called = {**made["function"], "arguments": ""}
        events.append(event("tool-call-start", index, tool_calls={**made, "function": called}))
        for letter in made["function"]["arguments"]:
            events.append(event("tool-call-delta", index, tool_calls={"function": {"arguments": letter}}))
    return sse(*events, ending("TOOL_CALL"))


def collected(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """A message as a client puts it together from chunks."""
    out: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": []}
    for delta in deltas(chunks):
        out["content"] += delta.get("content") or ""
        out["reasoning_content"] += delta.get("reasoning_content") or ""
        out["reasoning_details"] = out.get("reasoning_details", []) + delta.get("reasoning_details", [])
        for made in delta.get("tool_calls", ()):
            if "id" in made:
                out["tool_calls"].append({"id": made["id"], "type": "function", "function": {**made["function"]}})
            else:
                out["tool_calls"][made["index"]]["function"]["arguments"] += made["function"]["arguments"]
    return out


@settings(deadline=None)
@given(CALLS, WORDS | st.none(), WORDS | st.none(), WORDS | st.none(), st.integers(1, 64))
def test_a_conversation_that_goes_there_and_back_keeps_every_id_argument_and_thought(
    made: list[tuple[str, str, str]], thinking: str | None, plan: str | None, text: str | None, size: int
) -> None:
    history = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}, {"type": "text", "text": "?"}]}
    ]
    asked = [call(identifier, name, arguments) for identifier, name, arguments in made]
    body = sent(messages=[*history, {"role": "assistant", "tool_calls": asked}])
    answer: dict[str, Any] = {"role": "assistant", "tool_calls": body["messages"][1]["tool_calls"]}
    if plan:
        answer["tool_plan"] = plan
    parts = [("thinking", thinking), ("text", text)]
    if thinking or text:
        answer["content"] = [{"type": kind, kind: said} for kind, said in parts if said]
    first = parse({"id": "w", "message": answer, "finish_reason": "TOOL_CALL"})["choices"][0]["message"]
    payload, parser = streamed(answer), ADAPTER.open_stream("chat", target())
    chunks = [chunk for at in range(0, len(payload), size) for chunk in parser.feed(payload[at : at + size])]
    second = collected(chunks + parser.end())
    for message in (first, second):
        assert message["tool_calls"] == asked
        results = [{"role": "tool", "tool_call_id": one["id"], "content": one["id"]} for one in asked]
        again = sent(messages=[*history, message, *results])["messages"]
        assert again[0] == {"role": "user", "content": history[0]["content"]}
        if isinstance(again[1].get("content"), str):
            again[1]["content"] = [{"type": "text", "text": again[1]["content"]}]
        assert again[1] == answer
        assert again[2:] == results
