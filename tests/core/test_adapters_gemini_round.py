"""The gemini adapter: what comes with an answer and goes back with the next request."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters import gemini_signatures as signatures
from tests.core.gemini import HELLO, PNG, called, event, opened, parse, sent, sse


def test_calls_without_a_signature_get_the_documented_one_where_the_model_wants_one() -> None:
    messages = [*HELLO, {"role": "assistant", "tool_calls": [called("a"), called("b")]}]
    parts = sent("gemini-3-pro", messages=messages)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [signatures.SKIP, None]
    assert "thoughtSignature" not in sent("gemini-2.5-pro", messages=messages)["contents"][1]["parts"][0]


def test_signatures_of_other_vendors_are_left_out() -> None:
    detail = {"type": "reasoning.encrypted", "data": "x", "format": "anthropic-claude-v1"}
    messages = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_details": [detail]}]
    assert sent(messages=messages)["contents"][1]["parts"] == [{"text": "Hi"}]


@pytest.mark.parametrize("kept", ["extra_content", "reasoning_details", "id"])
def test_a_signature_comes_back_whichever_place_a_client_keeps(kept: str) -> None:
    part = {"functionCall": {"name": "tide", "args": {}}, "thoughtSignature": "a+/b"}
    message = parse(event(part, finish="STOP"))["choices"][0]["message"]
    (call,) = message["tool_calls"]
    back: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [dict(call)]}
    if kept != "extra_content":
        del back["tool_calls"][0]["extra_content"]
    if kept == "reasoning_details":
        back["reasoning_details"] = message["reasoning_details"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "x"}
    contents = sent(messages=[*HELLO, back, result])["contents"]
    (again,) = contents[1]["parts"]
    assert again["thoughtSignature"] == "a+/b"
    assert again["functionCall"]["id"] == contents[2]["parts"][0]["functionResponse"]["id"]
    assert "__thought__" not in again["functionCall"]["id"]


LETTERS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=12)
VALUES = st.dictionaries(LETTERS, st.text(max_size=8) | st.integers(-9, 9) | st.lists(st.booleans(), max_size=2))
BASE64 = st.binary(min_size=1, max_size=9).map(lambda data: base64.b64encode(data).decode())
CALLS = st.lists(st.tuples(LETTERS, LETTERS, VALUES, st.none() | BASE64), max_size=3, unique_by=lambda call: call[0])


def accumulate(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a client has at a stream's end, to be sent back."""
    out: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": [], "reasoning_details": []}
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            out["content"] += delta.get("content") or ""
            for key in ("tool_calls", "reasoning_details"):
                out[key] += delta.get(key, [])
    return out


@settings(deadline=None)
@given(CALLS, st.text(min_size=1, max_size=9), st.none() | BASE64, st.data())
def test_a_conversation_keeps_ids_arguments_and_signatures_there_and_back(
    calls: list[Any], text: str, signature: str | None, data: st.DataObject
) -> None:
    parts: list[dict[str, Any]] = [{"text": "hm", "thought": True}, {"text": text}]
    if signature:
        parts[-1]["thoughtSignature"] = signature
    for identifier, name, arguments, held in calls:
        parts.append({"functionCall": {"id": identifier, "name": name, "args": arguments}})
        if held:
            parts[-1]["thoughtSignature"] = held
    payload = sse(event(*parts), event({"text": ""}, finish="STOP"))
    places = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=5)))
    parser = opened()
    chunks = []
    for start, end in zip([0, *places], [*places, len(payload)], strict=True):
        chunks += parser.feed(payload[start:end])
    streamed = accumulate(chunks + parser.end())
    for message in (streamed, parse(event(*parts, finish="STOP"))["choices"][0]["message"]):
        user = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}
        results = [{"role": "tool", "tool_call_id": call[0], "content": "ok"} for call in reversed(calls)]
        contents = sent(messages=[user, message, *results])["contents"]
        assert contents[0]["parts"][0]["inlineData"]["data"] in PNG
        assert contents[1]["parts"] == parts[1:]
        if calls:
            answered = [part["functionResponse"] for part in contents[2]["parts"]]
            assert [(said["id"], said["name"]) for said in answered] == [call[:2] for call in calls]
