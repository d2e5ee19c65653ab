"""Every recorded exchange in OpenAI's chat format: what we send and what callers get, by the official types."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Iterable
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import (
    ContentFiltered,
    ContextTooLong,
    CredentialRejected,
    ModelMissing,
    RateLimited,
    RequestRejected,
    ServerFailed,
)
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

RECORDED = corpus.recordings("openai-chat")
if not RECORDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

OURS = {"reasoning_content", "reasoning", "reasoning_details"}
# Two answers were recorded one after the other as one stream: what a client reads of that has no meaning.
TWO_IN_ONE = "cerebras-openai-chat-stream-002"
ERROR_INSIDE = {"openrouter-openai-chat-json-008": ServerFailed, "openrouter-openai-chat-stream-003": RequestRejected}
ERRORS = {
    "openai-openai-chat-json-005": CredentialRejected,
    "openai-openai-chat-json-016": RequestRejected,
    "openai-openai-chat-json-019": ModelMissing,
    "deepseek-openai-chat-json-002": ContextTooLong,
    "deepseek-openai-chat-json-006": CredentialRejected,
    "xai-openai-chat-json-004": ModelMissing,
    "perplexity-openai-chat-json-001": ContextTooLong,
    "perplexity-openai-chat-json-002": CredentialRejected,
    "openrouter-openai-chat-json-003": RateLimited,
    "openrouter-openai-chat-json-011": ContentFiltered,
    "ollama-openai-chat-json-003": ContextTooLong,
    "hf-tgi-openai-chat-json-002": RequestRejected,
    "azure-openai-openai-chat-json-003": ModelMissing,
}


def target(entry: dict[str, Any]) -> Target:
    kind = corpus.kind_of(entry["provider"])
    return Target(entry["provider"], kind, "openai", "https://upstream.test/v1", entry["model"] or "some-model")


def recorded(*, stream: bool | None = None, errors: bool = False, inside: bool = False) -> list[Any]:
    return [
        pytest.param(entry, id=entry["id"])
        for entry in RECORDED
        if (entry["status"] >= 400) == errors
        and (entry["id"] in ERROR_INSIDE) == inside
        and (stream is None or entry["stream"] == stream)
    ]


def render(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    asked = corpus.recording(entry)["request"]["json"] or {"messages": [{"role": "user", "content": "Hello"}]}
    given = {key: value for key, value in asked.items() if key not in ("model", "stream")}
    call = Call("chat", given, stream=entry["stream"])
    return asked, json.loads(ADAPTERS["openai"].render(call, target(entry)).body)


@pytest.mark.parametrize("entry", recorded())
def test_what_is_sent_validates_wherever_what_was_recorded_does(entry: dict[str, Any]) -> None:
    validate = corpus.judge().validators_for(entry["provider"], entry["wire"])[0]
    asked, sent = render(entry)
    assert set(validate(sent, corpus.names_in(asked))) <= set(validate(asked, corpus.names_in(asked)))
    assert sent["model"] == target(entry).upstream_model


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_usage_is_asked_for_in_streams_where_the_vendor_takes_it(entry: dict[str, Any]) -> None:
    _, sent = render(entry)
    silent = {"mistral", "ai21", "perplexity"}
    asks = sent.get("stream_options", {}).get("include_usage")
    assert asks is (None if corpus.kind_of(entry["provider"]) in silent else True)


def direct(message: Any) -> dict[str, Any]:
    """What a client reads of a message, whole or accumulated. The vendors' ways of saying it are undone here."""
    content, reasoning = message.get("content"), message.get("reasoning_content") or message.get("reasoning") or ""
    if isinstance(content, list):
        reasoning = "".join(
            inner["text"] for part in content if part["type"] == "thinking" for inner in part["thinking"]
        )
        content = "".join(part["text"] for part in content if part["type"] == "text")
    calls = []
    for call in message.get("tool_calls") or []:
        arguments = call["function"]["arguments"]
        arguments = arguments if isinstance(arguments, str) else json.dumps(arguments)
        calls.append((call["function"]["name"], json.loads(arguments or "{}")))
    return {"content": content or "", "reasoning": reasoning, "refusal": message.get("refusal"), "calls": calls}


def finish(reason: str | None, called: bool) -> str | None:
    if reason in ("eos", "eos_token", ""):
        return "tool_calls" if called else "stop"
    return reason


def figures(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    """Usage as documented: what the total has beyond prompt and completion was generated."""
    if not usage:
        return None
    prompt, completion, total = (usage[key] for key in ("prompt_tokens", "completion_tokens", "total_tokens"))
    out = {"prompt": prompt, "completion": max(completion, total - prompt)}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    out["cached"] = None if cached is None else min(cached, prompt)
    out["thought"] = None if thought is None else min(thought, out["completion"])
    return out


def sdk_read(raw: dict[str, Any], chunk: bool) -> dict[str, Any]:
    """As the official SDK reads it: constructed without validation, as its client does."""
    from openai._models import construct_type
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = construct_type(value=raw, type_=ChatCompletionChunk if chunk else ChatCompletion)
        return model.model_dump(warnings=False)


def accumulate(chunks: Iterable[dict[str, Any]]) -> tuple[dict[int, dict[str, Any]], dict[str, Any] | None]:
    """Chunks → choice index → what a client has at the end, and the last usage."""
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for raw in chunks:
        chunk = sdk_read(raw, chunk=True)
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            delta = choice.get("delta") or {}
            state = choices.setdefault(choice["index"], {"content": "", "calls": {}, "finish": None})
            read = direct({**delta, "tool_calls": None})
            for key in ("content", "reasoning"):
                state[key] = state.get(key, "") + read[key]
            state["refusal"] = (state.get("refusal") or "") + (read["refusal"] or "")
            for call in delta.get("tool_calls") or []:
                index = call["index"] if call.get("index") is not None else len(state["calls"])
                known = state["calls"].setdefault(index, {"name": "", "arguments": ""})
                known["name"] += call["function"].get("name") or ""
                known["arguments"] += call["function"].get("arguments") or ""
            state["finish"] = choice.get("finish_reason") or state["finish"]
    for state in choices.values():
        state["calls"] = [(call["name"], json.loads(call["arguments"] or "{}")) for call in state["calls"].values()]
        state["finish"] = finish(state["finish"], bool(state["calls"]))
    return choices, usage


@pytest.mark.parametrize("entry", recorded(stream=False))
def test_a_whole_reply_validates_and_says_what_the_official_client_reads(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["json"]
    got = ADAPTERS["openai"].parse("chat", json.dumps(raw).encode(), target(entry))
    assert corpus.judge().validate_openai_response(got, corpus.names_in(raw) | OURS) == []
    theirs, ours = sdk_read(raw, chunk=False), sdk_read(got, chunk=False)
    assert len(ours["choices"]) == len(theirs["choices"])
    for mine, yours in zip(ours["choices"], theirs["choices"], strict=True):
        assert direct(mine["message"]) == direct(yours["message"])
        assert mine["finish_reason"] == finish(yours["finish_reason"], bool(yours["message"].get("tool_calls")))
        assert mine["message"].get("reasoning_content") == mine["message"].get("reasoning")
        assert mine.get("logprobs") == yours.get("logprobs")
    assert figures(ours.get("usage")) == figures(theirs.get("usage"))


def parse(entry: dict[str, Any], pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    parser = ADAPTERS["openai"].open_stream("chat", target(entry))
    chunks = [chunk for piece in pieces for chunk in parser.feed(piece)]
    return chunks + parser.end()


def cut(payload: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    places = sorted(chance.randrange(len(payload)) for _ in range(chance.choice((3, 40, 400))))
    return [payload[start:end] for start, end in zip([0, *places], [*places, len(payload)], strict=True)]


def as_events(chunks: list[dict[str, Any]], include_usage: bool) -> str:
    shown = [chunk for chunk in chunks if include_usage or chunk["choices"]]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in shown) + "data: [DONE]\n\n"


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_validates_and_says_what_the_official_client_reads(entry: dict[str, Any]) -> None:
    text = corpus.recording(entry)["response"]["sse_text"]
    events = [json.loads(data) for _, data in corpus.judge().sse_data(text) if data.strip() != "[DONE]"]
    chunks = parse(entry, [text.encode()])
    theirs, their_usage = accumulate(events) if entry["id"] != TWO_IN_ONE else ({}, events[-1]["usage"])
    known = corpus.names_in(events) | OURS
    for include_usage in (True, False):
        asked = include_usage and their_usage is not None
        problems = corpus.judge().validate_openai_stream(
            as_events(chunks, include_usage), known, include_usage=asked, tool_finish=False
        )
        assert problems == []
    ours, our_usage = accumulate(chunks)
    assert figures(our_usage) == figures(their_usage)
    if entry["id"] != TWO_IN_ONE:
        assert ours == theirs
        names = {event["id"] for event in events if event.get("id")}
        assert not names or {chunk["id"] for chunk in chunks} == names


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_cut_anywhere_is_the_same_stream(entry: dict[str, Any]) -> None:
    payload = corpus.recording(entry)["response"]["sse_text"].encode()
    crlf = payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    ways = [cut(payload, seed) for seed in range(4)] + [[crlf], cut(crlf, 9), [payload.replace(b"\r\n", b"\n")]]
    if len(payload) < 8000:
        ways += [[payload[place : place + 1] for place in range(len(payload))]]
        ways += [[crlf[place : place + 1] for place in range(len(crlf))]]
    whole = without_made_up(parse(entry, [payload]))
    for pieces in ways:
        assert without_made_up(parse(entry, pieces)) == whole


def without_made_up(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ids that the parser makes up differ from run to run."""
    return [{key: value for key, value in chunk.items() if key not in ("id", "created")} for chunk in chunks]


@pytest.mark.parametrize("entry", recorded(errors=True))
def test_an_error_becomes_its_class_and_keeps_the_vendors_words(entry: dict[str, Any]) -> None:
    response = corpus.recording(entry)["response"]
    headers = {name.lower(): value for name, value in response["headers"].items()}
    payload = json.dumps(response["json"]).encode()
    error = ADAPTERS["openai"].parse_error(entry["status"], headers, payload, target(entry))
    assert type(error) is ERRORS[entry["id"]]
    inner = response["json"]["error"]
    said = inner if isinstance(inner, str) else inner["message"]
    assert error.message[:15] == said[:15]
    assert "://" not in error.message
    shown = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    assert corpus.judge().validate_openai_error({"error": {**shown, "type": error.type or "api_error"}}) == []


@pytest.mark.parametrize("entry", recorded(inside=True))
def test_an_error_inside_a_success_becomes_its_class(entry: dict[str, Any]) -> None:
    response = corpus.recording(entry)["response"]
    if entry["stream"]:
        with pytest.raises(ERROR_INSIDE[entry["id"]]):
            parse(entry, [response["sse_text"].encode()])
    else:
        with pytest.raises(ERROR_INSIDE[entry["id"]]):
            ADAPTERS["openai"].parse("chat", json.dumps(response["json"]).encode(), target(entry))
