"""Every recorded exchange in Anthropic's format: what we send and what callers get, by the official types."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import CredentialRejected, StreamCut
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

RECORDED = corpus.recordings("anthropic-messages")
if not RECORDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

OURS = {"reasoning_content", "reasoning", "reasoning_details", "citations"}
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "length",
}
ADAPTER = ADAPTERS["anthropic"]
MARKS = ("cache_control", "is_error", "title", "caller")


def target(entry: dict[str, Any]) -> Target:
    return Target(
        entry["provider"], "anthropic", "anthropic", "https://upstream.test", entry["model"] or "claude-sonnet-4-5"
    )


def recorded(*, stream: bool | None = None, errors: bool = False) -> list[Any]:
    return [
        pytest.param(entry, id=entry["id"])
        for entry in RECORDED
        if (entry["status"] >= 400) == errors and (stream is None or entry["stream"] == stream)
    ]


# The request: the same conversation in OpenAI's words


def as_openai(asked: dict[str, Any]) -> dict[str, Any]:
    """A recorded request → the same in OpenAI's format."""
    messages: list[dict[str, Any]] = []
    system = asked.get("system")
    if system:
        messages.append({"role": "system", "content": system})
    for message in asked["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        messages += as_assistant(blocks) if message["role"] == "assistant" else as_user(blocks)
    out = {"messages": messages, "max_tokens": asked["max_tokens"]}
    for name, ours in (("temperature", "temperature"), ("top_p", "top_p"), ("stop_sequences", "stop")):
        if name in asked:
            out[ours] = asked[name]
    if asked.get("tools"):
        out["tools"] = [as_tool(tool) for tool in asked["tools"]]
    if asked.get("tool_choice"):
        out["tool_choice"] = asked["tool_choice"]["type"]
    if asked.get("thinking", {}).get("type") == "enabled":
        out["reasoning_effort"] = "low" if asked["thinking"]["budget_tokens"] < 4000 else "high"
    config = asked.get("output_config", {}).get("format")
    if config:
        out["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": config["schema"]}}
    return out


def as_tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool:
        return tool
    function = {"name": tool["name"], "parameters": tool["input_schema"]}
    if "description" in tool:
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def as_assistant(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    thoughts = [
        {"type": "reasoning.text", "text": block["thinking"], "signature": block["signature"], "index": index}
        for index, block in enumerate(blocks)
        if block["type"] == "thinking"
    ]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
        }
        for block in blocks
        if block["type"] == "tool_use"
    ]
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if thoughts:
        message["reasoning_details"] = thoughts
    return [{**message, "tool_calls": calls} if calls else message]


def as_user(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = []
    parts = []
    for block in blocks:
        if block["type"] == "tool_result":
            out.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": block["content"]})
        elif block["type"] == "text":
            parts.append(block)
        else:
            source = block["source"]
            url = source.get("url") or f"data:{source['media_type']};base64,{source['data']}"
            image = {"type": "image_url", "image_url": {"url": url}}
            parts.append(image if block["type"] == "image" else {"type": "file", "file": {"file_data": url}})
    return out + ([{"role": "user", "content": parts}] if parts else [])


def core(body: dict[str, Any]) -> list[Any]:
    """Turns as both sides must agree on: text as blocks, without marks, defaults and names of files."""
    turns = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kept = []
        for block in blocks:
            block = {key: value for key, value in block.items() if key not in MARKS}
            if isinstance(block.get("content"), list):
                block["content"] = "".join(part["text"] for part in block["content"])
            kept.append(block)
        turns.append((message["role"], kept))
    return turns


@pytest.mark.parametrize("entry", recorded())
def test_what_is_sent_validates_and_says_what_was_recorded(entry: dict[str, Any]) -> None:
    asked = corpus.recording(entry)["request"]["json"]
    if asked is None:
        pytest.skip("only the answer was recorded")
    rendered = ADAPTER.render(Call("chat", as_openai(asked), stream=entry["stream"]), target(entry))
    sent = json.loads(rendered.body)
    assert corpus.judge().validate_anthropic_request(sent) == []
    assert rendered.headers["anthropic-version"] == "2023-06-01"
    assert core(sent) == core(asked)
    assert sent["max_tokens"] == asked["max_tokens"]
    assert sent.get("stop_sequences") == asked.get("stop_sequences")
    assert [tool["name"] for tool in sent.get("tools", [])] == [tool["name"] for tool in asked.get("tools", [])]
    assert ("thinking" in sent) == ("thinking" in asked)
    assert sent.get("output_config") == asked.get("output_config")
    assert rendered.dropped == ()


# The answer


def sdk_message(raw: Any) -> dict[str, Any]:
    from anthropic._models import construct_type
    from anthropic.types import Message

    return construct_type(value=raw, type_=Message).model_dump(warnings=False)


def sdk_stream(text: str) -> dict[str, Any]:
    """As the official SDK accumulates it."""
    from anthropic._models import construct_type
    from anthropic.lib.streaming._messages import accumulate_event
    from anthropic.types import RawMessageStreamEvent

    snapshot = None
    buffers: Any = {}
    for name, data in corpus.judge().sse_data(text):
        if name == "ping":
            continue
        event = construct_type(value=json.loads(data), type_=RawMessageStreamEvent)
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    return snapshot.model_dump(warnings=False)


def theirs(message: dict[str, Any]) -> dict[str, Any]:
    blocks, usage = message["content"], message["usage"]
    cached, written = usage["cache_read_input_tokens"] or 0, usage["cache_creation_input_tokens"] or 0
    prompt = usage["input_tokens"] + cached + written
    thinking = [block for block in blocks if block["type"] == "thinking"]
    return {
        "id": message["id"],
        "model": message["model"],
        "content": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "reasoning": "".join(block["thinking"] for block in thinking),
        "signatures": [block["signature"] for block in thinking],
        "calls": [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
        "citations": [item for block in blocks for item in block.get("citations") or ()],
        "finish": FINISH[message["stop_reason"]],
        "usage": (prompt, usage["output_tokens"], prompt + usage["output_tokens"], cached, written),
        "thought": (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
    }


def ours(head: dict[str, Any], message: dict[str, Any], finish: str, usage: dict[str, Any]) -> dict[str, Any]:
    details = usage["prompt_tokens_details"]
    counts = tuple(usage[f"{name}_tokens"] for name in ("prompt", "completion", "total"))
    return {
        "id": head["id"],
        "model": head["model"],
        "content": message.get("content") or "",
        "reasoning": message.get("reasoning_content", ""),
        "signatures": [detail["signature"] for detail in message.get("reasoning_details", ())],
        "calls": [
            (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in message.get("tool_calls", ())
        ],
        "citations": message.get("citations", []),
        "finish": finish,
        "usage": (*counts, details["cached_tokens"], details["cache_write_tokens"]),
        "thought": usage.get("completion_tokens_details", {}).get("reasoning_tokens"),
    }


@pytest.mark.parametrize("entry", recorded(stream=False))
def test_a_whole_reply_validates_and_says_what_the_official_client_reads(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["json"]
    got = ADAPTER.parse("chat", json.dumps(raw).encode(), target(entry))
    assert corpus.judge().validate_openai_response(got, OURS) == []
    choice = got["choices"][0]
    assert ours(got, choice["message"], choice["finish_reason"], got["usage"]) == theirs(sdk_message(raw))


def parse(entry: dict[str, Any], pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target(entry))
    chunks = [chunk for piece in pieces for chunk in parser.feed(piece)]
    return chunks + parser.end()


def accumulate(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "tool_calls": []}
    finish = ""
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            for key in ("content", "reasoning_content"):
                message[key] += delta.get(key) or ""
            for key in ("reasoning_details", "citations"):
                message[key] = message.get(key, []) + delta.get(key, [])
            for call in delta.get("tool_calls", ()):
                if "id" in call:
                    message["tool_calls"].append(json.loads(json.dumps(call)))
                else:
                    function = message["tool_calls"][call["index"]]["function"]
                    function["arguments"] += call["function"]["arguments"]
            finish = choice["finish_reason"] or finish
    return ours(chunks[0], message, finish, chunks[-1]["usage"])


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_validates_and_says_what_the_official_client_reads(entry: dict[str, Any]) -> None:
    text = corpus.recording(entry)["response"]["sse_text"]
    chunks = parse(entry, [text.encode()])
    for include_usage in (True, False):
        shown = [chunk for chunk in chunks if include_usage or chunk["choices"]]
        sse = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in shown) + "data: [DONE]\n\n"
        judge = corpus.judge()
        assert judge.validate_openai_stream(sse, OURS, include_usage=include_usage, tool_finish=True) == []
    assert accumulate(chunks) == theirs(sdk_stream(text))


def steady(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in chunk.items() if key != "created"} for chunk in chunks]


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_cut_anywhere_is_the_same_stream(entry: dict[str, Any]) -> None:
    payload = corpus.recording(entry)["response"]["sse_text"].encode()
    crlf = payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    whole = steady(parse(entry, [payload]))
    for data in (payload, crlf):
        if len(data) < 2500:
            places = range(len(data))
            ways = [[data[:place], data[place:]] for place in places] + [[data[at : at + 1] for at in places]]
        else:
            chance = random.Random(5)
            cuts = [
                sorted(chance.randrange(len(data)) for _ in range(count)) for count in (1, 1, 3, 40, 400, len(data))
            ]
            ways = [[data[a:b] for a, b in zip([0, *cut], [*cut, len(data)], strict=True)] for cut in cuts]
        for pieces in ways:
            assert steady(parse(entry, pieces)) == whole


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_that_breaks_before_its_stop_reason_is_cut_wherever_it_breaks(entry: dict[str, Any]) -> None:
    payload = corpus.recording(entry)["response"]["sse_text"].encode()
    last = payload.index(b"event: message_delta")
    chance = random.Random(7)
    for place in {0, last, *(chance.randrange(last) for _ in range(40))}:
        with pytest.raises(StreamCut):
            parse(entry, [payload[:place]])


@pytest.mark.parametrize("entry", recorded(errors=True))
def test_an_error_becomes_its_class_and_keeps_the_vendors_words(entry: dict[str, Any]) -> None:
    response = corpus.recording(entry)["response"]
    headers = {name.lower(): value for name, value in response["headers"].items()}
    error = ADAPTER.parse_error(entry["status"], headers, json.dumps(response["json"]).encode(), target(entry))
    assert type(error) is {401: CredentialRejected}[entry["status"]]
    said = response["json"]["error"]
    assert (error.message, error.type) == (said["message"], said["type"])
