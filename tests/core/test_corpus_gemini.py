"""Every recorded exchange in Gemini's format: what we send and what callers get, by the official types."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Iterable
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import ModelMissing, RateLimited, RequestRejected
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

RECORDED = corpus.recordings("gemini-generate")
if not RECORDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

ADAPTER = ADAPTERS["gemini"]
OURS = {"reasoning_content", "reasoning", "reasoning_details", "extra_content"}
CLASSES = {400: RequestRejected, 404: ModelMissing, 429: RateLimited}
FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}


def target(entry: dict[str, Any]) -> Target:
    return Target("google", "google", "gemini", "https://upstream.test/v1beta", entry["model"] or "gemini-2.5-flash")


def recorded(*, stream: bool | None = None, errors: bool = False) -> list[Any]:
    return [
        pytest.param(entry, id=entry["id"])
        for entry in RECORDED
        if (entry["status"] >= 400) == errors and (stream is None or entry["stream"] == stream)
    ]


# The request: what was recorded, said in OpenAI's words, and back


def as_openai(sent: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": []}
    system = sent.get("systemInstruction") or {}
    for part in system.get("parts", ()):
        body["messages"].append({"role": "system", "content": part["text"]})
    pending: list[str] = []
    for number, content in enumerate(sent["contents"]):
        body["messages"] += turn(content, number, pending)
    config = sent.get("generationConfig") or {}
    for theirs, ours in (("temperature", "temperature"), ("topP", "top_p"), ("maxOutputTokens", "max_tokens")):
        if theirs in config:
            body[ours] = config[theirs]
    if "responseJsonSchema" in config:
        schema = {"name": "answer", "schema": config["responseJsonSchema"]}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    thinking = config.get("thinkingConfig") or {}
    if "thinkingBudget" in thinking:
        body["reasoning"] = {"max_tokens": thinking["thinkingBudget"]}
    elif "thinkingLevel" in thinking:
        body["reasoning_effort"] = thinking["thinkingLevel"].lower()
    tools = []
    for tool in sent.get("tools") or ():
        for declared in tool.get("functionDeclarations", ()):
            rest = {key: value for key, value in declared.items() if key in ("name", "description", "parameters")}
            tools.append({"type": "function", "function": rest})
        tools += [{key: value} for key, value in tool.items() if key != "functionDeclarations"]
    return {**body, "tools": tools} if tools else body


def turn(content: dict[str, Any], number: int, pending: list[str]) -> list[dict[str, Any]]:
    parts = content["parts"]
    if any("functionResponse" in part for part in parts):
        results = [part["functionResponse"] for part in parts]
        return [
            {"role": "tool", "tool_call_id": pending.pop(0), "content": json.dumps(result["response"])}
            for result in results
        ]
    if content.get("role") == "model":
        message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
        for place, part in enumerate(parts):
            if "functionCall" in part:
                call = part["functionCall"]
                identifier = call.get("id") or f"call_{number}_{place}"
                pending.append(identifier)
                function = {"name": call["name"], "arguments": json.dumps(call.get("args") or {})}
                made: dict[str, Any] = {"id": identifier, "type": "function", "function": function}
                if "thoughtSignature" in part:
                    made["extra_content"] = {"google": {"thought_signature": part["thoughtSignature"]}}
                message["tool_calls"].append(made)
            elif "text" in part and not part.get("thought"):
                message["content"] += part["text"]
        return [message]
    out = []
    for part in parts:
        if "inlineData" in part:
            blob = part["inlineData"]
            out.append({"type": "image_url", "image_url": {"url": f"data:{blob['mimeType']};base64,{blob['data']}"}})
        else:
            out.append({"type": "text", "text": part["text"]})
    return [{"role": "user", "content": out}]


def said(sent: dict[str, Any]) -> list[Any]:
    """What a conversation says, however it is cut into contents: texts joined, calls, results, data."""
    out: list[Any] = []
    for content in [sent.get("systemInstruction") or {"parts": []}, *sent["contents"]]:
        for part in content["parts"]:
            if part.get("thought") or part == {"text": ""}:
                continue
            for key in ("functionCall", "functionResponse"):
                if key in part:
                    inner = {name: value for name, value in part[key].items() if name != "id"}
                    out.append((key, inner, part.get("thoughtSignature")))
            if "inlineData" in part:
                out.append(part["inlineData"])
            if "text" in part:
                before = out.pop() if out and isinstance(out[-1], str) else ""
                out.append(before + part["text"])
    return out


@pytest.mark.parametrize("entry", recorded())
def test_what_is_sent_validates_and_says_what_was_recorded(entry: dict[str, Any]) -> None:
    asked = corpus.recording(entry)["request"]["json"]
    call = Call("chat", as_openai(asked), stream=entry["stream"])
    rendered = ADAPTER.render(call, target(entry))
    sent = json.loads(rendered.body)
    assert corpus.judge().validate_gemini_request(sent) == []
    assert said(sent) == said(asked)
    assert rendered.dropped == ()
    ending = "streamGenerateContent?alt=sse" if entry["stream"] else "generateContent"
    assert rendered.path == f"/models/{target(entry).upstream_model}:{ending}"
    config, before = sent.get("generationConfig", {}), asked.get("generationConfig") or {}
    for key in ("temperature", "topP", "maxOutputTokens", "responseJsonSchema", "thinkingConfig"):
        assert (
            key not in config
            or json.dumps(config[key], sort_keys=True).upper() == json.dumps(before[key], sort_keys=True).upper()
        )


# The answer


def sdk_read(raw: dict[str, Any]) -> Any:
    from google.genai import types

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return types.GenerateContentResponse._from_response(response=raw, kwargs={})


def theirs(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What Google's own SDK reads from a whole reply (one event) or a stream."""
    out: dict[str, Any] = {"content": "", "reasoning": "", "calls": [], "signatures": [], "finish": None, "usage": None}
    for raw in events:
        response = sdk_read(raw)
        for candidate in (response.candidates or [])[:1]:
            for part, given in zip(
                (candidate.content and candidate.content.parts) or [],
                raw["candidates"][0].get("content", {}).get("parts") or [],
                strict=True,
            ):
                if part.text:
                    out["reasoning" if part.thought else "content"] += part.text
                if part.function_call:
                    call = part.function_call
                    out["calls"].append((call.id, call.name, call.args or {}))
                if given.get("thoughtSignature"):
                    out["signatures"].append(given["thoughtSignature"])
            if candidate.finish_reason:
                out["finish"] = FINISH[candidate.finish_reason.value]
        counts = response.usage_metadata
        if counts and counts.total_token_count is not None:
            prompt = (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0)
            out["usage"] = (prompt, counts.total_token_count - prompt, counts.thoughts_token_count)
    if out["finish"] == "stop" and out["calls"]:
        out["finish"] = "tool_calls"
    return out


def ours(choices: list[dict[str, Any]], key: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    out: dict[str, Any] = {"content": "", "reasoning": "", "calls": [], "signatures": [], "finish": None, "usage": None}
    for choice in choices:
        message = choice[key]
        assert message.get("reasoning_content") == message.get("reasoning")
        out["content"] += message.get("content") or ""
        out["reasoning"] += message.get("reasoning_content") or ""
        for call in message.get("tool_calls", ()):
            out["calls"].append((call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])))
        out["signatures"] += [detail["data"] for detail in message.get("reasoning_details", ())]
        out["finish"] = choice["finish_reason"] or out["finish"]
    if usage:
        thought = usage.get("completion_tokens_details", {}).get("reasoning_tokens")
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        out["usage"] = (usage["prompt_tokens"], usage["completion_tokens"], thought)
    return out


def agree(mine: dict[str, Any], yours: dict[str, Any]) -> None:
    assert len(mine["calls"]) == len(yours["calls"])
    for (identifier, *call), (given, *their_call) in zip(mine["calls"], yours["calls"], strict=True):
        assert call == their_call
        assert identifier == given if given else identifier.startswith("call_")
    assert {**mine, "calls": None} == {**yours, "calls": None}


@pytest.mark.parametrize("entry", recorded(stream=False))
def test_a_whole_reply_validates_and_says_what_googles_sdk_reads(entry: dict[str, Any]) -> None:
    raw = corpus.recording(entry)["response"]["json"]
    got = ADAPTER.parse("chat", json.dumps(raw).encode(), target(entry))
    assert corpus.judge().validate_openai_response(got, corpus.names_in(raw) | OURS | {"google"}) == []
    agree(ours(got["choices"], "message", got.get("usage")), theirs([raw]))
    assert (got["id"], got["model"]) == (raw["responseId"], raw["modelVersion"])


def parse(entry: dict[str, Any], pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target(entry))
    chunks = [chunk for piece in pieces for chunk in parser.feed(piece)]
    return chunks + parser.end()


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_validates_and_says_what_googles_sdk_reads(entry: dict[str, Any]) -> None:
    text = corpus.recording(entry)["response"]["sse_text"]
    events = [json.loads(data) for _, data in corpus.judge().sse_data(text)]
    chunks = parse(entry, [text.encode()])
    known = corpus.names_in(events) | OURS | {"google"}
    for include_usage in (True, False):
        shown = [chunk for chunk in chunks if include_usage or chunk["choices"]]
        as_sent = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in shown) + "data: [DONE]\n\n"
        validate = corpus.judge().validate_openai_stream
        assert validate(as_sent, known, include_usage=include_usage, tool_finish=True) == []
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    agree(ours(choices, "delta", chunks[-1].get("usage")), theirs(events))


def stable(chunks: list[dict[str, Any]]) -> Any:
    """Chunks without what differs from run to run: the time, and ids that are made up."""
    out = json.loads(json.dumps([{**chunk, "created": 0} for chunk in chunks]))
    for chunk in out:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", ()):
                call.pop("id")
            for detail in choice["delta"].get("reasoning_details", ()):
                detail.pop("id", None)
    return out


@pytest.mark.parametrize("entry", recorded(stream=True))
def test_a_stream_cut_anywhere_is_the_same_stream(entry: dict[str, Any]) -> None:
    payload = corpus.recording(entry)["response"]["sse_text"].encode()
    whole = stable(parse(entry, [payload]))
    places = range(len(payload)) if len(payload) < 4000 else random.Random(7).sample(range(len(payload)), 300)
    for place in places:
        assert stable(parse(entry, [payload[:place], payload[place:]])) == whole
    assert stable(parse(entry, [payload[at : at + 1] for at in range(len(payload))])) == whole
    assert stable(parse(entry, [payload.replace(b"\r\n", b"\n")])) == whole


@pytest.mark.parametrize("entry", recorded(errors=True))
def test_an_error_becomes_its_class_and_keeps_the_vendors_words(entry: dict[str, Any]) -> None:
    response = corpus.recording(entry)["response"]
    for body in (response["json"], [response["json"]]):
        error = ADAPTER.parse_error(entry["status"], {}, json.dumps(body).encode(), target(entry))
        assert type(error) is CLASSES[entry["status"]]
        inner = response["json"]["error"]
        assert (error.message[:15], error.type) == (inner["message"][:15], inner["status"])
        if entry["status"] == 429:
            assert error.retry_after is not None
