"""Replies in OpenAI's chat format as vendors write it → the inner form. ◇

Copy and amend: unknown keys of the vendor pass; what the official types forbid is mended (missing ids, arguments given
as objects, content given as parts, finish reasons of other vocabularies, nulls and words that no type allows).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from providers import faults
from providers.adapters.base import load
from providers.chat import FAILED_REASONS, SERVICE_TIERS, finish_reason, split_content, usage, whole
from providers.errors import MalformedReply, ServerFailed

TEXT_KEYS = ("content", "refusal")
REASONING_KEYS = ("reasoning_content", "reasoning")
MESSAGE_KEYS = frozenset({"role", "tool_calls", *TEXT_KEYS, *REASONING_KEYS})
CHOICE_KEYS = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
HEAD_KEYS = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation"})


def parse_completion(
    payload: bytes, model: str, read: Callable[[Any, int], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A whole reply → ``chat.completion``. ``model``: the name to give where the vendor gives none; ``read``: makes a
    choice of what is given at a position (``read_choice``).

    Raises ``MalformedReply``, or what an error in a 200 means.
    """
    raw = load(payload)
    if isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], dict) and raw[0].get("error"):
        raise faults.within(raw)
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    raise_error(raw)
    choices = raw.get("choices")
    if not isinstance(choices, list) or not choices:
        raise MalformedReply("The upstream's reply holds no choices.")
    out = {**head(raw, model, "chat.completion"), **extras(raw)}
    out["choices"] = [(read or read_choice)(choice, position) for position, choice in enumerate(choices)]
    if len(choices) == 1:
        out["choices"][0]["index"] = 0
    figures = usage(raw.get("usage"))
    return out if figures is None else {**out, "usage": figures}


def raise_error(raw: Mapping[str, Any]) -> None:
    """Raise what an error in a successful reply or event means; return if there is none."""
    if raw.get("error") or raw.get("object") == "error":
        raise faults.within(raw)
    if "choices" not in raw and "usage" not in raw and ("message" in raw or "detail" in raw or "error_type" in raw):
        raise faults.within(raw)


def head(raw: Mapping[str, Any], model: str, object_: str) -> dict[str, Any]:
    """The four fields that name a reply; made up where the vendor left them out."""
    identifier, name = raw.get("id"), raw.get("model")
    return {
        "id": identifier if isinstance(identifier, str) and identifier else f"chatcmpl-{uuid.uuid4().hex}",
        "object": object_,
        "created": whole(raw.get("created")) or int(time.time()),
        "model": name if isinstance(name, str) and name else model,
    }


def extras(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What else stands at the top of a reply or event."""
    out = {key: value for key, value in raw.items() if key not in HEAD_KEYS}
    tier = out.get("service_tier")
    if tier is not None and not (isinstance(tier, str) and tier in SERVICE_TIERS):
        del out["service_tier"]
    if not isinstance(out.get("system_fingerprint", ""), (str, type(None))):
        del out["system_fingerprint"]
    return out


def logprobs(given: Any) -> dict[str, Any] | None:
    """OpenAI's logprobs, or None for other vendors' kinds (the old completions' lists of tokens)."""
    if isinstance(given, dict) and (isinstance(given.get("content"), list) or isinstance(given.get("refusal"), list)):
        return {key: [_chance(item) for item in value] if _is_chances(value) else value for key, value in given.items()}
    return None


def _is_chances(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _chance(token: dict[str, Any]) -> dict[str, Any]:
    """A token's chance with the list of others that the official types demand."""
    return token if isinstance(token.get("top_logprobs"), list) else {**token, "top_logprobs": []}


def failed(reason: Any, choice: Mapping[str, Any]) -> None:
    """Raise where a choice ended because the vendor gave up on it."""
    error = choice.get("error")
    if error:
        raise faults.within({"error": error})
    if isinstance(reason, str) and reason in FAILED_REASONS:
        raise ServerFailed(f"The upstream gave up on the answer (finish reason '{reason}').")


def text_and_reasoning(message: Mapping[str, Any]) -> tuple[str | None, str]:
    """Content (None: there was none) and reasoning of a message or delta. Raises ``MalformedReply``."""
    content = message.get("content")
    thoughts = ""
    for key in REASONING_KEYS:
        given = message.get(key)
        if isinstance(given, str) and given:
            thoughts = given
            break
    if isinstance(content, list):
        content, more = split_content(content)
        thoughts += more
    elif content is not None and not isinstance(content, str):
        raise MalformedReply("The upstream's content is neither text nor a list of parts.")
    return content, thoughts


def references(content: Any) -> list[Any]:
    """Mistral's citations, which stand among the parts of content."""
    parts = content if isinstance(content, list) else ()
    return [part for part in parts if isinstance(part, dict) and part.get("type") == "reference"]


def arguments(given: Any) -> str:
    """Arguments of a tool call as JSON text; some vendors give the object itself."""
    if isinstance(given, str):
        return given
    if given is None:
        return ""
    try:
        return orjson.dumps(given).decode()
    except TypeError:
        pass
    try:
        return json.dumps(given, separators=(",", ":"))
    except RecursionError as error:
        raise MalformedReply("The upstream's tool call is nested too deeply.") from error


def call_id() -> str:
    """A tool call's id where the vendor gave none."""
    return f"call_{uuid.uuid4().hex[:24]}"


def read_choice(choice: Any, position: int) -> dict[str, Any]:
    """One choice of a whole reply. Raises ``MalformedReply``, ``ServerFailed`` where the vendor gave up on it."""
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        raise MalformedReply("The upstream's reply holds a choice without a message.")
    reason = choice.get("finish_reason")
    failed(reason, choice)
    message = _message(choice["message"])
    called = bool(message.get("tool_calls"))
    index = whole(choice.get("index"))
    return {
        **{key: value for key, value in choice.items() if key not in CHOICE_KEYS},
        "index": position if index is None else index,
        "message": message,
        "logprobs": logprobs(choice.get("logprobs")),
        "finish_reason": finish_reason(reason, called),
    }


def _message(given: Mapping[str, Any]) -> dict[str, Any]:
    content, thoughts = text_and_reasoning(given)
    refusal = given.get("refusal")
    out: dict[str, Any] = {
        "role": "assistant",
        "content": content,
        "refusal": refusal if isinstance(refusal, str) else None,
        **{key: value for key, value in given.items() if key not in MESSAGE_KEYS and value is not None},
    }
    if thoughts:
        out["reasoning_content"] = out["reasoning"] = thoughts
    quoted = references(given.get("content"))
    if quoted:
        out["citations"] = quoted
    calls = given.get("tool_calls")
    if isinstance(calls, dict):
        calls = [calls]
    if isinstance(calls, list) and calls:
        out["tool_calls"] = [_tool_call(call) for call in calls]
    return out


def _tool_call(call: Any) -> dict[str, Any]:
    if not isinstance(call, dict):
        raise MalformedReply("The upstream's reply holds a tool call that is not an object.")
    identifier = call.get("id")
    out = {key: value for key, value in call.items() if key != "index"}
    out["id"] = identifier if isinstance(identifier, str) and identifier else call_id()
    if call.get("type") == "custom" and isinstance(call.get("custom"), dict):
        return out
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise MalformedReply("The upstream's reply holds a tool call without a function name.")
    out["type"] = "function"
    out["function"] = {
        **{key: value for key, value in function.items() if value is not None},
        "arguments": arguments(function.get("arguments")).strip() or "{}",
    }
    return out
