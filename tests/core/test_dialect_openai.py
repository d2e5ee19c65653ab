"""The inbound OpenAI format: what is wrong is named, what is null is not given, what is ours is taken out."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_project.api.dialects import openai
from gateway_project.api.dialects.base import Failure, InvalidRequest

HI = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ("text", None),
        ({"messages": HI}, "model"),
        ({"model": "", "messages": HI}, "model"),
        ({"model": 7, "messages": HI}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": "Hi"}, "messages"),
        ({"model": "m", "messages": ["Hi"]}, "messages[0]"),
        ({"model": "m", "messages": [{"role": "boss", "content": "Hi"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": ["user"], "content": "Hi"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content"),
        ({"model": "m", "messages": [*HI, {"role": "user", "content": 5}]}, "messages[1].content"),
        ({"model": "m", "messages": [{"role": "user", "content": ["Hi"]}]}, "messages[0].content[0]"),
        ({"model": "m", "messages": [{"role": "tool", "content": "42"}]}, "messages[0].tool_call_id"),
        ({"model": "m", "messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
        ({"model": "m", "messages": HI, "temperature": "hot"}, "temperature"),
        ({"model": "m", "messages": HI, "temperature": True}, "temperature"),
        ({"model": "m", "messages": HI, "max_tokens": 0}, "max_tokens"),
        ({"model": "m", "messages": HI, "stream": "yes"}, "stream"),
        ({"model": "m", "messages": HI, "stop": [1]}, "stop"),
        ({"model": "m", "messages": HI, "stream_options": {"include_usage": True}}, "stream_options"),
        ({"model": "m", "messages": HI, "tools": [{"type": "function"}]}, "tools[0].function.name"),
        ({"model": "m", "messages": HI, "provider": ["openai"]}, "provider"),
    ],
)
def test_a_wrong_request_names_the_parameter(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        openai.parse_request(body)
    assert caught.value.param == param


def test_null_parameters_are_not_given_and_unknown_ones_pass() -> None:
    parsed = openai.parse_request({"model": "m", "messages": HI, "temperature": None, "top_k": 5})
    assert parsed.call.body == {"messages": HI, "top_k": 5}


def test_provider_and_system_message_are_consumed() -> None:
    parsed = openai.parse_request(
        {"provider": "mistral", "model": "large", "messages": HI, "system_message": "Be brief.", "stream": True}
    )
    assert (parsed.provider, parsed.model, parsed.call.stream) == ("mistral", "large", True)
    assert parsed.call.body == {"messages": [{"role": "system", "content": "Be brief."}, *HI]}


def test_the_callers_own_body_is_not_changed() -> None:
    body = {"model": "m", "messages": list(HI), "system_message": "Be brief."}
    before = json.dumps(body)
    openai.parse_request(body)
    assert json.dumps(body) == before


def test_the_usage_chunk_reaches_only_those_who_asked() -> None:
    usage = {"id": "x", "choices": [], "usage": {"total_tokens": 3}}
    text = {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    assert openai.render_chunk(usage, include_usage=False) == b""
    assert b'"total_tokens":3' in openai.render_chunk(usage, include_usage=True)
    assert b'"usage":null' in openai.render_chunk(text, include_usage=True)
    assert b"usage" not in openai.render_chunk(text, include_usage=False)


def test_an_error_has_exactly_openais_four_fields() -> None:
    error = openai.render_error(Failure(400, "No.", "invalid_request_error", None, "model"))
    assert error == {"error": {"message": "No.", "type": "invalid_request_error", "param": "model", "code": None}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["model", "messages", "stream", "tools", "stop", "provider", "system_message", "stream_options"])


@given(st.dictionaries(KEYS, JSON) | JSON)
def test_arbitrary_json_is_parsed_or_refused_and_nothing_else(body: Any) -> None:
    with contextlib.suppress(InvalidRequest):
        parsed = openai.parse_request(body)
        assert parsed.model
        assert parsed.call.body["messages"]


def test_a_vendors_own_tool_without_a_type_passes_and_a_function_without_one_is_named() -> None:
    own = {"googleSearch": {}}
    assert openai.parse_request({"model": "m", "messages": HI, "tools": [own]}).call.body["tools"] == [own]
    with pytest.raises(InvalidRequest) as refused:
        openai.parse_request({"model": "m", "messages": HI, "tools": [{"function": {"name": "f"}}]})
    assert refused.value.param == "tools[0].type"
