"""OpenAI's legacy completions, inbound: a prompt instead of messages, text instead of a message. ◇

The inner form of answers is chat's: a choice's text is the content of its message or delta. Source: OpenAI API
reference, completions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects import openai
from gateway_project.api.dialects.base import Parsed, missing
from gateway_project.api.dialects.openai import render_end, render_error, render_stream_error
from gateway_project.api.dialects.parameters import (
    BOOLEAN,
    GATEWAY_KEYS,
    INTEGER,
    NOT_NEGATIVE,
    NUMBER,
    OBJECT,
    POSITIVE,
    STOP,
    TEXT,
    Parameter,
    Parameters,
    read_parameters,
    read_stream_options,
)
from providers.chat import Call

__all__ = [
    "parse_request",
    "render_chunk",
    "render_end",
    "render_error",
    "render_response",
    "render_stream_error",
]

FINISHES = frozenset({"stop", "length", "content_filter"})
PROMPTS = "a string, or an array of strings, of token ids or of arrays of token ids"


def _prompt(value: Any) -> bool:
    if isinstance(value, str):
        return True
    if not value:
        return False
    return (
        _tokens(value) or all(isinstance(item, str) for item in value) or all(item and _tokens(item) for item in value)
    )


def _tokens(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)


PARAMETERS: Parameters = {
    "best_of": POSITIVE,
    "echo": BOOLEAN,
    "frequency_penalty": NUMBER,
    "logit_bias": OBJECT,
    "logprobs": NOT_NEGATIVE,
    "max_tokens": NOT_NEGATIVE,
    "n": POSITIVE,
    "presence_penalty": NUMBER,
    "prompt": Parameter(lambda value: isinstance(value, (str, list)), PROMPTS, _prompt),
    "seed": INTEGER,
    "stop": STOP,
    "stream": BOOLEAN,
    "stream_options": OBJECT,
    "suffix": TEXT,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "user": TEXT,
}


def parse_request(body: Any) -> Parsed:
    """Decoded JSON → ``Parsed``. Raises ``InvalidRequest`` naming the parameter."""
    body, model, provider = read_parameters(body, PARAMETERS)
    if "prompt" not in body:
        raise missing("prompt")
    stream, include_usage = read_stream_options(body)
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    return Parsed(model, provider, Call("completions", inner, stream), include_usage)


def render_response(completion: Mapping[str, Any]) -> bytes:
    """A whole reply, inner form → JSON."""
    return openai.dumps(_as_text(completion, "message"))


def render_chunk(chunk: Mapping[str, Any], include_usage: bool) -> bytes:
    """One inner chunk → one event; see ``openai.render_chunk``."""
    return openai.render_chunk(_as_text(chunk, "delta"), include_usage)


def _as_text(reply: Mapping[str, Any], place: str) -> dict[str, Any]:
    return {
        **reply,
        "object": "text_completion",
        "choices": [_choice(choice, choice[place].get("content")) for choice in reply["choices"]],
    }


def _choice(choice: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    reason = choice["finish_reason"]
    return {
        **{key: value for key, value in choice.items() if key not in ("message", "delta")},
        "text": text or "",
        "logprobs": choice.get("logprobs"),
        "finish_reason": "stop" if reason is not None and reason not in FINISHES else reason,
    }
