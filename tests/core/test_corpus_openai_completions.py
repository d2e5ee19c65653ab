"""Every recorded exchange in OpenAI's legacy completions format: what we send and what callers get, by its types."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any

import pytest

from gateway_project.api.dialects import completions
from providers.adapters import ADAPTERS
from providers.chat import Call, choices_asked
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

RECORDED = corpus.recordings("openai-completions")
if not RECORDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

ENTRIES = [pytest.param(entry, id=entry["id"]) for entry in RECORDED if entry["status"] < 400]


def target(entry: dict[str, Any]) -> Target:
    return Target(entry["provider"], corpus.kind_of(entry["provider"]), "openai", "https://upstream.test/v1", "m")


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_was_asked_passes_and_is_sent(entry: dict[str, Any]) -> None:
    asked = corpus.recording(entry)["request"]["json"]
    parsed = completions.parse_request(asked)
    rendered = ADAPTERS["openai"].render(parsed.call, target(entry))
    assert isinstance(rendered.body, bytes)
    body = json.loads(rendered.body)
    given = {key: value for key, value in asked.items() if value is not None and key != "model"}
    assert {key: body.get(key) for key in given} == given


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if not entry.values[0]["stream"]])
def test_a_whole_answer_validates_and_says_the_same(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["json"]
    inner = ADAPTERS["openai"].parse("completions", json.dumps(raw).encode(), target(entry))
    told = json.loads(completions.render_response(inner))
    assert corpus.judge().validate_openai_completion_response(told, corpus.names_in(raw)) == []
    assert [choice["text"] for choice in told["choices"]] == [choice["text"] for choice in raw["choices"]]
    assert told.get("usage") == raw.get("usage")


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.values[0]["stream"]])
@pytest.mark.parametrize("way", ["whole", "split"])
def test_a_stream_validates_and_says_the_same(entry: dict[str, Any], way: str) -> None:
    exchange = corpus.recording(entry)
    raw = exchange["response"]["sse_text"].encode()
    parser = ADAPTERS["openai"].open_stream("completions", target(entry))
    parser.expected = choices_asked(Call("completions", exchange["request"]["json"]))
    cuts = [0, len(raw)] if way == "whole" else sorted({0, len(raw), *random.Random(1).sample(range(len(raw)), 50)})
    chunks: list[dict[str, Any]] = []
    for start, end in pairwise(cuts):
        chunks += parser.feed(raw[start:end])
    chunks += parser.end()
    told = [json.loads(completions.render_chunk(chunk, True).removeprefix(b"data: ")) for chunk in chunks]
    recorded = [json.loads(data) for _, data in corpus.judge().sse_data(raw.decode()) if data.startswith("{")]
    for chunk in told:
        assert corpus.judge().validate_openai_completion_chunk(chunk, corpus.names_in(recorded)) == []
    assert said(told) == said(recorded)


def said(chunks: list[dict[str, Any]]) -> dict[int, tuple[str, str]]:
    texts: dict[int, tuple[str, str]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            text, finish = texts.get(choice["index"], ("", ""))
            texts[choice["index"]] = (text + choice["text"], choice["finish_reason"] or finish)
    return texts
