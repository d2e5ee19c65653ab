"""GenerateContentResponse → the inner form: what whole replies and events of streams share, and whole replies. ◇

Source: Gemini API reference, GenerateContentResponse. Citations and safety ratings pass under Google's own names; parts
that OpenAI has no word for (code that was run, audio) pass in ``parts`` of the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers import faults
from providers.adapters import gemini_extras as extras
from providers.adapters import gemini_signatures as signatures
from providers.adapters.base import load
from providers.adapters.openai_reply import arguments, head
from providers.chat import usage, whole
from providers.errors import MalformedReply, ServerFailed

LENGTH = frozenset({"MAX_TOKENS", "CONTINUATION"})
FAILED = frozenset(
    {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}
    | {"MISSING_THOUGHT_SIGNATURE"}
)
STOPPED = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED"})
FILTERED = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"}
    | {"IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION", "ESCALATION", "PUP_LIMITED_DISABLED"}
    | {"MODEL_ARMOR", "JAILBREAK"}
)
EXTRAS = (
    "safetyRatings",
    "citationMetadata",
    "groundingMetadata",
    "urlContextMetadata",
    "finishMessage",
    "avgLogprobs",
)


@dataclass(slots=True)
class Piece:
    """What one candidate of a reply or event says. ``reason``: Google's word for its end. ``calls`` are in OpenAI's
    form; ``details`` are entries of ``reasoning_details``; ``parts`` those that OpenAI has no word for."""

    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    extras: dict[str, Any] = field(default_factory=dict)
    logprobs: dict[str, Any] | None = None

    def said(self) -> dict[str, Any]:
        """All but text and tool calls, as keys of a message or delta."""
        out: dict[str, Any] = {}
        thoughts = "".join(self.thoughts)
        if thoughts:
            out["reasoning_content"] = out["reasoning"] = thoughts
        for key, value in (("reasoning_details", self.details), ("images", self.images), ("parts", self.parts)):
            if value:
                out[key] = value
        return out


def check(raw: Any) -> dict[str, Any]:
    """A decoded reply or event. Raises what an error within it means, and ``MalformedReply`` where it is none."""
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    if raw.get("error"):
        raise faults.within(raw)
    if not {"candidates", "promptFeedback", "usageMetadata"} & raw.keys():
        raise MalformedReply("The upstream's reply holds neither candidates nor feedback.")
    return raw


def candidates(raw: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The candidates of a reply or event by their index. Raises ``MalformedReply``."""
    given = raw.get("candidates")
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(candidate, dict) for candidate in given):
        raise MalformedReply("The upstream's candidates are not a list of objects.")
    out = []
    for position, candidate in enumerate(given):
        index = whole(candidate.get("index"))
        out.append((position if index is None else index, candidate))
    return out


def blocked(raw: Mapping[str, Any]) -> bool:
    """Whether the prompt was refused, so that there will be no candidate."""
    feedback = raw.get("promptFeedback")
    return isinstance(feedback, Mapping) and bool(feedback.get("blockReason"))


def identity(raw: Mapping[str, Any], model: str, object_: str) -> dict[str, Any]:
    """The four fields that name a reply. ``model``: the name to give where the vendor gives none."""
    return head({"id": raw.get("responseId"), "model": raw.get("modelVersion")}, model, object_)


def read(candidate: Mapping[str, Any], details: int = 0) -> Piece:
    """One candidate. ``details``: how many signatures were before. Raises ``MalformedReply`` and ``ServerFailed``."""
    piece = Piece()
    reason = candidate.get("finishReason")
    if reason is not None:
        piece.reason = reason.upper() if isinstance(reason, str) else "STOP"
        if piece.reason in FAILED:
            raise ServerFailed(f"The upstream gave up on the answer (finish reason '{piece.reason}').")
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else content
    if parts is not None and not isinstance(parts, list):
        raise MalformedReply("The upstream's candidate holds no list of parts.")
    for part in parts or ():
        if not isinstance(part, dict):
            raise MalformedReply("The upstream's candidate holds a part that is not an object.")
        _part(part, piece, details)
    piece.extras = {key: candidate[key] for key in EXTRAS if candidate.get(key) is not None}
    piece.logprobs = extras.logprobs(candidate.get("logprobsResult"))
    return piece


def finish(reason: str | None, called: bool) -> str:
    """Google's word for the end of an answer → OpenAI's. ``called``: the answer made tool calls, anywhere."""
    if reason in LENGTH:
        return "length"
    if reason in FILTERED:
        return "content_filter"
    return "tool_calls" if called else "stop"


def figures(given: Any) -> dict[str, Any] | None:
    """UsageMetadata → usage; None where it has no counts. Prompts of tools count as prompt, thoughts as completion.

    Some models count thoughts among the candidates' tokens: then prompt and candidates make up the total alone.
    """
    if not isinstance(given, Mapping):
        return None
    names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount")
    prompt, answer, total, thoughts = (whole(given.get(name)) for name in names)
    if prompt is None and answer is None and total is None:
        return None
    tools, cached = whole(given.get("toolUsePromptTokenCount")), whole(given.get("cachedContentTokenCount"))
    asked = (prompt or 0) + (tools or 0)
    if prompt is None and total is not None:
        asked = max(asked, total - (answer or 0) - (thoughts or 0))
    answered = answer or 0
    if total is None or asked + answered != total:
        answered += thoughts or 0
    out: dict[str, Any] = {"prompt_tokens": asked, "completion_tokens": answered}
    if total is not None:
        out["total_tokens"] = total
    heard, spoken = (_audio(given.get(name)) for name in ("promptTokensDetails", "candidatesTokensDetails"))
    for key, counts in (
        ("prompt_tokens_details", {"cached_tokens": cached, "audio_tokens": heard}),
        ("completion_tokens_details", {"reasoning_tokens": thoughts, "audio_tokens": spoken}),
    ):
        known = {name: count for name, count in counts.items() if count is not None}
        if known:
            out[key] = known
    return usage(out)


def parse_response(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → ``chat.completion``. ``model``: the name to give where the vendor gives none.

    A refused prompt is an answer without content that ends in "content_filter". Raises ``MalformedReply``, or what an
    error in a 200 means.
    """
    raw = check(load(payload))
    choices = [_choice(index, read(candidate)) for index, candidate in candidates(raw)]
    if not choices:
        if not blocked(raw):
            raise MalformedReply("The upstream's reply holds no candidates.")
        choices = [_choice(0, Piece(reason="SAFETY"))]
    if len({choice["index"] for choice in choices}) < len(choices):
        choices = [{**choice, "index": position} for position, choice in enumerate(choices)]
    out = {**identity(raw, model, "chat.completion"), "choices": choices}
    if raw.get("promptFeedback"):
        out["promptFeedback"] = raw["promptFeedback"]
    counts = figures(raw.get("usageMetadata"))
    return out if counts is None else {**out, "usage": counts}


def _choice(index: int, piece: Piece) -> dict[str, Any]:
    text = "".join(piece.text)
    message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None, **piece.said()}
    if not text and not piece.calls and piece.reason in STOPPED:
        message["content"] = ""
    if piece.calls:
        message["tool_calls"] = piece.calls
    cited = extras.citations(piece.extras.get("groundingMetadata"), text)
    if cited:
        message["annotations"] = cited
    return {
        **piece.extras,
        "index": index,
        "message": message,
        "logprobs": piece.logprobs,
        "finish_reason": finish(piece.reason, bool(piece.calls)),
    }


def _part(part: dict[str, Any], piece: Piece, details: int) -> None:
    signature = part.get("thoughtSignature")
    signature = signature if isinstance(signature, str) and signature else None
    identifier = None
    text, call, blob = part.get("text"), part.get("functionCall"), part.get("inlineData")
    if call is not None:
        made = _call(call, signature)
        identifier = made["id"]
        piece.calls.append(made)
    elif isinstance(text, str):
        (piece.thoughts if part.get("thought") is True else piece.text).append(text)
    elif text is not None:
        raise MalformedReply("The upstream's text is not text.")
    elif isinstance(blob, dict) and str(blob.get("mimeType")).startswith("image/") and not part.get("thought"):
        url = f"data:{blob['mimeType']};base64,{blob.get('data')}"
        piece.images.append({"type": "image_url", "image_url": {"url": url}, "index": len(piece.images)})
    else:
        rest = {key: value for key, value in part.items() if key not in ("thoughtSignature", "thought")}
        piece.parts += [rest] if rest else []
    if signature:
        piece.details.append(signatures.detail(signature, details + len(piece.details), identifier))


def _call(call: Any, signature: str | None) -> dict[str, Any]:
    name = call.get("name") if isinstance(call, dict) else None
    if not isinstance(name, str) or not name:
        raise MalformedReply("The upstream's reply holds a function call without a name.")
    identifier = call.get("id")
    made = {
        "id": identifier if isinstance(identifier, str) and identifier else signatures.made_id(signature),
        "type": "function",
        "function": {"name": name, "arguments": arguments(call.get("args") or {}).strip() or "{}"},
    }
    return {**made, "extra_content": {"google": {"thought_signature": signature}}} if signature else made


def _audio(details: Any) -> int | None:
    """Tokens of the modality AUDIO in a list of ModalityTokenCount."""
    for entry in details if isinstance(details, list) else ():
        if isinstance(entry, Mapping) and entry.get("modality") == "AUDIO":
            return whole(entry.get("tokenCount"))
    return None
