"""OpenAI's chat format, inbound. Checks what a gateway must know to route and translate; the rest the vendor judges.

Source: OpenAI API reference, chat completions; the LLM API gateway's ``provider`` and ``system_message``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from gateway_project.api.dialects.base import Failure, InvalidRequest, Parsed
from gateway_project.api.dialects.parameters import (
    BOOLEAN,
    GATEWAY_KEYS,
    INTEGER,
    NAMED,
    NUMBER,
    OBJECT,
    POSITIVE,
    STOP,
    TEXT,
    TEXT_OR_OBJECT,
    Parameters,
    read_parameters,
    read_stream_options,
)
from providers.chat import Call

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
DONE = b"data: [DONE]\n\n"


PARAMETERS: Parameters = {
    "audio": OBJECT,
    "frequency_penalty": NUMBER,
    "function_call": TEXT_OR_OBJECT,
    "functions": NAMED,
    "logit_bias": OBJECT,
    "logprobs": BOOLEAN,
    "max_completion_tokens": POSITIVE,
    "max_tokens": POSITIVE,
    "metadata": OBJECT,
    "n": POSITIVE,
    "parallel_tool_calls": BOOLEAN,
    "presence_penalty": NUMBER,
    "reasoning_effort": TEXT,
    "response_format": OBJECT,
    "seed": INTEGER,
    "service_tier": TEXT,
    "stop": STOP,
    "store": BOOLEAN,
    "stream": BOOLEAN,
    "stream_options": OBJECT,
    "system_message": TEXT,
    "temperature": NUMBER,
    "tool_choice": TEXT_OR_OBJECT,
    "top_logprobs": INTEGER,
    "top_p": NUMBER,
    "user": TEXT,
}


def parse_request(body: Any) -> Parsed:
    """Decoded JSON → ``Parsed``. Raises ``InvalidRequest`` naming the parameter. A null parameter means "not given"."""
    body, model, provider = read_parameters(body, PARAMETERS)
    messages = _messages(body)
    _tools(body.get("tools"))
    stream, include_usage = read_stream_options(body)
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    inner["messages"] = messages
    return Parsed(model, provider, Call("chat", inner, stream), include_usage)


def _messages(body: Mapping[str, Any]) -> list[Any]:
    messages = body.get("messages")
    if messages is None:
        raise InvalidRequest("Missing required parameter: 'messages'.", "messages", "missing_parameter")
    if not isinstance(messages, list):
        raise InvalidRequest("Invalid type for 'messages': expected an array.", "messages", "invalid_type")
    if not messages:
        raise InvalidRequest("'messages' must hold at least one message.", "messages", "empty_array")
    for index, message in enumerate(messages):
        _message(message, f"messages[{index}]")
    system = body.get("system_message")
    return [{"role": "system", "content": system}, *messages] if system else messages


def _message(message: Any, path: str) -> None:
    if not isinstance(message, dict):
        raise InvalidRequest(f"Invalid type for '{path}': expected an object.", path, "invalid_type")
    role = message.get("role")
    if role not in ROLES:
        expected = ", ".join(ROLES)
        raise InvalidRequest(f"Invalid value for '{path}.role': expected one of {expected}.", f"{path}.role")
    content = message.get("content")
    if content is None:
        if role == "assistant" or role == "function":
            _functions(message, path)
            _tool_calls(message.get("tool_calls"), path)
            return
        raise InvalidRequest(
            f"Invalid value for '{path}.content': expected a string or an array of parts.", f"{path}.content"
        )
    if isinstance(content, list):
        for index, part in enumerate(content):
            where = f"{path}.content[{index}]"
            if not isinstance(part, dict) or not isinstance(part.get("type"), str):
                raise InvalidRequest(f"Invalid value for '{where}': expected an object with a 'type'.", where)
            if not isinstance(part.get("text", ""), str):
                raise InvalidRequest(f"Invalid type for '{where}.text': expected a string.", f"{where}.text")
    elif not isinstance(content, str):
        raise InvalidRequest(
            f"Invalid type for '{path}.content': expected a string or an array of parts.",
            f"{path}.content",
            "invalid_type",
        )
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        where = f"{path}.tool_call_id"
        raise InvalidRequest(f"Missing required parameter: '{where}'.", where, "missing_parameter")
    _functions(message, path)
    _tool_calls(message.get("tool_calls"), path)


def _functions(message: Mapping[str, Any], path: str) -> None:
    """A call or a result in the form before there were tools."""
    called = message.get("function_call")
    if called is not None and (not isinstance(called, dict) or not isinstance(called.get("name"), str)):
        where = f"{path}.function_call.name"
        raise InvalidRequest(f"Missing required parameter: '{where}'.", where, "missing_parameter")
    if message.get("role") == "function" and not isinstance(message.get("name"), str):
        raise InvalidRequest(f"Missing required parameter: '{path}.name'.", f"{path}.name", "missing_parameter")


def _tool_calls(calls: Any, path: str) -> None:
    if calls is None:
        return
    path = f"{path}.tool_calls"
    if not isinstance(calls, list):
        raise InvalidRequest(f"Invalid type for '{path}': expected an array.", path, "invalid_type")
    for index, call in enumerate(calls):
        where = f"{path}[{index}]"
        if not isinstance(call, dict):
            raise InvalidRequest(f"Invalid type for '{where}': expected an object.", where, "invalid_type")
        function = call.get("function")
        if call.get("type", "function") == "function" and (
            not isinstance(function, dict) or not isinstance(function.get("name"), str)
        ):
            raise InvalidRequest(f"Missing required parameter: '{where}.function.name'.", f"{where}.function.name")


def _tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise InvalidRequest("Invalid type for 'tools': expected an array.", "tools", "invalid_type")
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if isinstance(tool, dict) and tool and tool.keys().isdisjoint({"type", "function"}):
            continue  # a vendor's own: Gemini's have no type
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
            raise InvalidRequest(f"Invalid value for '{where}': expected an object with a 'type'.", where)
        function = tool.get("function")
        if tool["type"] == "function" and (not isinstance(function, dict) or not isinstance(function.get("name"), str)):
            raise InvalidRequest(f"Missing required parameter: '{where}.function.name'.", f"{where}.function.name")


def render_response(completion: Mapping[str, Any]) -> bytes:
    """A whole reply, inner form → JSON."""
    return dumps(completion)


def render_chunk(chunk: Mapping[str, Any], include_usage: bool) -> bytes:
    """One inner chunk → one event; b"" for the usage chunk of a caller who did not ask for it.

    With ``include_usage`` every other chunk says ``"usage": null``, as OpenAI's do.
    """
    if not chunk["choices"] and "usage" in chunk:
        return b"data: " + dumps(chunk) + b"\n\n" if include_usage else b""
    if include_usage:
        chunk = {**chunk, "usage": None}
    return b"data: " + dumps(chunk) + b"\n\n"


def render_end() -> bytes:
    """The end of a complete stream."""
    return DONE


def render_stream_error(failure: Failure) -> bytes:
    """The last event of a stream that broke: an error, and no ``[DONE]``."""
    return b"data: " + dumps(render_error(failure)) + b"\n\n"


def render_error(failure: Failure, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """OpenAI's error object; ``extra`` (e.g. ``attempts``) goes beside its four fields."""
    error = {"message": failure.message, "type": failure.type, "param": failure.param, "code": failure.code}
    return {"error": {**error, **(extra or {})}}


def dumps(value: Any) -> bytes:
    """JSON; integers beyond 64 bits, which orjson refuses, go through the standard library."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
