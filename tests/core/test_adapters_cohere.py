"""The cohere adapter: what is said to Cohere, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.adapters.cohere_messages import PLAIN_NAME, escape_name, unescape_name
from providers.chat import Call
from providers.errors import (
    RequestRejected,
    Unsupported,
)
from providers.wire import Target
from tests.core.cohere import (
    ADAPTER,
    HELLO,
    PIXEL,
    START,
    call,
    deltas,
    ending,
    event,
    parse,
    read,
    rendered,
    sent,
    target,
    tool,
    whole,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 6, "max_completion_tokens": 6}, {"max_tokens": 6}),
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
    with pytest.raises(Unsupported) as raised:
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


@pytest.mark.parametrize("messages", [None, "text", ["x"], [{}], [{"role": ["user"]}], [{"role": "tool"}]])
def test_what_is_no_conversation_is_refused(messages: Any) -> None:
    with pytest.raises(RequestRejected) as raised:
        rendered(messages=messages)
    assert raised.value.status == 400


@example("_x2d_")
@example("a_x2d-")
@example("1st")
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


@pytest.mark.parametrize(
    "base_url", ["https://api.cohere.com", "https://api.cohere.com/v2", "https://api.cohere.com/v1"]
)
def test_the_version_may_stand_in_the_base_url(base_url: str) -> None:
    there = Target("vendor", "cohere", "cohere", base_url, "command-a")
    path = ADAPTER.render(Call("chat", {"messages": HELLO}), there).path
    assert ADAPTER.url(there, "chat", path) == "https://api.cohere.com/v2/chat"
