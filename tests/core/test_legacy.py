"""Old clients speak of functions instead of tools: every vendor understands them, and the answer is in their form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_project.api.dialects import openai
from gateway_project.api.dialects.base import InvalidRequest
from providers import legacy
from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import Unsupported
from providers.kinds import KINDS
from providers.upstream import send
from providers.wire import Limits, Rendered, Target, Trace
from tests.upstream import Upstream, event, reply, stream

FUNCTION = {
    "name": "tide",
    "description": "d",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
}
CALLED = {"name": "tide", "arguments": '{"at": "Brest"}'}
OLD: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Tide?"},
        {"role": "assistant", "content": None, "function_call": CALLED},
        {"role": "function", "name": "tide", "content": "high"},
    ],
    "functions": [FUNCTION],
    "function_call": {"name": "tide"},
}
NEW: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Tide?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "function_call_1", "type": "function", "function": CALLED}],
        },
        {"role": "tool", "tool_call_id": "function_call_1", "name": "tide", "content": "high"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "tide"}},
}


def said(kind: str, body: dict[str, Any], strict: bool = False) -> Rendered:
    target = Target("p", kind, KINDS[kind].wire, "https://vendor.test/v1", "river")
    before = json.dumps(body)
    rendered = ADAPTERS[target.wire].say(Call("chat", body, strict=strict), target)
    assert json.dumps(body) == before
    return rendered


@pytest.mark.parametrize("kind", ["anthropic", "google", "cohere", "mistral", "deepseek", "vllm", "ollama"])
def test_functions_are_said_as_tools_to_vendors_that_know_no_others(kind: str) -> None:
    old, new = said(kind, OLD), said(kind, NEW)
    assert json.loads(old.body) == json.loads(new.body)
    assert b"tide" in old.body
    assert b"high" in old.body


@pytest.mark.parametrize("kind", ["openai", "openai-compatible"])
def test_functions_go_as_they_are_to_those_that_take_them(kind: str) -> None:
    body = json.loads(said(kind, OLD).body)
    assert (body["functions"], body["function_call"]) == (OLD["functions"], OLD["function_call"])
    assert body["messages"][1:] == OLD["messages"][1:]


def test_two_results_of_one_function_each_belong_to_their_own_call() -> None:
    twice = [*OLD["messages"], OLD["messages"][1], {"role": "function", "name": "tide", "content": None}]
    messages = legacy.modern(Call("chat", {"messages": twice})).body["messages"]
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == [
        "function_call_1",
        "function_call_3",
    ]
    assert messages[-1]["content"] == ""


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_words_of_choice_stay_words(choice: str) -> None:
    body = legacy.modern(Call("chat", {"messages": [], "functions": [FUNCTION], "function_call": choice})).body
    assert body["tool_choice"] == choice


def test_what_is_left_out_is_named_in_the_callers_words() -> None:
    old = {**OLD, "functions": [{**FUNCTION, "strict": True}]}
    assert said("google", old).dropped == ("functions[0].strict",)
    assert said("ollama", OLD).dropped == ("function_call",)
    with pytest.raises(Unsupported) as caught:
        said("google", old, strict=True)
    assert caught.value.param == "functions[0].strict"


MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "tide", "input": {"at": "Brest"}},
        {"type": "tool_use", "id": "t2", "name": "tide", "input": {"at": "Lorient"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def ask(vendor: Upstream, body: dict[str, Any], streamed: bool = False) -> Any:
    target = Target("a", "anthropic", "anthropic", vendor.url, "claude-sonnet-4-5", proxy="none")
    return send(target, None, Call("chat", body, streamed), Limits(), lambda: False, Trace())


def test_a_whole_answer_comes_back_as_a_function_call() -> None:
    with Upstream(reply(MESSAGE)) as vendor:
        (choice,) = ask(vendor, OLD).body["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["content"] == "Let me see."
    assert "tool_calls" not in choice["message"]
    called = choice["message"]["function_call"]
    assert (called["name"], json.loads(called["arguments"])) == ("tide", {"at": "Brest"})


def test_a_caller_who_offers_tools_is_answered_in_tools() -> None:
    with Upstream(reply(MESSAGE)) as vendor:
        (choice,) = ask(vendor, {**NEW, "messages": OLD["messages"]}).body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert len(choice["message"]["tool_calls"]) == 2


EVENTS = [
    {"type": "message_start", "message": {"id": "m1", "model": "claude", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t1", "name": "tide"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"at": '}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '"Brest"}'}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t2", "name": "other"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]


def test_a_streamed_answer_comes_back_as_a_function_call() -> None:
    with Upstream(stream(*(event(each) for each in EVENTS))) as vendor:
        answer = ask(vendor, OLD, streamed=True)
        chunks = [*answer.held, *answer]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    calls = [delta["function_call"] for delta in deltas if "function_call" in delta]
    assert not any("tool_calls" in delta for delta in deltas)
    assert [call["name"] for call in calls if "name" in call] == ["tide"]
    assert json.loads("".join(call.get("arguments", "") for call in calls)) == {"at": "Brest"}
    finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert finishes == ["function_call"]


@pytest.mark.parametrize(
    ("broken", "param"),
    [
        ({"functions": "tide"}, "functions"),
        ({"functions": [{"description": "d"}]}, "functions"),
        ({"function_call": 1}, "function_call"),
        ({"messages": [{"role": "function", "content": "high"}]}, "messages[0].name"),
        (
            {"messages": [{"role": "assistant", "function_call": {"arguments": "{}"}}]},
            "messages[0].function_call.name",
        ),
    ],
)
def test_broken_functions_are_named(broken: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        openai.parse_request({"model": "m", **OLD, **broken})
    assert caught.value.param == param
