"""Replies in Anthropic's Messages format → the inner form. ◇

Source: Anthropic API reference, Messages; errors. Thinking goes out as ``reasoning_content`` and, with the signature
that must come back, as ``reasoning_details``: one entry a block, its ``index`` the block's place.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from providers import faults
from providers.adapters.anthropic_messages import FORMAT
from providers.adapters.anthropic_request import JSON_TOOL
from providers.adapters.base import load
from providers.adapters.openai_reply import arguments, call_id
from providers.chat import finish_reason, whole
from providers.chat import usage as normal_usage
from providers.errors import MalformedReply, UpstreamError

STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
PAUSES = frozenset({"pause_turn", "compaction"})
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def parse_message(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → ``chat.completion``. ``model``: the name to give where the vendor gives none.

    Raises ``MalformedReply``, or what an error in a 200 means.
    """
    raw = load(payload)
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    raise_error(raw)
    blocks = raw.get("content")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise MalformedReply("The upstream's reply holds no list of content blocks.")
    message, called = _message(blocks)
    reason = raw.get("stop_reason")
    message["refusal"] = refusal(reason, raw.get("stop_details"))
    finish = finish_word(reason, called, any(map(is_answer, blocks)))
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    out = {**head(raw, model, "chat.completion"), "choices": [choice]}
    figures = usage(raw.get("usage"))
    return out if figures is None else {**out, "usage": figures}


def error_within(raw: Any) -> UpstreamError:
    """An error found inside a 200 → the error that it means, by its type."""
    fault = faults.extract(raw)
    status = STATUS.get(fault.type or "")
    if status is None or fault.status is not None:
        return faults.within(raw)
    return faults.build(402 if status == 400 and faults.EXHAUSTED.search(fault.words) else status, {}, fault)


def raise_error(raw: Mapping[str, Any]) -> None:
    """Raise what an error in a successful reply or event means; return if there is none."""
    if raw.get("type") == "error" or raw.get("error"):
        raise error_within(raw)


def head(raw: Mapping[str, Any], model: str, object_: str) -> dict[str, Any]:
    """The four fields that name a reply."""
    identifier, name = raw.get("id"), raw.get("model")
    return {
        "id": identifier if isinstance(identifier, str) and identifier else f"chatcmpl-{uuid.uuid4().hex}",
        "object": object_,
        "created": int(time.time()),
        "model": name if isinstance(name, str) and name else model,
    }


def is_answer(block: Mapping[str, Any]) -> bool:
    """Whether a block is the answer in the form of a tool call that we asked for."""
    return block.get("type") == "tool_use" and block.get("name") == JSON_TOOL


def finish_word(reason: Any, called: bool, answered: bool) -> str:
    """Stop reason → finish reason. ``answered``: by the tool that stands for structured outputs."""
    if isinstance(reason, str) and reason in PAUSES:
        return "length"
    if answered and not called and reason == "tool_use":
        return "stop"
    return finish_reason(reason, called)


def refusal(reason: Any, details: Any) -> str | None:
    """What the vendor says of its refusal; None where there is none or it says nothing."""
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if reason == "refusal" and isinstance(explanation, str) and explanation else None


def detail(block: Mapping[str, Any], index: int) -> dict[str, Any] | None:
    """A block of thinking → the entry of ``reasoning_details`` that brings it back; None for others."""
    data = block.get("data")
    if block.get("type") == "redacted_thinking" and isinstance(data, str) and data:
        return {"type": "reasoning.encrypted", "data": data, "format": FORMAT, "index": index}
    text, signature = _str(block.get("thinking")), _str(block.get("signature"))
    if block.get("type") == "thinking" and (text or signature):
        signed = {"signature": signature} if signature else {}
        return {"type": "reasoning.text", "text": text, **signed, "format": FORMAT, "index": index}
    return None


def tool_name(block: Mapping[str, Any]) -> str:
    """Raises ``MalformedReply`` for a tool call without a name."""
    name = block.get("name")
    if not isinstance(name, str) or not name:
        raise MalformedReply("The upstream sent a tool call without a name.")
    return name


def tool_id(block: Mapping[str, Any]) -> str:
    """The call's id; made up where there is none."""
    return _str(block.get("id")) or call_id()


def usage(given: Any) -> dict[str, Any] | None:
    """The vendor's counts → OpenAI's. Input read from and written to the cache is counted beside the rest there, within
    ``prompt_tokens`` here. Where the vendor went several rounds (``iterations``), all of them count."""
    if not isinstance(given, dict):
        return None
    rounds = given.get("iterations")
    parts = [item for item in rounds if isinstance(item, dict)] if isinstance(rounds, list) else []
    if all(whole(part.get(name)) is None for part in parts or [given] for name in COUNTS[:2]):
        return None
    plain, completion, written, read = (sum(whole(part.get(name)) or 0 for part in parts or [given]) for name in COUNTS)
    details = {"cached_tokens": read, "cache_write_tokens": written}
    out: dict[str, Any] = {"prompt_tokens": plain + written + read, "completion_tokens": completion}
    said = given.get("output_tokens_details")
    thought = whole(said.get("thinking_tokens")) if isinstance(said, dict) else None
    if thought is not None:
        out["completion_tokens_details"] = {"reasoning_tokens": thought}
    out["prompt_tokens_details"] = details
    return normal_usage(out)


def _message(blocks: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Content blocks → (message, whether it calls tools of the caller's)."""
    texts: list[str] = []
    thoughts: list[str] = []
    details, calls, quoted, notes = [], [], [], []
    for index, block in enumerate(blocks):
        kind = block.get("type")
        entry = detail(block, index)
        if entry is not None:
            details.append(entry)
            thoughts.append(entry.get("text", ""))
        elif kind == "text":
            start = sum(map(len, texts))
            texts.append(said(block.get("text")))
            cited = citations(block.get("citations"))
            quoted += cited
            notes += _annotations(cited, start, start + len(texts[-1]))
        elif is_answer(block):
            texts.append(arguments(block.get("input")) or "{}")
        elif kind == "tool_use":
            called = {"name": tool_name(block), "arguments": arguments(block.get("input")) or "{}"}
            calls.append({"id": tool_id(block), "type": "function", "function": called})
    content = "".join(texts)
    message: dict[str, Any] = {"role": "assistant", "content": content or None, "refusal": None}
    if any(thoughts):
        message["reasoning_content"] = message["reasoning"] = "".join(thoughts)
    for key, value in (("reasoning_details", details), ("tool_calls", calls), ("annotations", notes)):
        if value:
            message[key] = value
    return ({**message, "citations": quoted} if quoted else message), bool(calls)


def citations(given: Any) -> list[dict[str, Any]]:
    """The vendor's citations, as they are."""
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def _annotations(cited: list[dict[str, Any]], start: int, end: int) -> list[dict[str, Any]]:
    """Citations of web pages as OpenAI's annotations of the text from ``start`` to ``end``."""
    out = []
    for item in cited:
        url, title = item.get("url"), item.get("title")
        if isinstance(url, str):
            place = {"start_index": start, "end_index": end, "title": _str(title), "url": url}
            out.append({"type": "url_citation", "url_citation": place})
    return out


def said(value: Any) -> str:
    """What the vendor says of an answer: text, or nothing. Anything else is not left out but ``MalformedReply``."""
    if value is not None and not isinstance(value, str):
        raise MalformedReply("The upstream's text is not text.")
    return value or ""


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
