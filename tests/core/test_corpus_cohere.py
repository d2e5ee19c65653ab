"""Every recorded exchange in Cohere's chat format: what is sent and what callers get, by the official types."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

RECORDED = corpus.recordings("cohere-v2-chat")
if not RECORDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

ADAPTER = ADAPTERS["cohere"]
OURS = {"reasoning_content", "reasoning", "reasoning_details"}
FINISHES = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}


def target(entry: dict[str, Any]) -> Target:
    return Target("cohere", "cohere", "cohere", "https://vendor.test", entry["model"])


def recorded(stream: bool) -> list[Any]:
    return [
        pytest.param(entry, id=entry["id"]) for entry in RECORDED if entry["stream"] == stream and entry["status"] < 400
    ]


EVERY = [pytest.param(entry, id=entry["id"]) for entry in RECORDED]


# Requests


def as_openai(asked: dict[str, Any]) -> dict[str, Any]:
    """A recorded request of Cohere's in the inner form."""
    names = {"p": "top_p", "k": "top_k", "stop_sequences": "stop"}
    given = {names.get(key, key): value for key, value in asked.items() if key not in ("model", "stream", "messages")}
    given["messages"] = [message_as_openai(message) for message in asked["messages"]]
    choice, form = given.get("tool_choice"), given.get("response_format") or {}
    if choice:
        given["tool_choice"] = choice.lower()
    if form.get("json_schema"):
        given["response_format"] = {"type": "json_schema", "json_schema": {"name": "r", "schema": form["json_schema"]}}
    return given


def message_as_openai(message: dict[str, Any]) -> dict[str, Any]:
    out = {key: value for key, value in message.items() if key != "tool_plan"}
    if message.get("tool_plan"):
        out["reasoning_content"] = message["tool_plan"]
    if message["role"] == "assistant" and isinstance(message.get("content"), list):
        out["reasoning_content"] = joined(message, "thinking") or out.get("reasoning_content")
        out["content"] = joined(message, "text") or None
    return out


def joined(message: dict[str, Any], kind: str) -> str:
    parts = message.get("content") or []
    if isinstance(parts, str):
        return parts if kind == "text" else ""
    return "".join(part.get(kind) or "" for part in parts if part["type"] == kind)


def said(messages: list[dict[str, Any]]) -> list[Any]:
    """What a conversation says, however its parts are cut."""
    return [
        (
            message["role"],
            joined(message, "text"),
            joined(message, "thinking") or message.get("tool_plan") or "",
            [part for part in message.get("content") or [] if isinstance(part, dict) and part["type"] == "image_url"],
            [part for part in message.get("content") or [] if isinstance(part, dict) and part["type"] == "document"],
            message.get("tool_calls") or [],
            message.get("tool_call_id"),
        )
        for message in messages
    ]


@pytest.mark.parametrize("entry", EVERY)
def test_a_recorded_request_said_in_openais_form_is_sent_as_it_was(entry: dict[str, Any]) -> None:
    asked = corpus.recording(entry)["request"]["json"]
    given = as_openai(asked)
    before = json.dumps(given)
    rendered = ADAPTER.render(Call("chat", given, stream=entry["stream"]), target(entry))
    sent = json.loads(rendered.body)
    assert json.dumps(given) == before
    assert rendered.dropped == ()
    assert rendered.path == "/v2/chat"
    assert corpus.judge().validate_cohere_request(sent) == []
    assert said(sent["messages"]) == said(asked["messages"])
    rest = {key: value for key, value in asked.items() if key != "messages" and value is not None}
    assert {key: value for key, value in sent.items() if key != "messages"} == rest


# Replies


def read(message: dict[str, Any]) -> dict[str, Any]:
    calls = message.get("tool_calls") or []
    return {
        "content": message.get("content") or "",
        "reasoning": message.get("reasoning_content") or "",
        "citations": message.get("citations") or [],
        "calls": [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls],
    }


def sdk_read(raw: dict[str, Any]) -> dict[str, Any]:
    """As Cohere's own types read a whole reply."""
    from cohere import V2ChatResponse

    reply = V2ChatResponse.model_validate(raw)
    parts = reply.message.content or []
    calls = reply.message.tool_calls or []
    out = {
        "content": "".join(part.text for part in parts if part.type == "text"),
        "reasoning": "".join(part.thinking for part in parts if part.type == "thinking")
        + (reply.message.tool_plan or ""),
        "citations": raw["message"].get("citations") or [],
        "calls": [(call.id, call.function.name, json.loads(call.function.arguments or "{}")) for call in calls],
    }
    return {**out, "finish": FINISHES[reply.finish_reason], "usage": sdk_usage(reply.usage)}


def sdk_usage(usage: Any) -> Any:
    if usage is None:
        return None
    thought = (usage.tokens.model_extra or {}).get("reasoning_tokens")
    return (usage.tokens.input_tokens, usage.tokens.output_tokens, usage.cached_tokens, thought)


def figures(usage: dict[str, Any] | None) -> Any:
    if usage is None:
        return None
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    return usage["prompt_tokens"], usage["completion_tokens"], cached, thought


@pytest.mark.parametrize("entry", recorded(stream=False))
def test_a_whole_reply_validates_and_says_what_the_official_types_read(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["json"]
    got = ADAPTER.parse("chat", json.dumps(raw).encode(), target(entry))
    assert corpus.judge().validate_openai_response(got, corpus.names_in(raw) | OURS) == []
    choice = got["choices"][0]
    assert choice["message"].get("reasoning") == choice["message"].get("reasoning_content")
    ours = {**read(choice["message"]), "finish": choice["finish_reason"], "usage": figures(got.get("usage"))}
    assert ours == sdk_read(raw)
    assert (got["id"], got["model"]) == (raw["id"], entry["model"])
    for note in choice["message"].get("annotations", []):
        place = note["url_citation"]
        cited = choice["message"]["content"][place["start_index"] : place["end_index"]]
        assert cited in {citation["text"] for citation in choice["message"]["citations"]}


# Streams


def parse(entry: dict[str, Any], pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target(entry))
    chunks = [chunk for piece in pieces for chunk in parser.feed(piece)]
    return chunks + parser.end()


def accumulate(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    state: dict[str, Any] = {"content": "", "reasoning": "", "citations": [], "finish": None, "usage": None}
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        state["usage"] = figures(chunk.get("usage")) or state["usage"]
        for choice in chunk["choices"]:
            delta = choice["delta"]
            assert delta.get("reasoning") == delta.get("reasoning_content")
            state["content"] += delta.get("content") or ""
            state["reasoning"] += delta.get("reasoning_content") or ""
            state["citations"] += delta.get("citations") or []
            state["finish"] = choice["finish_reason"] or state["finish"]
            for call in delta.get("tool_calls") or []:
                known = calls.setdefault(call["index"], ["", "", ""])
                known[0] += call.get("id") or ""
                known[1] += call["function"].get("name") or ""
                known[2] += call["function"]["arguments"]
    return {**state, "calls": [(identifier, name, json.loads(said)) for identifier, name, said in calls.values()]}


def sdk_stream(text: str) -> dict[str, Any]:
    """As Cohere's own types read the events of a stream."""
    import cohere
    from pydantic import TypeAdapter

    types: TypeAdapter[Any] = TypeAdapter(cohere.V2ChatStreamResponse)
    state: dict[str, Any] = {"content": "", "reasoning": "", "citations": [], "finish": None, "usage": None}
    calls: dict[int, list[str]] = {}
    for _, data in corpus.judge().sse_data(text):
        if data.strip() == "[DONE]":
            continue
        event = types.validate_python(json.loads(data))
        message = getattr(getattr(event, "delta", None), "message", None)
        if event.type in ("content-start", "content-delta"):
            state["content"] += message.content.text or ""
            state["reasoning"] += message.content.thinking or ""
        elif event.type == "tool-plan-delta":
            state["reasoning"] += message.tool_plan
        elif event.type == "citation-start":
            state["citations"].append(json.loads(data)["delta"]["message"]["citations"])
        elif event.type == "tool-call-start":
            call = message.tool_calls
            calls[event.index] = [call.id, call.function.name, call.function.arguments or ""]
        elif event.type == "tool-call-delta":
            calls[event.index][2] += message.tool_calls.function.arguments
        elif event.type == "message-end":
            state["finish"] = FINISHES[event.delta.finish_reason]
            state["usage"] = sdk_usage(event.delta.usage)
    read_calls = [(identifier, name, json.loads(said or "{}")) for identifier, name, said in calls.values()]
    return {**state, "calls": read_calls}


def as_events(chunks: list[dict[str, Any]], include_usage: bool) -> str:
    shown = [chunk for chunk in chunks if include_usage or chunk["choices"]]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in shown) + "data: [DONE]\n\n"


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_validates_and_says_what_the_official_types_read(entry: dict[str, Any]) -> None:
    text = corpus.recording(entry)["response"]["sse_text"]
    events = [json.loads(data) for _, data in corpus.judge().sse_data(text) if data.strip() != "[DONE]"]
    chunks = parse(entry, [text.encode()])
    for include_usage in (True, False):
        shown = as_events(chunks, include_usage)
        problems = corpus.judge().validate_openai_stream(
            shown, corpus.names_in(events) | OURS, include_usage=include_usage, tool_finish=True
        )
        assert problems == []
    assert accumulate(chunks) == sdk_stream(text)
    assert {chunk["id"] for chunk in chunks} == {event["id"] for event in events if event.get("id")}


def cut(payload: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    places = sorted(chance.randrange(len(payload)) for _ in range(chance.choice((3, 40, 400))))
    return [payload[start:end] for start, end in zip([0, *places], [*places, len(payload)], strict=True)]


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_cut_anywhere_is_the_same_stream(entry: dict[str, Any]) -> None:
    payload = corpus.recording(entry)["response"]["sse_text"].encode()
    crlf = payload.replace(b"\n", b"\r\n")
    ways = [cut(payload, seed) for seed in range(4)] + [[crlf], cut(crlf, 9)]
    ways += [[payload[place : place + 1] for place in range(len(payload))]]
    if len(payload) < 8000:
        ways += [[payload[:place], payload[place:]] for place in range(len(payload))]
    whole = as_events([{**chunk, "created": 0} for chunk in parse(entry, [payload])], True)
    for pieces in ways:
        assert as_events([{**chunk, "created": 0} for chunk in parse(entry, pieces)], True) == whole


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_that_stops_before_its_terminal_event_is_never_whole(entry: dict[str, Any]) -> None:
    from providers.errors import StreamCut

    payload = corpus.recording(entry)["response"]["sse_text"].encode()
    last = payload.index(b'{"type":"message-end"')
    whole = payload.index(b"\n", last)
    places = range(1, whole) if whole < 8000 else sorted(random.Random(1).sample(range(1, whole), 400))
    for place in places:
        parser = ADAPTER.open_stream("chat", target(entry))
        parser.feed(payload[:place])
        assert not parser.complete
        with pytest.raises(StreamCut):
            parser.end()
