"""The inbound transcriptions: a form's fields are checked by name; answers leave in the format that was asked for."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from gateway_project.api.dialects import transcriptions
from gateway_project.api.dialects.base import InvalidRequest
from providers.wire import Upload

SPEECH = Upload("a.mp3", "audio/mpeg", 3, io.BytesIO(b"abc"))


def test_fields_pass_as_they_are_and_ours_are_taken_out() -> None:
    fields: dict[str, Any] = {
        "model": "m", "provider": "acme", "stream": "True", "temperature": "0.2", "language": "fr",
        "timestamp_granularities[]": ["word"], "hotwords": "Etalab",
    }  # fmt: skip
    parsed = transcriptions.parse_request(fields, SPEECH)
    assert (parsed.model, parsed.provider, parsed.call.operation, parsed.call.stream) == (
        "m",
        "acme",
        "transcription",
        True,
    )
    assert parsed.call.upload is SPEECH
    assert parsed.call.body == {
        "temperature": "0.2", "language": "fr", "timestamp_granularities[]": ["word"], "hotwords": "Etalab",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": ["a", "b"]}, "model"),
        ({"file": "not a file"}, "file"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": "nan"}, "temperature"),
        ({"temperature": "-1"}, "temperature"),
        ({"temperature": ["0", "1"]}, "temperature"),
        ({"language": ["fr", "en"]}, "language"),
        ({"stream": "perhaps"}, "stream"),
        ({"stream": ["true", "true"]}, "stream"),
        ({"stream": "true", "response_format": "srt"}, "response_format"),
        ({"response_format": "yaml"}, "response_format"),
        ({"response_format": ["json", "text"]}, "response_format"),
        ({"provider": ["a", "b"]}, "provider"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        transcriptions.parse_request({"model": "m", **fields}, SPEECH)
    assert caught.value.param == param


@pytest.mark.parametrize("wanted", ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"])
def test_every_format_of_openais_can_be_asked_for(wanted: str) -> None:
    parsed = transcriptions.parse_request({"model": "m", "response_format": wanted}, SPEECH)
    assert parsed.call.body == {"response_format": wanted}


@pytest.mark.parametrize("upload", [None, Upload("a.mp3", "", 0, io.BytesIO())])
def test_a_missing_or_empty_file_is_named(upload: Upload | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        transcriptions.parse_request({"model": "m"}, upload)
    assert caught.value.param == "file"


@pytest.mark.parametrize(
    ("told", "wanted", "body", "media_type"),
    [
        ({"text": "Hi", "x": 1}, "json", {"text": "Hi", "x": 1}, "application/json"),
        ({"text": "Hi", "segments": []}, "verbose_json", {"text": "Hi", "segments": []}, "application/json"),
        ("Hi\n", "text", "Hi\n", "text/plain"),
        ({"text": "Hi"}, "text", "Hi\n", "text/plain"),
        ("WEBVTT\n\n", "vtt", "WEBVTT\n\n", "text/plain"),
        ("1\n00:00", "srt", "1\n00:00", "text/plain"),
        ({"text": "Hi"}, "srt", {"text": "Hi"}, "application/json"),
        ("Hi", "json", {"text": "Hi"}, "application/json"),
    ],
)
def test_an_answer_has_the_format_that_was_asked_for(told: Any, wanted: str, body: Any, media_type: str) -> None:
    content, given = transcriptions.render_response({"transcript": told}, wanted)
    assert given.split(";")[0] == media_type
    assert (json.loads(content) if media_type == "application/json" else content.decode()) == body
