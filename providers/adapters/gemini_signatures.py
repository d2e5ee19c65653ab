"""Gemini's thought signatures: opaque text of a reply that must come back with the conversation's next request. ◇

They travel in three places, because clients keep different ones: ``extra_content.google.thought_signature`` of a tool
call (Google's own OpenAI-compatible layer), ``reasoning_details`` of the message (OpenRouter's entries of type
"reasoning.encrypted"), and the tool call's id, where the vendor gave none and one is made up. A vendor's id stays as
it is.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any

FORMAT = "google-gemini-v1"
MARK = "__thought__"
# Documented by Google for calls that come from elsewhere: Gemini 3 refuses calls without any signature.
SKIP = base64.b64encode(b"skip_thought_signature_validator").decode()

_URL_SAFE = str.maketrans("+/", "-_")
_STANDARD = str.maketrans("-_", "+/")


def made_id(signature: str | None) -> str:
    """An id for a tool call that came without one, holding the signature in letters that all vendors take in ids."""
    made = f"call_{uuid.uuid4().hex[:24]}"
    return f"{made}{MARK}{signature.translate(_URL_SAFE).rstrip('=')}" if signature else made


def split_id(identifier: str) -> tuple[str, str | None]:
    """A tool call's id → (the id to send, the signature within it)."""
    bare, mark, held = identifier.partition(MARK)
    if not mark or not bare or not held:
        return identifier, None
    held = held.rstrip("=").translate(_STANDARD)
    return bare, held + "=" * (-len(held) % 4)


def detail(signature: str, index: int, call: str | None = None) -> dict[str, Any]:
    """An entry of ``reasoning_details``. ``call``: the id of the tool call that the signature is of."""
    entry = {"type": "reasoning.encrypted", "data": signature, "format": FORMAT, "index": index}
    return entry if call is None else {**entry, "id": call}


def of_call(call: Mapping[str, Any], message: Mapping[str, Any]) -> str | None:
    """The signature of one tool call of an earlier answer, from wherever the client kept it."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    held = google.get("thought_signature") if isinstance(google, Mapping) else None
    if isinstance(held, str) and held:
        return held
    identifier = call.get("id")
    if not isinstance(identifier, str):
        return None
    named = (entry["data"] for entry in _entries(message) if entry.get("id") == identifier)
    return next(named, None) or split_id(identifier)[1]


def of_text(message: Mapping[str, Any]) -> str | None:
    """The signature of an earlier answer's text: the last one that is not a tool call's."""
    found = [entry["data"] for entry in _entries(message) if entry.get("id") is None]
    return found[-1] if found else None


def _entries(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those ``reasoning_details`` that are Gemini's signatures."""
    details = message.get("reasoning_details")
    return [
        entry
        for entry in (details if isinstance(details, list) else ())
        if isinstance(entry, Mapping)
        and entry.get("type") == "reasoning.encrypted"
        and entry.get("format") == FORMAT
        and isinstance(entry.get("data"), str)
        and entry["data"]
    ]
