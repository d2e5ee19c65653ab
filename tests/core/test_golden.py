"""What vendors of each kind answer, in small fixtures of our own → what a client gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.kinds import KINDS
from providers.wire import Target

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
VECTORS = ("embeddings", "rerank")  # read in test_adapters_vectors
OF_KINDS = ("request", "error")  # read in test_golden_kinds
FINISHES = {"stop", "length", "tool_calls", "content_filter", "function_call"}


def fixtures(suffix: str) -> list[Any]:
    paths = [path for path in sorted(GOLDEN.glob(f"*/*{suffix}")) if not path.name.endswith(".expected.json")]
    paths = [path for path in paths if not path.name.startswith((*VECTORS, *OF_KINDS))]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in paths]


def target(path: Path) -> Target:
    kind = KINDS[path.parent.name]
    return Target("vendor", kind.name, kind.wire, "https://vendor.test/v1", "asked-for")


def expected(path: Path) -> Any:
    return json.loads(path.with_suffix("").with_suffix(".expected.json").read_text())


def accumulate(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """What a simple client has at the end; checks on the way what OpenAI's streams promise."""
    choices: dict[str, Any] = {}
    usage = None
    for chunk in chunks:
        assert chunk["object"] == "chat.completion.chunk"
        assert isinstance(chunk["created"], int)
        assert usage is None, "usage comes last"
        usage = chunk.get("usage")
        assert (usage is None) == bool(chunk["choices"])
        for choice in chunk["choices"]:
            delta = choice["delta"]
            state = choices.get(str(choice["index"]))
            assert (delta.get("role") == "assistant") == (state is None), "the role comes once, first"
            if state is None:
                state = choices[str(choice["index"])] = {"content": "", "reasoning": "", "calls": [], "finish": None}
            assert state["finish"] is None, "nothing comes after the finish reason"
            assert delta.get("reasoning_content") == delta.get("reasoning")
            state["content"] += delta.get("content") or ""
            state["reasoning"] += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls", ()):
                if call["index"] == len(state["calls"]):
                    assert call["id"]
                    assert call["type"] == "function"
                    state["calls"].append({"name": call["function"]["name"], "arguments": ""})
                else:
                    assert not {"id", "type"} & set(call)
                    assert "name" not in call["function"]
                state["calls"][call["index"]]["arguments"] += call["function"]["arguments"]
            state["finish"] = choice["finish_reason"]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert all(state["finish"] in FINISHES for state in choices.values())
    return {"choices": choices, "usage": usage}


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("path", [*fixtures(".sse"), *fixtures(".ndjson")])
def test_a_vendors_stream_comes_out_as_openais_at_any_split(path: Path, size: int) -> None:
    payload = path.read_bytes()
    parser = ADAPTERS[target(path).wire].open_stream("chat", target(path))
    chunks: list[dict[str, Any]] = []
    for start in range(0, len(payload), size):
        chunks += parser.feed(payload[start : start + size])
    chunks += parser.end()
    assert accumulate(chunks) == expected(path)
    assert parser.done
    assert not any("obfuscation" in chunk for chunk in chunks)


@pytest.mark.parametrize("path", fixtures(".json"))
def test_a_vendors_whole_reply_comes_out_as_openais(path: Path) -> None:
    got = ADAPTERS[target(path).wire].parse("chat", path.read_bytes(), target(path))
    assert (got["object"], bool(got["id"]), bool(got["created"])) == ("chat.completion", True, True)
    choices = {}
    for choice in got["choices"]:
        message = choice["message"]
        assert {"content", "refusal"} <= set(message)
        assert "logprobs" in choice
        assert "delta" not in choice
        assert message.get("tool_calls") != []
        assert message.get("reasoning") == message.get("reasoning_content")
        calls = message.get("tool_calls", [])
        assert all(isinstance(call["id"], str) and call["id"] for call in calls)
        choices[str(choice["index"])] = {
            "content": message["content"] or "",
            "reasoning": message.get("reasoning_content", ""),
            "calls": [{key: call["function"][key] for key in ("name", "arguments")} for call in calls],
            "finish": choice["finish_reason"],
        }
    assert {"choices": choices, "usage": got.get("usage")} == expected(path)


def test_unknown_keys_of_a_vendor_pass() -> None:
    path = GOLDEN / "perplexity" / "whole.json"
    assert ADAPTERS["openai"].parse("chat", path.read_bytes(), target(path))["citations"] == ["https://a.example"]
    path = GOLDEN / "openai-compatible" / "azure.sse"
    parser = ADAPTERS["openai"].open_stream("chat", target(path))
    first = parser.feed(path.read_bytes())[0]
    assert first["prompt_filter_results"] == [{"prompt_index": 0}]
    assert first["choices"][0]["content_filter_results"] == {}
