"""The narrow waist: one inner form, the OpenAI chat shape, that dialects are parsed to and adapters speak from. ◇

Requests, completions and chunks are plain dicts in the shapes of OpenAI's chat API, with the extensions that the
field shares: ``reasoning_content`` (mirrored in ``reasoning``) and ``reasoning_details`` on messages and deltas. Here
is also what all adapters share: the vocabulary of finish reasons, the arithmetic of usage, content given as parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.wire import Upload

SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})

FINISH_REASONS: Mapping[str, str] = {
    **{reason: reason for reason in ("stop", "length", "tool_calls", "content_filter", "function_call")},
    **dict.fromkeys(("eos", "eos_token", "stop_sequence", "end_turn", "complete", "end"), "stop"),
    **dict.fromkeys(("max_tokens", "model_length", "max_length", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("tool_use", "tool_call"), "tool_calls"),
    **dict.fromkeys(("safety", "recitation", "sensitive", "refusal", "prohibited_content"), "content_filter"),
}

# The vendor gave up on the answer: DeepSeek, OpenRouter and Mistral, vLLM, Z.AI.
FAILED_REASONS = frozenset({"insufficient_system_resource", "error", "abort", "network_error"})

CONTENT_KEYS = (
    "content",
    "reasoning_content",
    "reasoning",
    "tool_calls",
    "refusal",
    "audio",
    "function_call",
    "images",
)


DEEPEST = 200  # orjson writes no more than 254 levels, and what is said around a reply or request needs some


@dataclass(frozen=True, slots=True)
class Call:
    """One thing asked of an upstream. ``body``: the caller's request in the inner form, gateway-only keys removed.

    ``operation``: a name of ``providers.operations``. ``strict``: a parameter the vendor has no word for is an error
    instead of being dropped and named. The model in ``body`` is ignored: an adapter sends the target's own. ``upload``:
    the file that a transcription is to be made of. ``continues``: the last message is the beginning of the answer.
    """

    operation: str
    body: Mapping[str, Any]
    stream: bool = False
    strict: bool = False
    upload: Upload | None = None
    continues: bool = False


def choices_asked(call: Call) -> int:
    """How many choices the answer is to have: ``n``, of each prompt where there are several."""
    prompt = call.body.get("prompt")
    several = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    number: int = call.body.get("n", 1)
    return number * len(prompt) if several and prompt is not None else number


def too_deep(value: Any, text: bytes | str) -> bool:
    """Whether decoded JSON is nested more deeply than anything honest is. ``text``: what it was decoded from."""
    openings = text.count(b"{") + text.count(b"[") if isinstance(text, bytes) else text.count("{") + text.count("[")
    if openings <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return False
    return True


def _containers(value: Any) -> list[Any]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    # The look at the types alone is fast for what is long: lists of numbers.
    return [] if {dict, list}.isdisjoint(map(type, items)) else [item for item in items if type(item) in (dict, list)]


def has_content(chunk: Mapping[str, Any]) -> bool:
    """Whether an inner chunk carries text, reasoning, a refusal, audio or a tool call, not just roles and blanks."""
    for choice in chunk["choices"]:
        delta = choice["delta"]
        if any(delta.get(key) for key in CONTENT_KEYS):
            return True
    return False


def finish_reason(reason: Any, called: bool) -> str:
    """A vendor's word for the end of an answer → one of OpenAI's five. ``called``: the answer made tool calls.

    Valid words are kept as they are: "stop" beside tool calls too, which OpenAI says for a forced function.
    """
    known = FINISH_REASONS.get(reason if isinstance(reason, str) else "")
    if known is None and isinstance(reason, str):
        known = FINISH_REASONS.get(reason.lower())
    if called and (known is None or (known == "stop" and reason != "stop")):
        return "tool_calls"
    return known or "stop"


def whole(value: Any) -> int | None:
    """A count as a vendor may write it (13, 13.0, "13") → int ≥ 0, else None."""
    number = integer(value)
    return None if number is None else max(0, number)


def integer(value: Any) -> int | None:
    """As ``whole``, for what a negative number is no sort of: an index."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return None


def usage(given: Any) -> dict[str, Any] | None:
    """A vendor's usage object → one where total = prompt + completion and all counts are ints; None if it says nothing.

    xAI and Gemini count reasoning in the total but not in ``completion_tokens``: what the total has beyond prompt and
    completion was generated, and is added to the completion; where sound was heard (Mistral), it was read. Cached and
    reasoning tokens are parts of their sums and never exceed them (OpenRouter counts the two by different tokenizers).
    Unknown keys pass.
    """
    if not isinstance(given, Mapping):
        return None
    prompt, completion, total = (
        whole(given.get(key)) for key in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    if prompt is None and completion is None and total is None:
        return None
    if prompt is None or (given.get("prompt_audio_seconds") and total is not None and completion is not None):
        prompt = max(prompt or 0, (total or 0) - (completion or 0))
    if completion is None or (total is not None and total > prompt + completion):
        completion = max(0, (total or 0) - prompt)
    out = {**given, "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    for key, part, bound in (
        ("prompt_tokens_details", "cached_tokens", prompt),
        ("completion_tokens_details", "reasoning_tokens", completion),
    ):
        details = given.get(key)
        if isinstance(details, Mapping):
            out[key] = _details(details, part, bound)
        else:
            out.pop(key, None)
    hits = whole(given.get("prompt_cache_hit_tokens"))
    if hits and "prompt_tokens_details" not in out:
        out["prompt_tokens_details"] = {"cached_tokens": min(hits, prompt)}
    return out


def _details(details: Mapping[str, Any], part: str, bound: int) -> dict[str, Any]:
    out = {}
    for key, value in details.items():
        if key.endswith("_tokens"):
            count = whole(value)
            if count is not None:
                out[key] = min(count, bound) if key == part else count
        else:
            out[key] = value
    return out


def split_content(parts: list[Any]) -> tuple[str, str]:
    """Content as a list of parts → (text, reasoning). Mistral: ``{"type": "thinking", "thinking": [text parts]}``."""
    text: list[str] = []
    thoughts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, Mapping):
            if part.get("type") == "thinking":
                thoughts.append(_thought(part.get("thinking")))
            elif isinstance(part.get("text"), str):
                text.append(part["text"])
    return "".join(text), "".join(thoughts)


def _thought(inner: Any) -> str:
    if isinstance(inner, str):
        return inner
    parts = [part.get("text") for part in inner if isinstance(part, Mapping)] if isinstance(inner, list) else []
    return "".join(part for part in parts if isinstance(part, str))
