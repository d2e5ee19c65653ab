"""Every recorded exchange in Ollama's own format: what is sent and what callers get, by the official types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import ModelMissing, StreamCut
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

RECORDED = corpus.recordings("ollama-chat")
if not RECORDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

ADAPTER = ADAPTERS["ollama"]
OURS = {"reasoning_content", "reasoning"}
SHORT = 4096  # bytes of a stream that is cut at every offset


def target(entry: dict[str, Any]) -> Target:
    return Target("home", "ollama", "ollama", "http://gpu.test:11434", entry["model"])


def recorded(stream: bool) -> list[Any]:
    return [
        pytest.param(entry, id=entry["id"]) for entry in RECORDED if entry["stream"] == stream and entry["status"] < 400
    ]


def stream_of(entry: dict[str, Any]) -> bytes:
    text: str = corpus.recording(entry)["response"]["sse_text"]
    return text.encode()


def parse(entry: dict[str, Any], *pieces: bytes) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target(entry))
    chunks = [chunk for piece in pieces for chunk in parser.feed(piece)]
    return chunks + parser.end()


def told(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {"text": "", "thinking": "", "calls": [], "finish": None, "usage": None}
    for chunk in chunks:
        out["usage"] = chunk.get("usage", out["usage"])
        for choice in chunk["choices"]:
            delta = choice["delta"]
            assert delta.get("reasoning") == delta.get("reasoning_content")
            out["text"] += delta.get("content") or ""
            out["thinking"] += delta.get("reasoning_content") or ""
            out["calls"] += [
                (call["function"]["name"], json.loads(call["function"]["arguments"]))
                for call in delta.get("tool_calls", ())
            ]
            out["finish"] = choice["finish_reason"] or out["finish"]
    return out


def recorded_words(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What the recorded lines say, read as the format's description has it."""
    last = lines[-1]
    said = [line["message"] for line in lines]
    calls = [call["function"] for message in said for call in message.get("tool_calls") or ()]
    prompt, completion = last.get("prompt_eval_count", 0), last.get("eval_count", 0)
    return {
        "text": "".join(message["content"] for message in said),
        "thinking": "".join(message.get("thinking", "") for message in said),
        "calls": [(call["name"], call["arguments"]) for call in calls],
        "finish": "tool_calls" if calls else last["done_reason"],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["id"]) for entry in RECORDED])
def test_a_recorded_request_said_in_openais_form_is_sent_as_it_was(entry: dict[str, Any]) -> None:
    asked = corpus.recording(entry)["request"]["json"]
    messages = []
    for message in asked["messages"]:
        calls = [
            {"function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
            for call in message.get("tool_calls", ())
        ]
        messages.append({**message, "tool_calls": calls} if calls else message)
    options = asked.get("options") or {}
    given = {"messages": messages, "tools": asked.get("tools") or [], **options}
    if asked.get("format"):
        given["response_format"] = {"type": "json_object"}
    rendered = ADAPTER.render(Call("chat", given, stream=entry["stream"]), target(entry))
    sent = json.loads(rendered.body)
    assert rendered.dropped == ()
    assert sent["messages"] == asked["messages"]
    assert sent["model"] == asked["model"]
    assert sent["stream"] == asked["stream"]
    for key in ("tools", "options", "format"):
        assert (sent.get(key) or None) == (asked.get(key) or None)


@pytest.mark.parametrize("entry", recorded(stream=False))
def test_a_whole_reply_validates_and_says_what_was_recorded(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["json"]
    got = ADAPTER.parse("chat", json.dumps(raw).encode(), target(entry))
    assert corpus.judge().validate_openai_response(got, OURS) == []
    as_chunk = {**got, "choices": [{**choice, "delta": choice["message"]} for choice in got["choices"]]}
    assert told([as_chunk]) == recorded_words([raw])


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_validates_and_says_what_was_recorded(entry: dict[str, Any]) -> None:
    data = stream_of(entry)
    chunks = parse(entry, data)
    assert told(chunks) == recorded_words([json.loads(line) for line in data.splitlines()])
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    assert corpus.judge().validate_openai_stream(events, allow_unknown=OURS, include_usage=True) == []


def strip_identity(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in chunk.items() if key != "id"} for chunk in chunks]


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_says_the_same_however_it_is_split(entry: dict[str, Any]) -> None:
    data = stream_of(entry)
    whole = strip_identity(parse(entry, data))
    offsets = range(len(data)) if len(data) < SHORT else range(0, len(data), max(1, len(data) // 500))
    for offset in offsets:
        assert strip_identity(parse(entry, data[:offset], data[offset:])) == whole
    assert strip_identity(parse(entry, *(data[at : at + 1] for at in range(len(data))))) == whole


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_that_ends_early_is_a_cut_wherever_it_ends(entry: dict[str, Any]) -> None:
    data = stream_of(entry).rstrip()
    for offset in [*range(0, len(data), max(1, len(data) // 500)), *range(len(data) - 200, len(data))]:
        with pytest.raises(StreamCut):
            parse(entry, data[:offset])


@pytest.mark.parametrize(
    "entry", [entry for entry in RECORDED if entry["status"] == 404], ids=lambda entry: entry["id"]
)
def test_a_model_that_was_not_pulled_is_missing(entry: dict[str, Any]) -> None:
    body = json.dumps(corpus.recording(entry)["response"]["json"]).encode()
    assert isinstance(ADAPTER.parse_error(404, {}, body, target(entry)), ModelMissing)


@pytest.mark.parametrize("entry", corpus.recordings("ollama-embed"), ids=lambda entry: entry["id"])
def test_recorded_embeddings_become_openais_list(entry: dict[str, Any]) -> None:
    held = corpus.recording(entry)
    asked, raw = held["request"]["json"], held["response"]["json"]
    rendered = ADAPTER.render(Call("embeddings", {key: asked[key] for key in ("input", "options")}), target(entry))
    assert (json.loads(rendered.body), rendered.dropped) == (asked, ())
    got = ADAPTER.parse("embeddings", json.dumps(raw).encode(), target(entry))
    assert [item["embedding"] for item in got["data"]] == raw["embeddings"]
    assert got["usage"] == {"prompt_tokens": raw["prompt_eval_count"], "total_tokens": raw["prompt_eval_count"]}
