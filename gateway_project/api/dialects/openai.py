"""OpenAI's chat format, inbound. Checks what a gateway must know to route and translate; the rest the vendor judges.

Source: OpenAI API reference, chat completions; the LLM API gateway's ``provider`` and ``system_message``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway_project.api.dialects.base import Failure, InvalidRequest, Parsed
from providers.chat import Call

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
GATEWAY_KEYS = frozenset({"provider", "system_message", "model", "stream"})
LONGEST_NAME = 300
DONE = b"data: [DONE]\n\n"


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _positive(value: Any) -> bool:
    return _integer(value) and value >= 1


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _stop(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _text_or_object(value: Any) -> bool:
    return isinstance(value, (str, dict))


PARAMETERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "audio": (_object, "an object"),
    "frequency_penalty": (_number, "a number"),
    "logit_bias": (_object, "an object"),
    "logprobs": (_boolean, "true or false"),
    "max_completion_tokens": (_positive, "a whole number of at least 1"),
    "max_tokens": (_positive, "a whole number of at least 1"),
    "metadata": (_object, "an object"),
    "n": (_positive, "a whole number of at least 1"),
    "parallel_tool_calls": (_boolean, "true or false"),
    "presence_penalty": (_number, "a number"),
    "reasoning_effort": (_text, "a string"),
    "response_format": (_object, "an object"),
    "seed": (_integer, "a whole number"),
    "service_tier": (_text, "a string"),
    "stop": (_stop, "a string or an array of strings"),
    "store": (_boolean, "true or false"),
    "stream": (_boolean, "true or false"),
    "stream_options": (_object, "an object"),
    "system_message": (_text, "a string"),
    "temperature": (_number, "a number"),
    "tool_choice": (_text_or_object, "a string or an object"),
    "top_logprobs": (_integer, "a whole number"),
    "top_p": (_number, "a number"),
    "user": (_text, "a string"),
}


def parse_request(body: Any) -> Parsed:
    """Decoded JSON → ``Parsed``. Raises ``InvalidRequest`` naming the parameter. A null parameter means "not given"."""
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    body = {key: value for key, value in body.items() if value is not None}
    model = body.get("model")
    if model is None or model == "":
        raise InvalidRequest("You must provide a model parameter: a non-empty string.", "model", "missing_parameter")
    if not isinstance(model, str):
        raise InvalidRequest("Invalid type for 'model': expected a string.", "model", "invalid_type")
    if len(model) > LONGEST_NAME:
        raise InvalidRequest(f"'model' must be at most {LONGEST_NAME} characters long.", "model", "string_too_long")
    for name, (valid, expected) in PARAMETERS.items():
        if name in body and not valid(body[name]):
            raise InvalidRequest(f"Invalid value for '{name}': expected {expected}.", name, "invalid_type")
    provider = _provider(body.get("provider"))
    messages = _messages(body)
    _tools(body.get("tools"))
    stream = body.get("stream", False)
    options = body.get("stream_options")
    if options is not None and not stream:
        raise InvalidRequest("'stream_options' is only allowed when 'stream' is true.", "stream_options")
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    inner["messages"] = messages
    include_usage = bool(options and options.get("include_usage"))
    return Parsed(model, provider, Call("chat", inner, stream), include_usage)


def _provider(value: Any) -> str:
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        raise InvalidRequest(f"'provider' must be at most {LONGEST_NAME} characters long.", "provider")
    if value is None or isinstance(value, str):
        return value or ""
    raise InvalidRequest("Invalid type for 'provider': expected a string.", "provider", "invalid_type")


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
    _tool_calls(message.get("tool_calls"), path)


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
