"""Whatever a caller sends: a request that every adapter can say, or an error that names what is wrong with it."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_project.api.dialects import openai
from gateway_project.api.dialects.base import InvalidRequest, Parsed
from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import RequestRejected, Unsupported
from providers.kinds import KINDS
from tests.core import mutations as mutant

CHAT_KINDS = sorted(name for name, kind in KINDS.items() if "chat" in ADAPTERS[kind.wire].paths)
MODELS = ("asked-for", "claude-sonnet-4-5", "claude-opus-4-7", "gemini-2.5-pro", "gemini-3-pro", "o3", "command-r")

SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}}, "required": ["city"]}
FULL: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "developer",
            "content": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://pictures.test/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGFsbG8="}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "reasoning_content": "Hm.",
            "reasoning": "Hm.",
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}],
            "reasoning_details": [
                {
                    "type": "reasoning.text",
                    "text": "Hm.",
                    "signature": "c2ln",
                    "format": "anthropic-claude-v1",
                    "index": 0,
                },
                {"type": "reasoning.encrypted", "data": "c2ln", "format": "google-gemini-v1", "id": "c1", "index": 1},
                {"type": "reasoning.text", "text": "Plan.", "format": "cohere-tool-plan-v2", "index": 2},
            ],
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                },
                {"id": "c2__thought__c2ln", "type": "function", "function": {"name": "time-of_day", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "c2__thought__c2ln", "content": [{"type": "text", "text": "noon"}]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"degrees": 3}', "is_error": True},
        {"role": "assistant", "content": "Cold.", "audio": {"id": "a"}, "annotations": [], "citations": [{"start": 0}]},
        {"role": "user", "content": "And now?"},
    ],
    "audio": {"voice": "alloy", "format": "wav"},
    "documents": [{"data": {"text": "x"}}],
    "frequency_penalty": 0.5,
    "logit_bias": {"1": 2},
    "logprobs": True,
    "max_completion_tokens": 100,
    "max_tokens": 100,
    "metadata": {"user_id": "u", "k": "v"},
    "modalities": ["text", "audio"],
    "n": 2,
    "output_config": {"effort": "low"},
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "reasoning": {"effort": "low", "max_tokens": 10},
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}},
    "safety_identifier": "s",
    "safety_settings": [{"category": "x", "threshold": "y"}],
    "seed": 7,
    "service_tier": "auto",
    "stop": ["x", "y"],
    "store": False,
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "tools": [
        {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA, "strict": True}},
        {"type": "function", "function": {"name": "time-of_day"}},
        {"type": "web_search_20250305", "name": "web_search"},
    ],
    "top_k": 5,
    "top_logprobs": 3,
    "top_p": 0.5,
    "user": "ada@example.test",
    "web_search_options": {"search_context_size": "low"},
}


def render(kind: str, model: str, body: dict[str, Any], strict: bool = False) -> None:
    """What every adapter does with what the dialect let pass: JSON for the vendor, or a 400 that names its culprit."""
    before = marshal.dumps(body, 2)
    target = mutant.target_of(kind, model)
    call = Call(
        "chat",
        {key: value for key, value in body.items() if key not in openai.GATEWAY_KEYS},
        body.get("stream", False),
        strict,
    )
    got = outcome(lambda: ADAPTERS[target.wire].say(call, target))
    if isinstance(got, (RequestRejected, Unsupported)):
        assert (got.status, got.type, bool(got.message)) == (400, "invalid_request_error", True)
        assert got.param or "nested" in got.message or "JSON" in got.message, got.message
    else:
        assert got.body[:1] + got.body[-1:] == b"{}"
        assert all(isinstance(name, str) and name for name in got.dropped)
    assert marshal.dumps(body, 2) == before, "nothing of the caller's is changed in place"


def outcome(function: Callable[[], Any]) -> Any:
    """What ``function`` returns, or the refusal that it raises; any other exception fails."""
    try:
        return function()
    except (InvalidRequest, RequestRejected, Unsupported) as error:
        return error


def parsed(body: Any) -> Parsed | None:
    got = outcome(lambda: openai.parse_request(body))
    if isinstance(got, InvalidRequest):
        assert got.message
        return None
    assert isinstance(got, Parsed)
    return got


@mutant.fuzz
@given(body=st.one_of(mutant.JSON, st.dictionaries(st.sampled_from(sorted(FULL)), mutant.JSON)))
def test_any_json_is_a_request_or_a_clear_refusal(body: Any) -> None:
    parsed(body)


@pytest.mark.parametrize("name", sorted(FULL))
@mutant.fuzz
@given(value=mutant.JSON)
def test_a_parameter_of_any_type_never_breaks_an_adapter(name: str, value: Any) -> None:
    body = {**FULL, name: value}
    request = parsed(body)
    for kind in CHAT_KINDS if request else ():
        render(kind, "asked-for", request.call.body)


@pytest.mark.parametrize("kind", CHAT_KINDS)
@mutant.fuzz
@given(data=st.data(), model=st.sampled_from(MODELS), strict=st.booleans())
def test_a_request_with_broken_nodes_is_said_or_refused(
    kind: str, data: st.DataObject, model: str, strict: bool
) -> None:
    keep = data.draw(st.sets(st.sampled_from(sorted(FULL.keys() - {"model", "messages"}))))
    body = data.draw(mutant.broken({key: FULL[key] for key in FULL if key in keep | {"model", "messages"}}, times=3))
    request = parsed(body)
    if request is not None:
        render(kind, model, {**request.call.body, "stream": request.call.stream}, strict)


@pytest.mark.parametrize("kind", CHAT_KINDS)
@pytest.mark.parametrize("depth", [253, 900, 1020])
def test_a_request_that_is_nested_deeply_is_said_or_refused(kind: str, depth: int) -> None:
    deep = mutant.nested(depth)
    for body in (
        {**FULL, "metadata": {"x": deep}},
        {**FULL, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"x": deep}}}}]},
        {
            **FULL,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"properties": {"x": deep}}},
            },
        },
        {**FULL, "something_else": deep},
        {**FULL, "thinking": {"type": deep}},
    ):
        request = parsed(body)
        if request is not None:
            render(kind, "asked-for", request.call.body)
