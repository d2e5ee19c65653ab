"""What an unsuccessful reply means: any vendor's error body and headers → one class of ``providers.errors``. ◇

The status decides first; words decide only what a status leaves open (a 400 may be a bad key, a full context window, a
filtered prompt or an unknown model; a 403 may be moderation; a 429 an empty account). Shapes read: OpenAI's envelope,
Google's (also wrapped in a list), xAI's ``{"code", "error": "text"}``, the flat ones of Mistral, Cohere and Cerebras,
FastAPI's ``detail``, HTML and plain text. Messages are redacted: no URLs, no fragments of keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from providers.errors import (
    ContentFiltered,
    ContextTooLong,
    CredentialRejected,
    ModelMissing,
    PayloadTooLarge,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unsupported,
    UpstreamError,
)
from providers.waiting import retry_after

MAX_TEXT = 300
MAX_MESSAGE = 2000
READ_AT_MOST = 256 * 1024
READ_OF_TEXT = 8 * 1024  # the patterns below take quadratic time on hostile text

REDACTIONS = (
    (re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s\"'<>`)\]}]*[^\s\"'<>`)\]}.,;:!?]"), "[url]"),
    (re.compile(r"\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=*-]{6,}", re.I), "[redacted]"),
    (
        re.compile(r"\b(api[ _-]?key(?: id| provided)?|access[ _-]?token|secret)(\s*[:=]\s*)[\"']?[^\s,;\"']+", re.I),
        r"\1\2[redacted]",
    ),
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|pplx|csk|hf|key|fw|nvapi|dsk)[-_][A-Za-z0-9_*-]{6,}"), "[redacted]"),
    (re.compile(r"\bAIza[0-9A-Za-z_*-]{8,}|\beyJ[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]+)*"), "[redacted]"),
    (re.compile(r"[?&][\w.-]{0,40}(?:token|sig|signature|key|secret)=[^\s\"'<>`]+", re.I), "[redacted]"),
    (re.compile(r"[^\s\"'`:=,;(]{0,80}\*{3,}[^\s\"'`,;)]{0,80}"), "[redacted]"),
)

BY_STATUS: Mapping[int, type[UpstreamError]] = {
    **dict.fromkeys((401, 402, 403, 498), CredentialRejected),
    **dict.fromkeys((404, 405, 410), ModelMissing),  # 405: the path is another product's; another endpoint may do
    **dict.fromkeys((407, 408, 409, 425, 499), ServerFailed),  # 407: a proxy's word on the way, no vendor's
    413: PayloadTooLarge,
    **dict.fromkeys((429, 529), RateLimited),
}

QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`|“[^”]*”")
ABOUT_ONE_REQUEST = re.compile(
    r"fewer max_tokens|can only afford|no endpoints found|support (tool|image|the requested)|data policy|guardrail"
    r"|parameter"
    r"|no such (file|image|response|container)|requested entity was not found|failed to (download|fetch)"
    r"|\b(file|image|cachedcontent|cached content|previous response|response|item|container|attachment)\b.{0,80}?"
    r"\b(not found|does not exist|may not exist|permission denied)",
    re.I,
)
ABOUT_ONE_MODEL = re.compile(
    r"model_not_found|model_permission|access to (the )?model|not allowed to (sample from|use) (this|the) model"
    r"|\bmodel\b.{0,120}?\b(no access|not have access|does not exist|not found|is not available|not allowed|blocked)",
    re.I,
)

FILTERED = re.compile(
    r"content[ _-]?(filter|policy|management policy|exists risk)|responsibleai|moderation|flagged"
    r"|usage (guidelines|policies)|data_?inspection"
    r"|inappropriate content|safety[ _](system|check)|content violates|prohibited[ _]content",
    re.I,
)
EXHAUSTED = re.compile(
    r"insufficient[_ ](quota|balance|credits|funds)|billing_(hard_limit|not_active)|enforced_spend_limit|credit balance"
    r"|out of credits|api usage limits|\barrearage\b",
    re.I,
)
KEY = re.compile(
    r"(invalid|incorrect|wrong|expired|missing|unknown)[ _](api|access|authentication)[ _-]?(key|token)"
    r"|api[ _-]?key (is )?(not valid|invalid|not found|expired)|(no|invalid) api (key|token)|authentication fails"
    r"|api_key_invalid|invalid_api_key|invalid authentication",
    re.I,
)
CONTEXT = re.compile(
    r"context[ _](length|window|size)|maximum (context|prompt) length|too many (input |prompt )?tokens"
    r"|(prompt|input) (is )?too long|too_many_prompt_tokens|total length of all messages is too long"
    r"|exceeds? (the )?(model'?s )?max(imum)?( input)? (tokens|context|length|input length)"
    r"|reduce the length|input token count .* exceeds"
    r"|inputs?` tokens \+ `max_new_tokens|string_above_max_length_tokens|range of input length",
    re.I,
)
MODEL = re.compile(
    r"model_not_found|invalid_model|model_not_exist|deploymentnotfound|unknown model|no such model"
    r"|invalid model\b|not a valid model( id)?"
    r"|model\b.{0,120}?\b(does not exist|not found|not exist|is not available|was deprecated|decommissioned)",
    re.I,
)
INCAPABLE = re.compile(
    r"does not support (tools|thinking|chat|generate|insert|embed|vision|images?)\b|^think value\b|at most 0 [iav]"
    r"|\b(tools|tool use|thinking|function calling) (is|are) not (supported by|enabled for)\b|tool choice requires --"
    r"|only supported by certain models",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error body in the vendor's own words. ``words``: everything that patterns may look at."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    status: int | None = None
    words: str = ""
    body: Any = None


def redact(text: str) -> str:
    """``text`` without URLs, keys or what vendors leave visible of keys."""
    for pattern, replacement in REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def read(payload: bytes) -> Fault:
    """Any vendor's error body → its words. Never raises. ``message`` is "" where the body says nothing."""
    payload = payload[:READ_AT_MOST]
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        text = payload[:READ_OF_TEXT].decode("utf-8", "replace")
        text = re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>", " ", text)
        text = redact(" ".join(text.split())[:MAX_TEXT])
        return Fault(text, words=text)
    return extract(body)


def extract(body: Any) -> Fault:
    """A decoded error body (of a list, the first) → its words: in ``error``, ``message``, ``detail`` or ``errors``."""
    while isinstance(body, list):
        if not body:
            return Fault("")
        body = body[0]
    if not isinstance(body, dict):
        return Fault(redact(body[:MAX_TEXT]) if isinstance(body, str) else "", body=body)
    inner = body.get("error")
    source = inner if isinstance(inner, dict) else body
    candidates = (
        source.get("message"),
        inner,
        body.get("message"),
        body.get("detail"),
        body.get("errors"),
        source.get("msg"),
    )
    message = next((text for text in map(_text, candidates) if text), "")
    nested = _provider_message(source)
    if nested and nested not in message:
        message = f"{message}: {nested}" if message else nested
    message = redact(message[:MAX_MESSAGE])
    type_ = _word(source.get("type")) or _word(source.get("error_type")) or _word(source.get("status"))
    status = next((number for number in (_status(source.get("code")), _status(source.get("status"))) if number), None)
    code = None if _status(source.get("code")) else _word(source.get("code"))
    words = " ".join(filter(None, (message, type_, code, _reasons(source))))
    return Fault(message, type_, code, _word(source.get("param")), status, words, body)


def classify(status: int, headers: Mapping[str, str], payload: bytes) -> UpstreamError:
    """An unsuccessful reply → the error that it means. ``headers`` with lower-case names."""
    return build(status, headers, read(payload))


def within(body: Any) -> UpstreamError:
    """An error found inside a 200 (a whole reply or an event of a stream) → the error that it means.

    The vendor's own status in ``code`` or ``status`` decides where there is one, else the words, else it is the
    vendor's failure.
    """
    fault = extract(body)
    if fault.status is not None:
        return build(fault.status, {}, fault)
    if EXHAUSTED.search(fault.words):
        return build(402, {}, fault)
    words = f"{fault.type or ''} {fault.code or ''}".lower()
    if re.search(r"rate.?limit|throttl|resource_exhausted|too_many_requests", words):
        return build(429, {}, fault)
    if re.search(r"invalid|bad_?request|unsupported|not_found", words):
        return build(400, {}, fault)
    if re.search(r"authentication|permission|unauthorized", words):
        return build(401, {}, fault)
    if FILTERED.search(fault.words):
        return build(400, {}, fault)
    return build(500, {}, fault)


def build(status: int, headers: Mapping[str, str], fault: Fault) -> UpstreamError:
    """Status and words → the error. Waiting times are read where waiting helps."""
    kind = _kind(status, fault)
    message = fault.message or f"The upstream answered with status {status} and no message."
    if status < 400:
        message = f"The upstream answered with status {status}; redirects are not followed."
    wait = retry_after(headers, fault.body, fault.message) if issubclass(kind, (RateLimited, ServerFailed)) else None
    error = kind(message, status=status, type=fault.type, code=fault.code, param=fault.param, retry_after=wait)
    error.lasting = _is_lasting(status, fault)
    return error


def _is_lasting(status: int, fault: Fault) -> bool:
    """Not where the caller's own file or picture is what is missing; nor, for a key, where it may not use one model."""
    if status == 403 and (not isinstance(fault.body, dict) or ABOUT_ONE_MODEL.search(fault.words)):
        return False
    return not ABOUT_ONE_REQUEST.search(fault.words)


def _kind(status: int, fault: Fault) -> type[UpstreamError]:
    words = fault.words
    if status < 400 or (status >= 500 and status != 529):
        return ServerFailed
    kind = BY_STATUS.get(status)
    if status == 403 and FILTERED.search(words):
        return ContentFiltered
    if kind is RateLimited and EXHAUSTED.search(words):
        return CredentialRejected
    if kind is not None:
        return kind
    own = _without_quotes(words)
    if KEY.search(own) or EXHAUSTED.search(own):
        return CredentialRejected
    if CONTEXT.search(words):
        return ContextTooLong
    if FILTERED.search(words):
        return ContentFiltered
    if INCAPABLE.search(own):
        return Unsupported
    return ModelMissing if MODEL.search(own) else RequestRejected


def _without_quotes(words: str) -> str:
    """What the vendor says itself: in quotes it repeats its caller, whose words must not decide about a key."""
    return " ".join(QUOTED.sub(" _ ", words).split())


def _text(value: Any) -> str:
    """A message as text: a string; FastAPI's list of {loc, msg}; an object holding one of the usual keys."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "; ".join(filter(None, (_item(item) for item in value[:20])))
    if isinstance(value, dict):
        for key in ("message", "error", "detail", "msg"):
            inner = value.get(key)
            if inner and isinstance(inner, (str, list)):
                return _text(inner)
    return ""


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return item if isinstance(item, str) else ""
    message = item.get("msg") or item.get("message")
    if not isinstance(message, str):
        return ""
    where = item.get("loc")
    if isinstance(where, list):
        return f"{'.'.join(str(part) for part in where if isinstance(part, (str, int)))}: {message}"
    return message


def _provider_message(source: Mapping[str, Any]) -> str:
    """What OpenRouter's own upstream said: ``metadata.raw``, text or a JSON text."""
    metadata = source.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or not raw:
        return ""
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError):
        return " ".join(raw.split())[:MAX_TEXT]
    if not isinstance(decoded, dict):
        return ""
    inner = decoded.get("error")
    candidates = (inner, decoded.get("message"), decoded.get("detail"), decoded.get("errors"))
    return next((text for text in map(_text, candidates) if text), "")[:MAX_TEXT]


def _reasons(source: Mapping[str, Any]) -> str:
    """Signs of moderation (OpenRouter's ``metadata.reasons``) and codes beside the error's own: Azure's
    ``innererror.code``, Anthropic's ``details.error_code``."""
    metadata = source.get("metadata")
    moderated = isinstance(metadata, dict) and ("reasons" in metadata or "flagged_input" in metadata)
    places = (source.get("innererror"), "code"), (source.get("details"), "error_code")
    codes = [place[key] for place, key in places if isinstance(place, dict) and isinstance(place.get(key), str)]
    return " ".join((["moderation"] if moderated else []) + codes)


def _word(value: Any) -> str | None:
    if isinstance(value, str) and value:
        return redact(value[:200])
    return str(value)[:20] if isinstance(value, int) and not isinstance(value, bool) else None


def _status(value: Any) -> int | None:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
        return value
    return None
