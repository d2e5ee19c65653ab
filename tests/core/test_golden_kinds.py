"""Every kind of provider, in fixtures of our own: what it is sent, and that text, streams, tools, structured outputs
and errors of it are all looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.kinds import KINDS
from providers.wire import Target

GOLDEN = Path(__file__).resolve().parents[1] / "golden"

# One request with all that vendors take differently; each kind's request.json says what is sent of it.
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"harbour": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}}},
    "required": ["harbour"],
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
ASKED: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Answer like a pilot."},
        {
            "role": "user",
            "name": "ada",
            "content": [{"type": "text", "text": "Tide?"}, {"type": "image_url", "image_url": {"url": PIXEL}}],
        },
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "A call is needed.",
            "tool_calls": [
                {"id": "call:1", "type": "function", "function": {"name": "tide", "arguments": '{"harbour": "Brest"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call:1", "content": [{"type": "text", "text": "low at six"}]},
        {"role": "user", "content": "And tomorrow?"},
    ],
    "tools": [{"type": "function", "function": {"name": "tide", "parameters": SCHEMA, "strict": True}}],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "max_completion_tokens": 300,
    "temperature": 1.9,
    "top_p": 0.5,
    "seed": 7,
    "stop": ["END"],
    "presence_penalty": 0.5,
    "logit_bias": {"50256": -100},
    "reasoning_effort": "minimal",
    "metadata": {"trip": "12"},
    "user": "ada-7",
}
NO_CHAT = "answers no chat: see its embeddings and reranking"
LACKS = {
    ("perplexity", "tools"): "takes no tools",
    ("tei", "request"): NO_CHAT,
    ("tei", "text"): NO_CHAT,
    ("tei", "stream"): NO_CHAT,
    ("tei", "tools"): NO_CHAT,
    ("tei", "structured"): NO_CHAT,
}
STREAMS = {".sse", ".ndjson"}


def has(kind: str, feature: str) -> bool:
    names = [path for path in (GOLDEN / kind).glob("*") if not path.name.endswith(".expected.json")]
    if feature == "stream":
        return any(path.suffix in STREAMS for path in names)
    if feature == "text":
        others = ("tools", "structured", "error", "request", "embeddings", "rerank")
        return any(path.suffix == ".json" and not path.name.startswith(others) for path in names)
    return any(path.stem == feature for path in names)


@pytest.mark.parametrize("feature", ["request", "text", "stream", "tools", "structured", "error"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_looked_at_in_all_that_it_can_do(kind: str, feature: str) -> None:
    assert has(kind, feature) != ((kind, feature) in LACKS)


def goldens(name: str) -> list[Any]:
    return [pytest.param(path, id=path.parent.name) for path in sorted(GOLDEN.glob(f"*/{name}"))]


def target(path: Path, model: str = "asked-for") -> Target:
    kind = KINDS[path.parent.name]
    return Target("vendor", kind.name, kind.wire, "https://vendor.test", model, paths=kind.paths)


@pytest.mark.parametrize("path", goldens("request.json"))
def test_what_a_kind_is_sent(path: Path) -> None:
    golden = json.loads(path.read_text())
    there = target(path, golden["model"])
    form = {"type": "json_schema", "json_schema": {"name": "tides", "strict": True, "schema": SCHEMA}}
    for asked, stream in (("tools", True), ("structured", False)):
        body = ASKED if asked == "tools" else {"messages": ASKED["messages"][-1:], "response_format": form}
        rendered = ADAPTERS[there.wire].render(Call("chat", body, stream=stream), there)
        got = {"path": rendered.path, "sent": json.loads(rendered.body), "dropped": list(rendered.dropped)}
        assert got == golden[asked]


@pytest.mark.parametrize("path", goldens("error.json"))
def test_what_a_kinds_error_means(path: Path) -> None:
    golden = json.loads(path.read_text())
    body = golden["body"]
    payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    there = target(path)
    error = ADAPTERS[there.wire].parse_error(golden["status"], golden["headers"], payload, there)
    words = {name: getattr(error, name) for name in ("message", "type", "code", "param", "retry_after")}
    assert {"class": type(error).__name__, **words} == golden["means"]
