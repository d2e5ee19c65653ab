"""The openai adapter: what vendors write differently is mended on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.adapters.base import StreamParser
from providers.chat import Call
from providers.errors import MalformedReply, RequestRejected, ServerFailed
from providers.wire import Target

ADAPTER = ADAPTERS["openai"]


def target(kind: str = "openai-compatible", **more: Any) -> Target:
    return Target("vendor", kind, "openai", "https://vendor.test/v1", "river", **more)


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [*choices], **more}


def choice(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"index": index, "delta": delta or {}, "finish_reason": finish}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def opened(kind: str = "openai-compatible") -> StreamParser:
    return ADAPTER.open_stream("chat", target(kind))


def read(*events: Any, kind: str = "openai-compatible") -> list[dict[str, Any]]:
    parser = opened(kind)
    return parser.feed(sse(*events)) + parser.end()


def parse(raw: Any, kind: str = "openai-compatible") -> dict[str, Any]:
    payload = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return ADAPTER.parse("chat", payload, target(kind))


def whole(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"id": "w1", "created": 5, "model": "m", "choices": [choice(finish=finish) | {"message": message}], **more}


def test_names_of_a_stream_are_constant_and_made_up_where_missing() -> None:
    bare = {"choices": [choice({"content": "a"})]}
    chunks = read(bare, {"id": "late", "created": 9, **bare}, {"choices": [choice({}, "stop")]})
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
    assert chunks[0]["id"].startswith("chatcmpl-")
    assert chunks[0]["model"] == "river"
    assert chunks[0]["created"] > 1_000_000_000


def test_tool_calls_are_told_apart_without_index_and_named_once() -> None:
    def call(**parts: Any) -> dict[str, Any]:
        return chunk(choice({"tool_calls": [parts]}))

    chunks = read(
        call(id="a", function={"name": "f", "arguments": '{"x"'}),
        call(id="a", function={"name": "f", "arguments": ":1"}),
        call(function={"arguments": "}"}),
        call(id="b", function={"name": "g", "arguments": {"y": 2}}),
        chunk(choice({}, "tool_calls")),
    )
    deltas = [c["choices"][0]["delta"]["tool_calls"][0] for c in chunks[:-1]]
    assert deltas == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"'}},
        {"index": 0, "function": {"arguments": ":1"}},
        {"index": 0, "function": {"arguments": "}"}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": '{"y":2}'}},
    ]


def test_a_tool_call_waits_for_its_name_and_gets_an_id() -> None:
    chunks = read(
        chunk(choice({"tool_calls": [{"index": 3, "function": {"arguments": "{"}}]})),
        chunk(choice({"tool_calls": [{"index": 3, "id": "", "function": {"name": "f", "arguments": "}"}}]})),
        chunk(choice({}, "tool_calls")),
    )
    assert "tool_calls" not in chunks[0]["choices"][0]["delta"]
    [call] = chunks[1]["choices"][0]["delta"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert (call["index"], call["function"]) == (0, {"name": "f", "arguments": "{}"})
    with pytest.raises(MalformedReply):
        read(chunk(choice({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}, "tool_calls")))


def test_fragments_with_changing_ids_stay_one_call() -> None:
    chunks = read(
        chunk(choice({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":'}}]})),
        chunk(choice({"tool_calls": [{"index": 0, "id": "b", "function": {"name": "f", "arguments": "1}"}}]})),
        chunk(choice({}, "tool_calls")),
    )
    assert chunks[1]["choices"][0]["delta"]["tool_calls"] == [{"index": 0, "function": {"arguments": "1}"}}]


def test_what_types_forbid_is_left_out() -> None:
    got = parse(
        whole({"content": "a", "audio": None, "function_call": None}, service_tier="on_demand", obfuscation="x")
    )
    assert set(got) == {"id", "object", "created", "model", "choices"}
    assert got["choices"][0]["message"] == {"role": "assistant", "content": "a", "refusal": None}
    assert got["choices"][0]["logprobs"] is None
    assert parse(whole({"content": "a"}, service_tier="flex"))["service_tier"] == "flex"


def test_the_vendors_json_may_hold_what_strict_parsers_refuse() -> None:
    got = parse(
        b'{"choices": [{"message": {"content": "\\ud83d"}, "score": NaN}], "big": 123456789012345678901234567890}'
    )
    assert got["choices"][0]["message"]["content"] == "\ud83d"


def test_the_path_may_be_overridden_and_the_body_may_hold_huge_numbers() -> None:
    call = Call("chat", {"messages": [{"role": "user", "content": "\ud83d"}], "seed": 2**70})
    rendered = ADAPTER.render(call, target(paths={"chat": "/other"}))
    assert rendered.path == "/other"
    assert json.loads(rendered.body)["seed"] == 2**70
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(RequestRejected):
        ADAPTER.render(Call("chat", {"messages": [], "x": deep}), target())


def test_a_whole_message_after_deltas_is_not_said_again() -> None:
    """Perplexity, concise: the last event has no delta, and the message as it became."""
    last = {"index": 0, "message": {"role": "assistant", "content": "Yes"}, "finish_reason": "stop"}
    chunks = read(chunk(choice({"role": "assistant", "content": "Yes"})), chunk(last), kind="perplexity")
    assert [c["choices"][0]["delta"].get("content") for c in chunks] == ["Yes", None]


def test_an_error_of_a_choice_is_one_whatever_its_finish_reason() -> None:
    broken = choice({"content": ""}) | {"error": {"code": 502, "message": "gone"}}
    with pytest.raises(ServerFailed, match="gone"):
        read(chunk(choice({"content": "a"})), chunk(broken), chunk(choice({}, "stop")), kind="openrouter")


def test_counts_in_groqs_own_corner_are_read() -> None:
    counts = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "queue_time": 0.1}
    chunks = read(chunk(choice({"content": "a"})), chunk(choice({}, "stop"), x_groq={"id": "r", "usage": counts}))
    assert chunks[-1]["usage"] == counts


def test_chances_without_others_and_numbered_calls_are_as_the_official_types_have_them() -> None:
    said = {"content": [{"token": "a", "logprob": -0.5}]}
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
    raw = whole({"role": "assistant", "content": "a", "tool_calls": [call]}, "tool_calls")
    raw["choices"][0]["logprobs"] = said
    answer = parse(raw)["choices"][0]
    assert answer["logprobs"] == {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}]}
    assert "index" not in answer["message"]["tool_calls"][0]


def test_references_among_the_parts_of_content_are_passed_on() -> None:
    reference = {"type": "reference", "reference_ids": [1, 2]}
    parts = [{"type": "text", "text": "Low "}, reference, {"type": "text", "text": "at six"}]
    message = parse(whole({"role": "assistant", "content": parts}), "mistral")["choices"][0]["message"]
    assert (message["content"], message["citations"]) == ("Low at six", [reference])
    delta = read(chunk(choice({"content": parts})), chunk(choice({}, "stop")), kind="mistral")[0]["choices"][0]["delta"]
    assert (delta["content"], delta["citations"]) == ("Low at six", [reference])
