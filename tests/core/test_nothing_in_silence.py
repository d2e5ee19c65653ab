"""What a vendor has no word for is named wherever it stands; what is understood all the same goes unnamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.kinds import KINDS
from providers.wire import Target

BASE = "https://vendor.test/v1"
HI: dict[str, Any] = {"role": "user", "content": "Hi"}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "tide", "strict": True, "parameters": {}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "high"}}


def dropped(kind: str, *messages: dict[str, Any], model: str = "river", **given: Any) -> tuple[str, ...]:
    target = Target("p", kind, KINDS[kind].wire_at(BASE), BASE, model)
    call = Call("chat", {"messages": list(messages) or [HI], **given})
    return ADAPTERS[target.wire].render(call, target).dropped


@pytest.mark.parametrize("kind", ["mistral", "xai"])
def test_strictness_that_is_taken_out_of_a_tool_is_named(kind: str) -> None:
    assert dropped(kind, tools=[TOOL]) == ("tools[0].function.strict",)


@pytest.mark.parametrize("kind", ["openai", "mistral", "anthropic", "google", "cohere", "ollama"])
def test_of_two_lengths_that_differ_the_older_is_named(kind: str) -> None:
    assert dropped(kind, max_tokens=5, max_completion_tokens=6) == ("max_tokens",)
    assert dropped(kind, max_tokens=6, max_completion_tokens=6) == ()


@pytest.mark.parametrize(
    ("kind", "message", "names"),
    [
        ("mistral", {"role": "assistant", "content": "a", "audio": {"id": "x"}}, ("messages[0].audio",)),
        ("mistral", {"role": "assistant", "content": None, "refusal": "No."}, ("messages[0].refusal",)),
        ("deepinfra", {"role": "tool", "tool_call_id": "c", "content": [PICTURE]}, ("messages[0].content[0]",)),
        ("anthropic", {"role": "assistant", "content": "a", "audio": {"id": "x"}}, ("messages[0].audio",)),
        ("anthropic", {"role": "user", "content": [PICTURE]}, ("messages[0].content[0].image_url.detail",)),
        ("anthropic", {"role": "system", "name": "n", "content": "Be kind."}, ("messages[0].name",)),
        ("google", {"role": "assistant", "content": "a", "audio": {"id": "x"}}, ("messages[0].audio",)),
        ("google", {"role": "user", "content": [PICTURE]}, ("messages[0].content[0].image_url.detail",)),
        ("cohere", {"role": "assistant", "content": "a", "refusal": "No."}, ("messages[0].refusal",)),
    ],
)
def test_parts_of_messages_that_are_lost_are_named(kind: str, message: dict[str, Any], names: tuple[str, ...]) -> None:
    assert dropped(kind, message, HI) == names


@pytest.mark.parametrize(
    ("kind", "model", "given", "names"),
    [
        ("ollama", "m", {"tool_choice": "required", "tools": [TOOL]}, ("tool_choice",)),
        ("ollama", "m", {"top_k": 3, "keep_alive": "5m"}, ("top_k", "keep_alive")),
        ("anthropic", "claude-sonnet-4-5", {"user": "a", "safety_identifier": "b"}, ("user",)),
        ("google", "gemini-2.5-flash", {"reasoning_effort": "low", "thinking": {"type": "disabled"}}, ("thinking",)),
        (
            "google",
            "gemini-2.5-flash",
            {"web_search_options": {"search_context_size": "low"}},
            ("web_search_options.search_context_size",),
        ),
        (
            "cohere",
            "command-a-reasoning-08-2025",
            {"thinking": {"type": "disabled"}, "reasoning_effort": "low"},
            ("reasoning_effort",),
        ),
    ],
)
def test_parameters_that_are_lost_are_named(
    kind: str, model: str, given: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert dropped(kind, model=model, **given) == names


def test_where_the_caller_is_reaches_anthropics_search() -> None:
    near = {"type": "approximate", "approximate": {"city": "Paris"}}
    call = Call("chat", {"messages": [HI], "web_search_options": {"user_location": near}})
    body = ADAPTERS["anthropic"].render(call, Target("p", "anthropic", "anthropic", "https://v.test", "claude-x")).body
    assert json.loads(body)["tools"][0]["user_location"] == {"type": "approximate", "city": "Paris"}


@pytest.mark.parametrize("kind", sorted(kind.name for kind in KINDS.values() if kind.wire == "openai"))
def test_an_echoed_answer_of_the_official_client_loses_nothing(kind: str) -> None:
    """What the SDK's ``model_dump`` of a plain answer holds."""
    said = {"role": "assistant", "content": "a", "refusal": None, "annotations": [], "audio": None, "tool_calls": None}
    assert dropped(kind, HI, {**said, "function_call": None}, HI) == ()
