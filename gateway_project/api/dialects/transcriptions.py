"""OpenAI's audio transcriptions, inbound: a form with a file in; JSON, a text file or a stream of events out. ◇

The inner form of answers is chat's, with what the caller is told under ``transcript``. Source: OpenAI API reference,
audio transcriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest, Parsed, missing, wrong_type
from gateway_project.api.dialects.openai import dumps, render_end, render_error, render_stream_error
from gateway_project.api.dialects.parameters import GATEWAY_KEYS, TEXT, Parameter, Parameters, one_of, read_parameters
from providers.answers import TEXT_FILES
from providers.chat import Call
from providers.wire import Upload

__all__ = ["parse_request", "render_chunk", "render_end", "render_error", "render_response", "render_stream_error"]

FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
STREAMED = frozenset({"json", "diarized_json"})
SWITCHES = {"true": True, "1": True, "false": False, "0": False, "": False}


def _number(value: Any) -> bool:
    try:
        return 0 <= float(value) < float("inf")
    except ValueError:
        return False


SWITCH = Parameter(TEXT.fits, "true or false", lambda value: value.lower() in SWITCHES)
PARAMETERS: Parameters = {
    "language": TEXT,
    "prompt": TEXT,
    "response_format": one_of(*FORMATS),
    "stream": SWITCH,
    "temperature": Parameter(TEXT.fits, "a number of at least 0", _number),
}


def parse_request(fields: Mapping[str, str | list[str]], upload: Upload | None) -> Parsed:
    """A form's fields and its file → ``Parsed``. Raises ``InvalidRequest`` naming the field."""
    body, model, provider = read_parameters(dict(fields), PARAMETERS)
    if "file" in body:
        raise wrong_type("file", "a file with a filename")
    if upload is None:
        raise missing("file")
    if not upload.size:
        raise InvalidRequest("The file given as 'file' is empty.", "file", "invalid_value")
    stream = SWITCHES[body.get("stream", "").lower()]
    if stream and body.get("response_format", "json") not in STREAMED:
        message = f"'stream' cannot be combined with a response_format of '{body['response_format']}'."
        raise InvalidRequest(message, "response_format", "unsupported_value")
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    return Parsed(model, provider, Call("transcription", inner, stream, upload=upload))


def render_response(answer: Mapping[str, Any], wanted: str = "json") -> tuple[bytes, str]:
    """A whole reply, inner form → (body, media type), as the ``response_format`` that was ``wanted``.

    A vendor that answers JSON to who asked for subtitles is passed on as it is.
    """
    told = answer["transcript"]
    if wanted == "text" and not isinstance(told, str):
        told = told["text"] + "\n"
    if isinstance(told, str) and wanted in TEXT_FILES:
        return told.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    return dumps({"text": told} if isinstance(told, str) else told), "application/json"


def render_chunk(chunk: Mapping[str, Any], include_usage: bool) -> bytes:
    """One inner chunk → one event."""
    return b"data: " + dumps(chunk["transcript"]) + b"\n\n"
