"""Replies of Cohere's chat, version 2 → the inner form. ◇

Content is the text parts joined; thinking and the tool plan are reasoning. Citations are passed on in ``citations`` as
Cohere writes them, and as OpenAI's ``annotations`` where their source has an address.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from providers import faults
from providers.adapters import openai_reply as shared
from providers.adapters.base import load
from providers.adapters.cohere_messages import PLAN, THINKING, unescape_name
from providers.chat import finish_reason, usage, whole
from providers.errors import MalformedReply, ServerFailed

FAILED = frozenset({"ERROR", "USER_CANCEL"})


def parse_chat(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → ``chat.completion``. ``model``: the name to give, Cohere gives none.

    Raises ``MalformedReply``, or what an error in a 200 means.
    """
    raw = load(payload)
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    given = raw.get("message")
    if not isinstance(given, dict):
        raise_error(raw)
        raise MalformedReply("The upstream's reply holds no message.")
    failed(raw.get("finish_reason"), raw.get("error"))
    message = _message(given)
    choice = {
        "index": 0,
        "message": message,
        "logprobs": logprobs(raw.get("logprobs")),
        "finish_reason": finish(raw.get("finish_reason"), "tool_calls" in message),
    }
    out = {**shared.head({"id": raw.get("id")}, model, "chat.completion"), "choices": [choice]}
    figures = count(raw.get("usage"))
    return out if figures is None else {**out, "usage": figures}


def raise_error(raw: Mapping[str, Any]) -> None:
    """Raise what an error in place of a reply or event means; return if there is none."""
    if any(raw.get(key) for key in ("error", "detail", "error_type")) or isinstance(raw.get("message"), str):
        raise faults.within(dict(raw))


def failed(reason: Any, error: Any = None) -> None:
    """Raise if the answer ended because Cohere failed. ``error``: its own words for it."""
    if error:
        raise faults.within({"error": error})
    if reason == "TIMEOUT":
        raise ServerFailed("The upstream took too long for the answer (finish reason 'TIMEOUT').", status=504)
    if isinstance(reason, str) and reason in FAILED:
        raise ServerFailed(f"The upstream gave up on the answer (finish reason '{reason}').")


def finish(reason: Any, called: bool) -> str:
    """COMPLETE, STOP_SEQUENCE, MAX_TOKENS, TOOL_CALL, and two words of version 1 → OpenAI's."""
    if reason == "ERROR_TOXIC":
        return "content_filter"
    return "length" if reason == "ERROR_LIMIT" else finish_reason(reason, called)


def count(given: Any) -> dict[str, Any] | None:
    """Cohere's usage → OpenAI's; None if it says nothing.

    ``tokens`` is what the model read and wrote, ``billed_units`` what is charged, which is less by the template's
    tokens: it stands in where the other is missing, and is passed on.
    """
    if not isinstance(given, Mapping):
        return None
    tokens, billed = (_mapping(given.get(key)) for key in ("tokens", "billed_units"))
    figures: dict[str, Any] = {}
    for ours, theirs in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")):
        number = whole(tokens.get(theirs))
        figures[ours] = whole(billed.get(theirs)) if number is None else number
    for ours, parts in (
        (
            "prompt_tokens_details",
            {"cached_tokens": given.get("cached_tokens"), "image_tokens": tokens.get("image_tokens")},
        ),
        ("completion_tokens_details", {"reasoning_tokens": tokens.get("reasoning_tokens")}),
    ):
        details = {key: whole(value) for key, value in parts.items() if whole(value) is not None}
        if details:
            figures[ours] = details
    if billed:
        figures["billed_units"] = dict(billed)
    return usage(figures)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def logprobs(items: Any) -> dict[str, Any] | None:
    """Cohere's chances of pieces of text (one item, or a list) → OpenAI's of tokens; None where nothing is said.

    The texts of a piece's single tokens are not told: a piece of several counts as one token with their joint chance.
    """
    out = []
    for item in items if isinstance(items, list) else [items]:
        text = item.get("text") if isinstance(item, dict) else None
        chances = item.get("logprobs") if isinstance(item, dict) else None
        numbers = [chance for chance in chances if _is_number(chance)] if isinstance(chances, list) else []
        if isinstance(text, str) and numbers:
            spelled = list(text.encode("utf-8", "surrogatepass"))
            out.append({"token": text, "bytes": spelled, "logprob": float(sum(numbers)), "top_logprobs": []})
    return {"content": out, "refusal": None} if out else None


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def details(thinking: str, plan: str) -> list[dict[str, Any]]:
    """Where the reasoning of an answer with tool calls came from, to be put back there with the next request."""
    pairs = ((THINKING, thinking), (PLAN, plan))
    return [
        {"type": "reasoning.text", "text": text, "format": form, "index": index}
        for index, (form, text) in enumerate(pair for pair in pairs if pair[1])
    ]


def _message(given: Mapping[str, Any]) -> dict[str, Any]:
    texts, thinking = content(given.get("content"))
    plan = given.get("tool_plan")
    plan = plan if isinstance(plan, str) else ""
    present = [text for text in texts if text is not None]
    out: dict[str, Any] = {"role": "assistant", "content": "".join(present) if present else None, "refusal": None}
    calls = [_call(call) for call in _calls(given.get("tool_calls"))]
    if thinking or plan:
        out["reasoning_content"] = out["reasoning"] = "\n\n".join(filter(None, (thinking, plan)))
    if calls:
        out["tool_calls"] = calls
        if thinking:
            out["reasoning_details"] = details(thinking, plan)
    citations = given.get("citations")
    if isinstance(citations, list) and citations:
        out["citations"] = citations
        notes = url_citations(citations, texts)
        if notes:
            out["annotations"] = notes
    return out


def content(given: Any) -> tuple[list[str | None], str]:
    """Parts → (the text of each, None where it is none, so that positions stay), and the thinking of all, joined."""
    if isinstance(given, str):
        return [given], ""
    if given is None:
        return [], ""
    if not isinstance(given, list):
        raise MalformedReply("The upstream's content is neither text nor a list of parts.")
    texts: list[str | None] = []
    thoughts = []
    for part in given:
        if not isinstance(part, dict):
            raise MalformedReply("The upstream's content holds a part that is not an object.")
        text, thought = part.get("text"), part.get("thinking")
        if text is not None and not isinstance(text, str):
            raise MalformedReply("The upstream's text is not text.")
        texts.append(text if part.get("type") != "thinking" else None)
        if isinstance(thought, str):
            thoughts.append(thought)
    return texts, "".join(thoughts)


def _calls(given: Any) -> list[Any]:
    if isinstance(given, dict):
        return [given]
    return given if isinstance(given, list) else []


def _call(call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise MalformedReply("The upstream's reply holds a tool call without a function name.")
    identifier = call.get("id")
    return {
        "id": identifier if isinstance(identifier, str) and identifier else shared.call_id(),
        "type": "function",
        "function": {
            "name": unescape_name(name),
            "arguments": shared.arguments(function.get("arguments")).strip() or "{}",
        },
    }


def url_citations(citations: list[Any], texts: list[str | None]) -> list[dict[str, Any]]:
    """Citations of text whose source has an address → ``url_citation``; ``texts``: of each part of the content.

    Cohere counts from the beginning of a part, OpenAI from that of the whole text.
    """
    out = []
    for citation in citations:
        if not isinstance(citation, dict) or citation.get("type") not in (None, "TEXT_CONTENT"):
            continue
        start, end, part = (whole(citation.get(key)) for key in ("start", "end", "content_index"))
        if start is None or end is None:
            continue
        before = sum(len(text) for text in texts[: part or 0] if text is not None)
        sources = citation.get("sources")
        for source in sources if isinstance(sources, list) else []:
            url, title = _address(source)
            if url:
                note = {"start_index": start + before, "end_index": end + before, "url": url, "title": title}
                out.append({"type": "url_citation", "url_citation": note})
    return out


def _address(source: Any) -> tuple[str, str]:
    """(URL, title) of a document or a tool's output; "" where it has no address."""
    if not isinstance(source, dict):
        return "", ""
    held = source.get("document")
    held = held if isinstance(held, dict) else _mapping(source.get("tool_output"))
    for url in (held.get("url"), held.get("link"), source.get("id")):
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            title = held.get("title")
            return url, title if isinstance(title, str) else url
    return "", ""
