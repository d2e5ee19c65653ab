"""OpenAI's chat format, inbound. Checks what a gateway must know to route and translate; the rest the vendor judges.

Source: OpenAI API reference, chat completions; the LLM API gateway's ``provider`` and ``system_message``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from gateway_project.api.dialects.base import Failure, Parsed
from gateway_project.api.dialects.messages import read_messages
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
from gateway_project.api.dialects.tools import check_tools
from providers.chat import Call

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
    messages = read_messages(body)
    check_tools(body)
    stream, include_usage = read_stream_options(body)
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    inner["messages"] = messages
    return Parsed(model, provider, Call("chat", inner, stream), include_usage)


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
