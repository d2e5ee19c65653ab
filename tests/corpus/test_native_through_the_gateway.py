"""Recorded exchanges in the vendors' own formats, replayed as upstreams of one real gateway.

The caller speaks OpenAI's format throughout. What the vendor gets validates by its own types and says what was
recorded; what the caller gets validates as OpenAI's and says what the vendor's own client reads from the recording.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from tests.core import corpus
from tests.core import test_corpus_anthropic as anthropic
from tests.core import test_corpus_cohere as cohere
from tests.core import test_corpus_gemini as gemini
from tests.running import RunningGateway

pytestmark = [pytest.mark.gateway, pytest.mark.corpus]

Chunks = list[dict[str, Any]]
OURS = {"reasoning", "reasoning_content", "reasoning_details", "extra_content", "google", "citations"}


@dataclass(frozen=True)
class Wire:
    """One format: how its recordings are served and judged. ``same_whole`` and ``same_stream`` compare an answer with
    what the vendor's own client reads."""

    kind: str
    base: str
    validator: str
    as_openai: Callable[[dict[str, Any]], dict[str, Any]]
    said: Callable[[dict[str, Any]], Any]
    same_whole: Callable[[dict[str, Any], dict[str, Any]], None]
    same_stream: Callable[[Chunks, str], None]


def anthropic_whole(got: dict[str, Any], raw: dict[str, Any]) -> None:
    (choice,) = got["choices"]
    ours = anthropic.ours(got, choice["message"], choice["finish_reason"], got["usage"])
    assert ours == anthropic.theirs(anthropic.sdk_message(raw))


def anthropic_stream(chunks: Chunks, text: str) -> None:
    assert anthropic.accumulate(chunks) == anthropic.theirs(anthropic.sdk_stream(text))


def gemini_whole(got: dict[str, Any], raw: dict[str, Any]) -> None:
    gemini.agree(gemini.ours(got["choices"], "message", got.get("usage")), gemini.theirs([raw]))


def gemini_stream(chunks: Chunks, text: str) -> None:
    events = [json.loads(data) for _, data in corpus.judge().sse_data(text)]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    gemini.agree(gemini.ours(choices, "delta", chunks[-1].get("usage")), gemini.theirs(events))


def cohere_whole(got: dict[str, Any], raw: dict[str, Any]) -> None:
    (choice,) = got["choices"]
    read = cohere.read(choice["message"])
    ours = {**read, "finish": choice["finish_reason"], "usage": cohere.figures(got.get("usage"))}
    assert ours == cohere.sdk_read(raw)


def cohere_stream(chunks: Chunks, text: str) -> None:
    assert cohere.accumulate(chunks) == cohere.sdk_stream(text)


WIRES = {
    "anthropic-messages": Wire(
        "anthropic", "", "validate_anthropic_request", anthropic.as_openai, anthropic.core,
        anthropic_whole, anthropic_stream,
    ),
    "gemini-generate": Wire(
        "google", "/v1beta", "validate_gemini_request", gemini.as_openai, gemini.said, gemini_whole, gemini_stream
    ),
    "cohere-v2-chat": Wire(
        "cohere", "", "validate_cohere_request", cohere.as_openai, lambda sent: cohere.said(sent["messages"]),
        cohere_whole, cohere_stream,
    ),
}  # fmt: skip
ITEMS = [
    (wire, entry) for wire in WIRES for entry in corpus.recordings(wire) if corpus.recording(entry)["request"]["json"]
]
WAYS = ("", "/opt:split=rand,seed=3", "/opt:split=1,crlf=1")


def provider_rows(replay: str) -> dict[str, Any]:
    rows = {}
    for number, (name, entry) in enumerate(ITEMS):
        for way, options in enumerate(WAYS if entry["stream"] else WAYS[:1]):
            rows[f"native-{number}-{way}"] = {
                "kind": WIRES[name].kind,
                "base_url": f"{replay}/replay/{entry['id']}{options}{WIRES[name].base}",
                "keyless": True,
                "models": {"recorded": {"upstream_name": entry["model"] or "m"}},
            }
    return rows


@pytest.mark.parametrize("number", range(len(ITEMS)), ids=[entry["id"] for _, entry in ITEMS])
def test_a_native_recording_says_the_same_through_the_gateway(
    number: int, gateway: RunningGateway, replay: str, validators: ModuleType
) -> None:
    name, entry = ITEMS[number]
    wire, recorded = WIRES[name], corpus.recording(entry)
    body = wire.as_openai(recorded["request"]["json"])
    if entry["stream"]:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    for way in range(len(WAYS) if entry["stream"] else 1):
        status, headers, raw = gateway.post({**body, "model": f"native-{number}-{way}/recorded"})
        if entry["status"] >= 400:
            check_error(entry, recorded, status, json.loads(raw), validators)
            continue
        assert status == 200, raw
        assert headers.get("x-gateway-dropped-params") is None
        check_answer(wire, entry, recorded, raw, validators)
    sent = last_sent(replay, entry["id"])
    assert getattr(validators, wire.validator)(sent) == []
    assert wire.said(sent) == wire.said(recorded["request"]["json"])


def check_answer(wire: Wire, entry: Any, recorded: Any, raw: bytes, validators: ModuleType) -> None:
    if not entry["stream"]:
        got, given = json.loads(raw), recorded["response"]["json"]
        assert validators.validate_openai_response(got, corpus.names_in(given) | OURS) == []
        wire.same_whole(got, given)
        return
    text = recorded["response"]["sse_text"]
    events = [json.loads(data) for _, data in validators.sse_data(text) if data.strip() != "[DONE]"]
    known = corpus.names_in(events) | OURS
    assert validators.validate_openai_stream(raw.decode(), known, include_usage=True, tool_finish=True) == []
    data = [data for _, data in validators.sse_data(raw.decode())]
    assert data.pop() == "[DONE]"
    wire.same_stream([json.loads(item) for item in data], text)


def check_error(entry: Any, recorded: Any, status: int, got: dict[str, Any], validators: ModuleType) -> None:
    """The vendor's words for what the caller did wrong; ours for what is between the gateway and the vendor."""
    given = recorded["response"]["json"]
    assert status == {400: 400, 422: 422, 404: 404, 429: 429}.get(entry["status"], 503)
    assert isinstance(got["error"]["message"], str)
    if status in (400, 422):
        words = given.get("error", given)
        assert got["error"]["message"][:15] == words["message"][:15]
    else:
        assert [attempt["status"] for attempt in got["error"]["attempts"]] == [entry["status"]]


def last_sent(replay: str, identifier: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{replay}/__log") as log:
        sent: dict[str, Any] = [entry["json"] for entry in json.load(log) if entry["id"] == identifier][-1]
    return sent
