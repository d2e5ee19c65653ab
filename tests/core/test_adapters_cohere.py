"""The cohere adapter: what is said, what is refused, and how replies and streams end, are mended, or fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters import ADAPTERS
from providers.adapters.cohere_messages import PLAIN_NAME, escape_name, unescape_name
from providers.chat import Call
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
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["cohere"]
HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def target(model: str = "command-a-reasoning-08-2025", **more: Any) -> Target:
    return Target("vendor", "cohere", "cohere", "https://vendor.test", model, **more)


def rendered(strict: bool = False, model: str = "command-a-reasoning-08-2025", **body: Any) -> Rendered:
    given = {"messages": HELLO, **body}
    before = json.dumps(given)
    try:
        return ADAPTER.render(Call("chat", given, strict=strict), target(model))
    finally:
        assert json.dumps(given) == before, "nothing of the caller's is changed in place"


def sent(**body: Any) -> dict[str, Any]:
    got: dict[str, Any] = json.loads(rendered(**body).body)
    return {key: value for key, value in got.items() if key not in ("model", "stream")}


def tool(name: str, **more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def call(identifier: str, name: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"type": kind, "delta": {"message": message}}
    return out if index is None else {**out, "index": index}


def ending(reason: str | None = "COMPLETE", **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, **more}}


START = {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}}
TEXT = event("content-delta", 0, content={"text": "Hal"})


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def read(*events: Any) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target())
    return parser.feed(sse(*events)) + parser.end()


def parse(raw: Any) -> dict[str, Any]:
    return ADAPTER.parse("chat", raw if isinstance(raw, bytes) else json.dumps(raw).encode(), target())


def whole(reason: str = "COMPLETE", **message: Any) -> dict[str, Any]:
    return {"id": "w1", "message": {"role": "assistant", **message}, "finish_reason": reason}


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]


# What is said


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"temperature": 0.4, "top_p": 0.9, "top_k": 40}, {"temperature": 0.4, "p": 0.9, "k": 40}),
        ({"top_p": 1}, {"p": 0.99}),
        ({"top_p": 0}, {"p": 0.01}),
        ({"top_k": -1}, {}),
        ({"stop": "."}, {"stop_sequences": ["."]}),
        ({"stop": [".", ";"]}, {"stop_sequences": [".", ";"]}),
        ({"seed": -1}, {"seed": 2**64 - 1}),
        ({"logprobs": True, "top_logprobs": 0}, {"logprobs": True}),
        ({"logprobs": False, "n": 1, "user": None, "stream_options": {"include_usage": True}}, {}),
        ({"frequency_penalty": 0.5, "presence_penalty": 0}, {"frequency_penalty": 0.5, "presence_penalty": 0}),
        ({"reasoning_effort": "auto"}, {}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_effort": "low"}, {"thinking": {"type": "enabled", "token_budget": 1024}}),
        ({"reasoning_effort": "high"}, {"thinking": {"type": "enabled"}}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            {"thinking": {"type": "enabled", "token_budget": 9}},
        ),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object"}}}},
            {"response_format": {"type": "json_object", "json_schema": {"type": "object"}}},
        ),
        ({"tools": [tool("f")], "tool_choice": "auto"}, {"tools": [tool("f")]}),
        ({"tools": [tool("f")], "tool_choice": "required"}, {"tools": [tool("f")], "tool_choice": "REQUIRED"}),
        ({"tools": [tool("f")], "tool_choice": "none"}, {"tools": [tool("f")], "tool_choice": "NONE"}),
        ({"tools": [tool("f")], "parallel_tool_calls": True}, {"tools": [tool("f")]}),
        ({"tools": [tool("f", strict=True)]}, {"tools": [tool("f")], "strict_tools": True}),
        ({"tools": [tool("f", strict=False)]}, {"tools": [tool("f")]}),
        (
            {"tools": [tool("f"), tool("g")], "tool_choice": {"type": "function", "function": {"name": "g"}}},
            {"tools": [tool("g")], "tool_choice": "REQUIRED"},
        ),
        (
            {
                "tools": [tool("f"), tool("g")],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
                },
            },
            {"tools": [tool("f")]},
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
                ]
            },
        ),
        (
            {"documents": ["a"], "safety_mode": "OFF", "citation_options": {"mode": "FAST"}},
            {"documents": ["a"], "safety_mode": "OFF", "citation_options": {"mode": "FAST"}},
        ),
    ],
)
def test_parameters_are_said_in_coheres_words(given: Any, expected: Any) -> None:
    got = rendered(**given)
    assert json.loads(got.body) == {
        "model": "command-a-reasoning-08-2025",
        "stream": False,
        "messages": HELLO,
        **expected,
    }
    assert got.dropped == ()
    assert rendered(strict=True, **given).body == got.body


@pytest.mark.parametrize(
    ("given", "name", "left"),
    [
        ({"n": 2}, "n", {}),
        ({"user": "u"}, "user", {}),
        ({"logit_bias": {"1": 2}}, "logit_bias", {}),
        ({"top_logprobs": 3}, "top_logprobs", {}),
        ({"anything": {"at": "all"}}, "anything", {}),
        ({"temperature": 1.5}, "temperature", {"temperature": 1.0}),
        ({"top_p": 3}, "top_p", {"p": 0.99}),
        ({"presence_penalty": -1}, "presence_penalty", {"presence_penalty": 0.0}),
        ({"stop": list("abcdef")}, "stop", {"stop_sequences": list("abcde")}),
        ({"tools": [tool("f")], "parallel_tool_calls": False}, "parallel_tool_calls", {"tools": [tool("f")]}),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0]", {}),
        ({"tools": [tool("f", strict=True), tool("g")]}, "tools[0].function.strict", {"tools": [tool("f"), tool("g")]}),
        ({"tools": [tool("f")], "tool_choice": "odd"}, "tool_choice", {"tools": [tool("f")]}),
        ({"tool_choice": "required"}, "tool_choice", {}),
        ({"reasoning_effort": "odd"}, "reasoning_effort", {}),
        (
            {"tools": [tool("f")], "response_format": {"type": "json_object"}},
            "response_format",
            {"tools": [tool("f")]},
        ),
    ],
)
def test_what_cohere_has_no_word_for_is_named_or_refused(given: Any, name: str, left: Any) -> None:
    assert rendered(**given).dropped == (name,)
    assert sent(**given) == {"messages": HELLO, **left}
    with pytest.raises(RequestRejected) as raised:
        rendered(strict=True, **given)
    assert (raised.value.status, raised.value.param) == (400, name)


def test_models_that_never_think_are_not_told_how_much() -> None:
    for effort, dropped in (("none", ()), ("high", ("reasoning_effort",))):
        got = rendered(model="command-r-08-2024", reasoning_effort=effort)
        assert (got.dropped, "thinking" in json.loads(got.body)) == (dropped, False)


def test_extra_body_fills_gaps() -> None:
    place = target(extra_body={"safety_mode": "OFF", "temperature": 0.1})
    body = json.loads(ADAPTER.render(Call("chat", {"messages": HELLO, "temperature": 0.2}, True), place).body)
    assert (body["safety_mode"], body["temperature"], body["stream"]) == ("OFF", 0.2, True)


def test_messages_are_said_in_coheres_words() -> None:
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}, "And?"]},
        {"role": "assistant", "content": "", "tool_calls": [call("a", "f", "")], "reasoning_content": "Look."},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "5"}], "name": "f"},
        {"role": "assistant", "content": "Five.", "reasoning_content": "It is."},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": None, "refusal": "No."},
    ]
    got = rendered(messages=messages)
    assert got.dropped == ()
    assert json.loads(got.body)["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "text", "text": "And?"},
            ],
        },
        {"role": "assistant", "tool_calls": [call("a", "f")], "tool_plan": "Look."},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "5"}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "It is."}, {"type": "text", "text": "Five."}],
        },
        {"role": "assistant", "content": "No."},
    ]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "messages[0].content[0]"),
        ({"role": "user", "content": "Hi", "name": "Ann"}, "messages[0].name"),
        ({"role": "system", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}, "messages[0].content[0]"),
        ({"role": "assistant", "content": "a", "audio": {"id": "x"}}, "messages[0].audio"),
        ({"role": "assistant", "content": "a", "tool_calls": [{"type": "custom"}]}, "messages[0].tool_calls[0]"),
    ],
)
def test_what_a_message_loses_is_named(message: Any, name: str) -> None:
    assert rendered(messages=[message]).dropped == (name,)


@pytest.mark.parametrize(
    "messages", [None, "text", ["x"], [{}], [{"role": "function"}], [{"role": ["user"]}], [{"role": "tool"}]]
)
def test_what_is_no_conversation_is_refused(messages: Any) -> None:
    with pytest.raises(RequestRejected) as raised:
        rendered(messages=messages)
    assert raised.value.status == 400


@given(st.text(max_size=20) | st.from_regex(r"[x0-9a-f_-]{1,12}", fullmatch=True))
def test_any_tool_name_is_one_that_cohere_takes_and_can_be_read_back(name: str) -> None:
    escaped = escape_name(name)
    assert unescape_name(escaped) == name
    assert not name or PLAIN_NAME.fullmatch(escaped)


def test_a_tools_name_comes_back_as_it_was_given() -> None:
    name = "get-weather.v2"
    body = sent(tools=[tool(name)], messages=[*HELLO, {"role": "assistant", "tool_calls": [call("a", name)]}])
    said = body["tools"][0]["function"]["name"]
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == said
    assert parse(whole("TOOL_CALL", tool_calls=[call("a", said)]))["choices"][0]["message"]["tool_calls"] == [
        call("a", name)
    ]
    start = event("tool-call-start", 0, tool_calls=call("a", said, ""))
    assert deltas(read(START, start, ending()))[1]["tool_calls"][0]["function"]["name"] == name


# What comes back


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


# Malformed


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
