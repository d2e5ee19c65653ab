"""Transcriptions at each vendor: the form that is sent, whole answers, streams in three manners."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call, has_content
from providers.errors import MalformedReply, ServerFailed, StreamCut, Unsupported, UpstreamError
from providers.kinds import KINDS
from providers.operations import speaks
from providers.wire import FileBody, Rendered, Target, Upload
from tests.core import corpus

DELTA, DONE = "transcript.text.delta", "transcript.text.done"


def target(kind: str = "openai") -> Target:
    return Target("vendor", kind, KINDS[kind].wire, "https://vendor.test/v1", "river", paths=KINDS[kind].paths)


def render(kind: str, stream: bool = False, **body: Any) -> tuple[Rendered, list[tuple[str, str]]]:
    """What is sent, and its fields as a plain reader finds them."""
    upload = Upload("a.mp3", "audio/mpeg", 5, io.BytesIO(b"sound"))
    call = Call("transcription", body, stream, upload=upload)
    rendered = ADAPTERS[KINDS[kind].wire].render(call, target(kind))
    assert isinstance(rendered.body, FileBody)
    raw = b"".join(rendered.body).decode()
    parts = [part.strip("\r\n").split("\r\n\r\n", 1) for part in raw.split(raw[: raw.index("\r\n")])[1:-1]]
    return rendered, [(head.split('name="')[1].split('"')[0], value) for head, value in parts]


def parse(raw: Any, kind: str = "openai") -> dict[str, Any]:
    payload = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return ADAPTERS[KINDS[kind].wire].parse("transcription", payload, target(kind))


def read(raw: bytes, kind: str = "openai", size: int = 1) -> list[dict[str, Any]]:
    parser = ADAPTERS[KINDS[kind].wire].open_stream("transcription", target(kind))
    chunks: list[dict[str, Any]] = []
    for start in range(0, len(raw), size):
        chunks += parser.feed(raw[start : start + size])
    return chunks + parser.end()


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\r\n\r\n" for e in events)


def test_the_form_is_the_callers_with_the_upstreams_model() -> None:
    more = {"timestamp_granularities[]": ["word", "segment"]}
    rendered, fields = render("vllm", language="fr", hotwords="Etalab", **more)
    assert rendered.path == "/audio/transcriptions"
    assert rendered.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert fields == [
        ("model", "river"),
        ("language", "fr"),
        ("hotwords", "Etalab"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("file", "sound"),
    ]


def test_a_stream_is_asked_for_by_a_field() -> None:
    rendered, fields = render("openai", stream=True)
    assert ("stream", "true") in fields
    assert "text/event-stream" in rendered.headers["Accept"]


def test_mistral_is_told_in_its_own_names() -> None:
    rendered, fields = render(
        "mistral", prompt="x", response_format="text", **{"timestamp_granularities[]": ["segment"]}
    )
    assert ("timestamp_granularities", "segment") in fields
    assert rendered.dropped == ("prompt",)
    with pytest.raises(Unsupported) as caught:
        render("mistral", response_format="vtt")
    assert caught.value.param == "response_format"


def test_cohere_gets_language_and_the_file_last() -> None:
    rendered, fields = render("cohere", language="fr", prompt="x", response_format="text")
    assert rendered.path == "/v2/audio/transcriptions"
    assert fields == [("model", "river"), ("language", "fr"), ("file", "sound")]
    assert rendered.dropped == ("prompt",)


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "language"), ({"language": "fr", "response_format": "srt"}, "response_format")],
)
def test_what_cohere_cannot_do_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        render("cohere", **body)
    assert caught.value.param == param


@pytest.mark.parametrize("kind", ["anthropic", "google", "deepseek", "perplexity", "ai21", "cerebras", "qwen"])
def test_vendors_that_hear_nothing_are_not_asked(kind: str) -> None:
    assert not speaks(target(kind), "transcription")


@pytest.mark.parametrize(
    ("usage", "told", "tokens"),
    [
        (None, None, None),
        ({"type": "duration", "seconds": 9}, {"type": "duration", "seconds": 9}, None),
        ({"seconds": 9}, {"type": "duration", "seconds": 9}, None),
        (
            {"type": "tokens", "input_tokens": 37, "output_tokens": 12, "total_tokens": 49},
            {"type": "tokens", "input_tokens": 37, "output_tokens": 12, "total_tokens": 49},
            (37, 12, 49),
        ),
        (
            {"prompt_audio_seconds": 9, "prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9},
            {
                "type": "tokens", "prompt_audio_seconds": 9, "prompt_tokens": 4, "completion_tokens": 5,
                "total_tokens": 9, "input_tokens": 4, "output_tokens": 5,
            },
            (4, 5, 9),
        ),
        ({"prompt_tokens": 0, "total_tokens": 0}, {"prompt_tokens": 0, "total_tokens": 0}, None),
    ],
)  # fmt: skip
def test_usage_is_told_as_openai_does_and_seconds_are_no_tokens(usage: Any, told: Any, tokens: Any) -> None:
    body = parse({"text": "Hi", **({} if usage is None else {"usage": usage})})
    assert body["transcript"].get("usage") == told
    counted = body.get("usage")
    words = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert (counted and tuple(counted[word] for word in words)) == tokens


def test_a_whole_reply_passes_with_all_that_it_says() -> None:
    raw = {"text": "Hi", "language": "english", "duration": 1.5, "segments": [{"id": 0, "text": "Hi"}], "words": []}
    body = parse(raw)
    assert body["transcript"] == raw
    assert body["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("raw", [b"WEBVTT\n\n00:00 --> 00:01\nHi\n", b"1\n00:00,0 --> 1\nHi\n", b"Hi\n", b""])
def test_a_text_file_passes_as_it_is(raw: bytes) -> None:
    assert parse(raw)["transcript"] == raw.decode()


@pytest.mark.parametrize(
    "raw", [b"<html><body>502</body></html>", b"<!DOCTYPE html>", b'{"text": null}', b'{"a": 1}', b'{"te']
)
def test_a_reply_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedReply):
        parse(raw)


def test_an_error_in_a_200_is_one() -> None:
    with pytest.raises(UpstreamError):
        parse({"error": {"message": "overloaded", "code": 503}})


def test_openais_events_pass_at_any_split() -> None:
    usage = {"type": "tokens", "input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    events = [
        {"type": DELTA, "delta": "Hel", "logprobs": [{"token": "Hel"}]},
        {"type": DELTA, "delta": "lo"},
        {"type": DONE, "text": "Hello", "usage": usage},
    ]
    chunks = read(sse(*events, b"[DONE]"))
    assert [chunk["transcript"] for chunk in chunks] == events
    assert [has_content(chunk) for chunk in chunks] == [True, True, False]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["prompt_tokens"] == 3


def test_mistrals_events_come_out_as_openais() -> None:
    chunks = read(
        sse(
            {"type": "transcription.language", "audio_language": "en"},
            {"type": "transcription.text.delta", "text": "Hello"},
            {"type": "transcription.segment", "text": "Hello", "start": 0.0, "end": 1.0, "speaker_id": "A"},
            {
                "type": "transcription.done", "text": "Hello", "model": "voxtral", "language": "en",
                "usage": {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9, "prompt_audio_seconds": 9},
            },
        )
    )  # fmt: skip
    delta, segment, done = (chunk["transcript"] for chunk in chunks)
    assert delta == {"type": DELTA, "delta": "Hello"}
    assert (segment["type"], segment["speaker"], segment["end"]) == ("transcript.text.segment", "A", 1.0)
    assert (done["type"], done["text"], done["usage"]["input_tokens"]) == (DONE, "Hello", 4)
    assert chunks[-1]["usage"]["completion_tokens"] == 5


def test_vllms_chunks_come_out_as_openais() -> None:
    head = {"id": "trsc-1", "object": "transcription.chunk", "created": 5, "model": "whisper"}
    choices = [{"delta": {"content": "Hel"}}, {"delta": {"content": "lo"}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    events = [{**head, "choices": [choice]} for choice in choices]
    chunks = read(sse(*events, {**head, "choices": [], "usage": usage}, b"[DONE]"), kind="vllm")
    assert [chunk["transcript"] for chunk in chunks] == [
        {"type": DELTA, "delta": "Hel"},
        {"type": DELTA, "delta": "lo"},
        {
            "type": DONE, "text": "Hello",
            "usage": {"type": "tokens", **usage, "input_tokens": 1, "output_tokens": 2},
        },
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["openai", "cohere"])
def test_a_server_that_does_not_stream_is_told_as_a_stream(kind: str) -> None:
    usage = {"type": "duration", "seconds": 9}
    chunks = read(json.dumps({"text": "Hello", "usage": usage}).encode(), kind=kind)
    assert [chunk["transcript"] for chunk in chunks] == [
        {"type": DELTA, "delta": "Hello"},
        {"type": DONE, "text": "Hello", "usage": usage},
    ]


def test_silence_is_an_answer() -> None:
    (done,) = read(sse({"type": DONE, "text": ""}))
    assert done["transcript"] == {"type": DONE, "text": ""}


def test_a_stream_without_its_end_was_cut_and_an_error_in_it_is_one() -> None:
    with pytest.raises(StreamCut):
        read(sse({"type": DELTA, "delta": "Hel"}))
    with pytest.raises(StreamCut):
        read(sse({"type": DELTA, "delta": "Hel"}, b"[DONE]"))
    with pytest.raises(ServerFailed):
        read(sse({"type": DELTA, "delta": "Hel"}, {"error": {"message": "overloaded", "code": 503}}))
    with pytest.raises(MalformedReply):
        read(sse([1]))


@pytest.mark.corpus
@pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry["id"]) for entry in corpus.recordings("openai-transcriptions")]
)
def test_a_recorded_stream_says_the_same(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["sse_text"]
    recorded = [json.loads(data) for _, data in corpus.judge().sse_data(raw) if data.startswith("{")]
    chunks = read(raw.encode(), corpus.kind_of(entry["provider"]), size=7)
    assert [chunk["transcript"] for chunk in chunks] == recorded
