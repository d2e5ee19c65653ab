"""Cohere's transcriptions, outbound: ``POST /v2/audio/transcriptions``, answered by JSON with a ``text`` alone. ◇"""

from __future__ import annotations

from typing import Any

from providers.adapters.openai_transcripts import check_format, rendered_form, unsupported
from providers.chat import Call
from providers.wire import Rendered, Target

TAKES = ("language", "temperature")


def render_transcription(call: Call, target: Target, path: str) -> Rendered:
    """The form. Raises ``Unsupported`` (400): without a language, and for formats with times."""
    body = call.body
    check_format(call, target)
    if not body.get("language"):
        raise unsupported("language", f"'{target.upstream_model}' needs to be told the 'language' of the speech.")
    fields: dict[str, Any] = {"model": target.upstream_model, **{key: body[key] for key in TAKES if key in body}}
    dropped = tuple(key for key in body if key not in TAKES and key != "response_format")
    return rendered_form(fields, call, path, dropped)
