"""A conversation that goes on at another vendor: ids that it takes, and the reasoning that it wants back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from providers.adapters import ADAPTERS, gemini_signatures
from providers.chat import Call
from providers.kinds import KINDS
from providers.wire import Target

LONG = [gemini_signatures.made_id("QUJD" * 500) for _ in range(2)]
LIMITS = {
    "openai": r".{1,40}",
    "mistral": r"[a-zA-Z0-9]{9}",
    "anthropic": r"[a-zA-Z0-9_-]{1,64}",
    "deepseek": r".{1,40}",
    "xai": r".{1,40}",
    "cohere": r".{1,64}",
    "vllm": r".{1,64}",
    "openrouter": r".{1,40}",
}


def conversation(*ids: str, **said: Any) -> list[dict[str, Any]]:
    calls = [{"id": i, "type": "function", "function": {"name": "tide", "arguments": "{}"}} for i in ids]
    results = [{"role": "tool", "tool_call_id": i, "content": f"result of {i[:12]}"} for i in ids]
    return [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": calls, **said},
        *results,
    ]


def sent(kind: str, messages: list[dict[str, Any]], model: str = "river", **given: Any) -> Any:
    target = Target("p", kind, KINDS[kind].wire, "https://vendor.test/v1", model)
    before = json.dumps(messages)
    body = json.loads(ADAPTERS[target.wire].render(Call("chat", {"messages": messages, **given}), target).body)
    assert json.dumps(messages) == before, "the caller keeps its own ids"
    return body


def ids_in(value: Any, key: str) -> list[str]:
    if isinstance(value, dict):
        own = [value[key]] if isinstance(value.get(key), str) else []
        return own + [found for inner in value.values() for found in ids_in(inner, key)]
    return [found for inner in value for found in ids_in(inner, key)] if isinstance(value, list) else []


@pytest.mark.parametrize("kind", LIMITS)
def test_ids_with_geminis_signatures_fit_every_other_vendor(kind: str) -> None:
    body = sent(kind, conversation(*LONG))
    called, answered = ids_in(body, "id"), ids_in(body, "tool_use_id" if kind == "anthropic" else "tool_call_id")
    assert called == answered
    assert len(set(called)) == 2
    assert all(re.fullmatch(LIMITS[kind], identifier) for identifier in called)


@pytest.mark.parametrize("kind", sorted(LIMITS.keys() - {"mistral"}))
def test_ids_that_fit_stay_as_they_are(kind: str) -> None:
    assert ids_in(sent(kind, conversation("call_abc-1")), "id") == ["call_abc-1"]


def test_a_server_of_which_nothing_is_known_gets_ids_as_they_are() -> None:
    assert ids_in(sent("openai-compatible", conversation(*LONG)), "id") == LONG


def test_details_of_reasoning_still_name_their_call() -> None:
    details = [gemini_signatures.detail("QUJD", 0, LONG[0])]
    body = sent("openrouter", conversation(LONG[0], reasoning_details=details))
    assert len(set(ids_in(body, "id"))) == 1


def test_deepseek_gets_reasoning_back_before_tool_calls_even_where_the_client_lost_it() -> None:
    kept, lost = conversation("a", reasoning_content="Hm.")[1], conversation("b")[1]
    messages = sent("deepseek", [{"role": "user", "content": "Hi"}, kept, lost, {"role": "assistant", "content": "x"}])
    assert [message.get("reasoning_content") for message in messages["messages"]] == [None, "Hm.", " ", None]


@pytest.mark.parametrize(
    "off", [{"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}, {"model": "deepseek-chat"}]
)
def test_deepseek_without_thinking_needs_no_reasoning_back(off: dict[str, Any]) -> None:
    assert "reasoning_content" not in sent("deepseek", conversation("b"), **off)["messages"][1]


def test_other_vendors_get_no_made_up_reasoning() -> None:
    assert "reasoning_content" not in sent("qwen", conversation("b"))["messages"][1]
