"""Conversations in OpenAI's words, said to each vendor in its own: nothing is lost, and the vendor's rules are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.adapters import ADAPTERS
from providers.adapters.cohere_messages import unescape_name
from providers.chat import Call
from tests.core import mutations as mutant
from tests.core.conversations import ARGUMENTS, NAMES, SAID, SIGNATURES, VALID_IDS, Told, conversations, same

MODELS = {"anthropic": "claude-sonnet-4-5", "google": "gemini-3-pro", "cohere": "command-a-03-2025"}
OPENAI_LIKE = [kind for kind, row in mutant.KINDS.items() if row.wire == "openai" and kind not in ("perplexity", "tei")]


def sent(kind: str, messages: list[dict[str, Any]], **more: Any) -> Any:
    target = mutant.target_of(kind, MODELS.get(kind, "asked-for"))
    before = json.dumps(messages)
    body = ADAPTERS[target.wire].render(Call("chat", {"messages": messages, **more}), target).body
    assert json.dumps(messages) == before
    return json.loads(body)


def blocks(turns: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for turn in turns:
        yield from (block for block in turn["content"] if block["type"] == kind)


@mutant.fuzz
@given(told=conversations())
def test_anthropic_gets_every_call_result_word_and_picture(told: Told) -> None:
    body = sent("anthropic", told.messages)
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2) + ["user"]
    assert all(turn["content"] for turn in turns)
    assert all(block["text"].strip() for block in blocks(turns, "text"))
    for turn, after in pairwise(turns):
        uses = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        answered = [block["tool_use_id"] for block in after["content"][: len(uses)] if block["type"] == "tool_result"]
        assert sorted(uses) == sorted(answered), "each call has its result at once, before all else"
    ids = check_calls(told, [(use["id"], use["name"], use["input"]) for use in blocks(turns, "tool_use")])
    results = {result["tool_use_id"]: result.get("content", "") for result in blocks(turns, "tool_result")}
    for identifier, text in told.results:
        content = results[ids[identifier]]
        said = content if isinstance(content, str) else "\n".join(block["text"] for block in content)
        assert said == text
    said = [block["text"] for block in body.get("system", [])] + [block["text"] for block in blocks(turns, "text")]
    assert sorted(text for text in said if text != ".") == sorted(text for text in told.texts if text != ".")
    assert [block["source"]["data"] for block in blocks(turns, "image")] == told.images


@mutant.fuzz
@given(told=conversations())
def test_gemini_gets_every_call_result_word_and_picture(told: Told) -> None:
    body = sent("google", told.messages)
    contents = body["contents"]
    assert contents[0]["role"] == "user"
    parts = [part for content in contents for part in content["parts"]]
    for content, after in zip(contents, [*contents[1:], {"parts": []}], strict=True):
        called = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        answers = [part["functionResponse"] for part in after["parts"] if "functionResponse" in part]
        if called:
            assert [(call["id"], call["name"]) for call in called] == [(said["id"], said["name"]) for said in answers]
            assert all("functionResponse" in part for part in after["parts"])
            assert content["role"] == "model"
            assert content["parts"][-len(called)].get("thoughtSignature"), "the first call of a turn has a signature"
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    ids = check_calls(told, [(call["id"], call["name"], call["args"]) for call in calls])
    results = {
        part["functionResponse"]["id"]: part["functionResponse"]["response"]
        for part in parts
        if "functionResponse" in part
    }
    for identifier, text in told.results:
        response = results[ids[identifier]]
        assert isinstance(response, dict)
        assert response == {"output": text} or same(response, json.loads(text))
    said = [part["text"] for part in [*body.get("systemInstruction", {}).get("parts", []), *parts] if "text" in part]
    assert sorted(filter(str.strip, said)) == sorted(told.texts)
    assert [part["inlineData"]["data"] for part in parts if "inlineData" in part] == told.images


@mutant.fuzz
@given(told=conversations())
def test_cohere_gets_every_call_result_word_and_picture(told: Told) -> None:
    messages = sent("cohere", told.messages)["messages"]
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
        else:
            assert open_calls == [], "results follow their calls"
            open_calls = [call["id"] for call in message.get("tool_calls", [])]
        assert message.get("content") or message.get("tool_calls") or message["role"] in ("tool", "user")
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    functions = [(call["id"], call["function"]) for call in calls]
    ids = check_calls(told, [(i, unescape_name(f["name"]), json.loads(f["arguments"])) for i, f in functions])
    assert all(ours == theirs for ours, theirs in ids.items() if len(ours) <= 64)
    said = [part for message in messages for part in parts_of(message)]
    assert sorted(part["text"] for part in said if part.get("text", "").strip()) == sorted(
        [*told.texts, *(piece for message in told.messages if message["role"] == "tool" for piece in pieces(message))]
    )
    pictures = [part["image_url"]["url"].partition(",")[2] for part in said if part["type"] == "image_url"]
    assert pictures == told.images


@mutant.fuzz
@given(told=conversations())
def test_ollama_gets_every_call_result_word_and_picture(told: Told) -> None:
    messages = sent("ollama", told.messages)["messages"]
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    ids = check_calls(told, [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls])
    names = {call["id"]: call["function"]["name"] for call in calls}
    results = [message for message in messages if message["role"] == "tool"]
    assert sorted((message["tool_call_id"], message["content"]) for message in results) == sorted(told.results)
    assert all(ours == theirs for ours, theirs in ids.items())
    assert all(message["tool_name"] == names[message["tool_call_id"]] for message in results)
    spoken = "\n".join(message["content"] for message in messages if message["role"] != "tool")
    assert all(text in spoken for text in told.texts)
    assert [image for message in messages for image in message.get("images", [])] == told.images


def pieces(message: dict[str, Any]) -> list[str]:
    return [part["text"] for part in parts_of(message) if part["text"].strip()]


def parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content") or ""
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


@pytest.mark.parametrize("kind", OPENAI_LIKE)
@mutant.fuzz
@given(told=conversations())
def test_a_compatible_vendor_gets_every_call_and_result(kind: str, told: Told) -> None:
    messages = sent(kind, told.messages)["messages"]
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    functions = [(call["id"], call["function"]) for call in calls]
    ids = check_calls(told, [(i, f["name"], json.loads(f["arguments"])) for i, f in functions])
    answered = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert sorted(answered) == sorted(ids.values())
    assert [message["role"] for message in messages if message["role"] in ("user", "assistant", "tool")] == [
        message["role"] for message in told.messages if message["role"] in ("user", "assistant", "tool")
    ]


def check_calls(told: Told, got: list[tuple[str, str, Any]]) -> dict[str, str]:
    """Every call is there with its name and arguments, in order; the ids as the vendor got them, each another."""
    assert [call[1] for call in got] == [call[1] for call in told.calls]
    for (_, _, arguments), (_, _, given_) in zip(got, told.calls, strict=True):
        assert same(arguments, given_), (arguments, given_)
    ids = {ours[0]: theirs[0] for ours, theirs in zip(told.calls, got, strict=True)}
    assert len(set(ids.values())) == len(ids)
    return ids


CALLS = st.lists(st.tuples(VALID_IDS, NAMES, ARGUMENTS), min_size=1, max_size=3, unique_by=lambda call: call[0])


def anthropic_reply(calls: list[Any], text: str, thought: str, signature: str) -> Any:
    thinking = {"type": "thinking", "thinking": thought, "signature": signature}
    uses = [{"type": "tool_use", "id": i, "name": name, "input": given_} for i, name, given_ in calls]
    return {"type": "message", "content": [thinking, {"type": "text", "text": text}, *uses], "stop_reason": "tool_use"}


def gemini_reply(calls: list[Any], text: str, thought: str, signature: str) -> Any:
    said = [{"text": thought, "thought": True}, {"text": text}]
    made = [{"functionCall": {"id": i, "name": name, "args": given_}} for i, name, given_ in calls]
    made[0]["thoughtSignature"] = signature
    return {"candidates": [{"content": {"role": "model", "parts": [*said, *made]}, "finishReason": "STOP"}]}


def cohere_reply(calls: list[Any], text: str, thought: str, signature: str) -> Any:
    made = [
        {"id": i, "type": "function", "function": {"name": name.replace("-", "_x2d_"), "arguments": json.dumps(given_)}}
        for i, name, given_ in calls
        if name != "f_x2d_"
    ]
    content = [{"type": "thinking", "thinking": thought}, {"type": "text", "text": text}]
    return {"message": {"role": "assistant", "content": content, "tool_calls": made}, "finish_reason": "TOOL_CALL"}


REPLIES: dict[str, Callable[..., Any]] = {"anthropic": anthropic_reply, "google": gemini_reply, "cohere": cohere_reply}


@pytest.mark.parametrize("kind", sorted(REPLIES))
@mutant.fuzz
@given(calls=CALLS, text=SAID, thought=SAID, signature=SIGNATURES, raw=st.booleans())
def test_an_answer_with_calls_comes_back_as_the_vendor_gave_it(
    kind: str, calls: list[Any], text: str, thought: str, signature: str, raw: bool
) -> None:
    calls = [call for call in calls if call[1] != "f_x2d_"] or [("c1", "a", {})]
    target = mutant.target_of(kind, MODELS[kind])
    reply = REPLIES[kind](calls, text, thought, signature)
    payload = json.dumps(reply, ensure_ascii=raw).encode()
    (choice,) = ADAPTERS[target.wire].parse("chat", payload, target)["choices"]
    message = choice["message"]
    got = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message["tool_calls"]
    ]
    for (i, name, arguments), given_ in zip(got, calls, strict=True):
        assert (i, name) == given_[:2]
        assert same(arguments, given_[2])
    assert (message["content"], message["reasoning_content"], choice["finish_reason"]) == (text, thought, "tool_calls")
    results = [{"role": "tool", "tool_call_id": call[0], "content": "ok"} for call in calls]
    body = sent(kind, [{"role": "user", "content": "Go"}, json.loads(json.dumps(message)), *results])
    back = answer_of(kind, body)
    assert same(back, answer_of_reply(kind, reply)), (back, reply)


def answer_of(kind: str, body: Any) -> Any:
    """The answer in a request that continues the conversation, as it stood in the reply."""
    if kind == "google":
        return [part for part in body["contents"][1]["parts"] if not part.get("thought")]
    message = body["messages"][1]
    return message["content"] if kind == "anthropic" else [message["content"], message["tool_calls"]]


def answer_of_reply(kind: str, reply: Any) -> Any:
    if kind == "google":
        return [part for part in reply["candidates"][0]["content"]["parts"] if not part.get("thought")]
    return reply["content"] if kind == "anthropic" else [reply["message"]["content"], reply["message"]["tool_calls"]]
