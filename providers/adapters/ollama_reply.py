"""Replies of Ollama's ``/api/chat`` and ``/api/embed`` → the inner form. ◇"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers import faults
from providers.adapters import openai_reply as shared
from providers.adapters.base import load
from providers.adapters.vectors import embedding_list
from providers.chat import FAILED_REASONS, finish_reason, usage, whole
from providers.errors import MalformedReply, ServerFailed, UpstreamError


def parse_chat(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → ``chat.completion``. ``model``: the name to give where the server gives none.

    Raises ``MalformedReply``, or what an error in a 200 means.
    """
    raw = read(payload)
    said = message_of(raw)
    if raw.get("done") is not True:
        raise MalformedReply("The upstream's reply is not the whole answer.")
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
    if said.thinking:
        message["reasoning_content"] = message["reasoning"] = said.thinking
    calls = tool_calls(said.calls, set())
    if calls:
        message["tool_calls"] = calls
    choice = {
        "index": 0,
        "message": message,
        "logprobs": logprobs(raw.get("logprobs")),
        "finish_reason": finish(raw.get("done_reason"), bool(calls)),
    }
    out = {**head(raw, model, "chat.completion"), "choices": [choice]}
    figures = count(raw)
    return out if figures is None else {**out, "usage": figures}


def parse_embeddings(payload: bytes, model: str) -> dict[str, Any]:
    """``{"embeddings": [[float]]}`` → OpenAI's list."""
    raw = read(payload)
    name = raw.get("model")
    named = name if isinstance(name, str) and name else model
    return embedding_list(raw.get("embeddings"), named, whole(raw.get("prompt_eval_count")))


def read(payload: bytes | str) -> dict[str, Any]:
    """One JSON object of Ollama's. Raises ``MalformedReply``, or what an error in it means."""
    raw = load(payload)
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    if raw.get("error"):
        raise error_within(raw)
    return raw


def error_within(raw: Mapping[str, Any]) -> UpstreamError:
    """``{"error": "text"}`` after a 200 → the error that it means. The words are all there is to go by."""
    fault = faults.extract(raw)
    if fault.status is None and (faults.CONTEXT.search(fault.words) or faults.MODEL.search(fault.words)):
        return faults.build(400, {}, fault)
    return faults.within(raw)


class Said:
    """What a message says: ``text``, ``thinking``, raw ``calls``."""

    __slots__ = ("calls", "text", "thinking")

    def __init__(self, text: str, thinking: str, calls: list[Any]) -> None:
        self.text = text
        self.thinking = thinking
        self.calls = calls


def message_of(raw: Mapping[str, Any]) -> Said:
    """The message of a reply or of a line of a stream. Raises ``MalformedReply`` where there is none."""
    given = raw.get("message")
    if not isinstance(given, dict):
        raise MalformedReply("The upstream's reply holds no message.")
    text, thinking, calls = given.get("content"), given.get("thinking"), given.get("tool_calls")
    if text is not None and not isinstance(text, str):
        raise MalformedReply("The upstream's content is not text.")
    return Said(text or "", thinking if isinstance(thinking, str) else "", calls if isinstance(calls, list) else [])


def tool_calls(given: list[Any], taken: set[str]) -> list[dict[str, Any]]:
    """Calls of functions with arguments as text. Ids that the server left out, or gave twice, are made up; ``taken``
    are those of the same answer already, and is added to."""
    out = []
    for call in given:
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not name:
            raise MalformedReply("The upstream's reply holds a tool call without a function name.")
        identifier = call.get("id")
        if not isinstance(identifier, str) or not identifier or identifier in taken:
            identifier = shared.call_id()
        taken.add(identifier)
        arguments = shared.arguments(function.get("arguments")).strip() or "{}"
        out.append({"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}})
    return out


def head(raw: Mapping[str, Any], model: str, object_: str) -> dict[str, Any]:
    """The four fields that name a reply: Ollama gives no id, and its time as text."""
    return shared.head({"model": raw.get("model"), "created": _moment(raw.get("created_at"))}, model, object_)


def _moment(text: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp()) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def finish(reason: Any, called: bool) -> str:
    """stop, length; load and unload (an empty conversation only moves the model); nothing on old servers."""
    if isinstance(reason, str) and reason in FAILED_REASONS:
        raise ServerFailed(f"The upstream gave up on the answer (finish reason '{reason}').")
    return finish_reason(None if called and reason == "stop" else reason, called)


def count(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """``prompt_eval_count``, which servers leave out for a prompt that they remember, and ``eval_count``."""
    prompt, completion = whole(raw.get("prompt_eval_count")), whole(raw.get("eval_count"))
    if prompt is None and completion is None:
        return None
    return usage({"prompt_tokens": prompt or 0, "completion_tokens": completion or 0})


def logprobs(given: Any) -> dict[str, Any] | None:
    """Ollama's list of tokens → OpenAI's; None where nothing is said."""
    if not isinstance(given, list):
        return None
    content = []
    for item in given:
        chance = _chance(item)
        if chance is not None:
            others = item.get("top_logprobs")
            tops = [_chance(other) for other in others] if isinstance(others, list) else []
            content.append({**chance, "top_logprobs": [top for top in tops if top is not None]})
    return {"content": content, "refusal": None} if content else None


def _chance(item: Any) -> dict[str, Any] | None:
    token = item.get("token") if isinstance(item, dict) else None
    chance = item.get("logprob") if isinstance(item, dict) else None
    if not isinstance(token, str) or isinstance(chance, bool) or not isinstance(chance, (int, float)):
        return None
    spelled = item.get("bytes")
    if not isinstance(spelled, list):
        spelled = list(token.encode("utf-8", "surrogatepass"))
    return {"token": token, "logprob": float(chance), "bytes": spelled}
