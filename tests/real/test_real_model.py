"""A small real model behind a real gateway: llama.cpp's server, spoken to in OpenAI's format and in Anthropic's.

Long: the server is compiled the first time. Run by ``make real-model``, never by ``make test``.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openai import OpenAI
from openai.types.chat import ChatCompletion

from deploy import demo
from tests.running import running_gateway

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(1800)]

KINDS = ("openai", "anthropic")
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"name": "get_weather", "description": "The weather in a city.", "parameters": CITY}


@pytest.fixture(scope="session")
def model_server() -> Iterator[str]:
    """Base URL of llama.cpp's server, the model loaded."""
    demo.require_tools()
    demo.install()
    children: list[subprocess.Popen[bytes]] = []
    try:
        yield demo.start_model(children)
    finally:
        demo.end(children)


@pytest.fixture(scope="session")
def client(model_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    rows = {
        kind: {"kind": kind, "base_url": model_server, "keyless": True, "models": {demo.MODEL: {}}} for kind in KINDS
    }
    config = yaml.safe_dump({"version": 1, "providers": rows})
    with (
        running_gateway(tmp_path_factory.mktemp("real"), config, workers=1) as gateway,
        OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=300) as made,
    ):
        yield made


def asked(kind: str, **more: Any) -> dict[str, Any]:
    return {"model": f"{kind}/{demo.MODEL}", "messages": QUESTION, "max_tokens": 24, "temperature": 0, **more}


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_whole(kind: str, client: OpenAI) -> None:
    answer = client.chat.completions.create(**asked(kind))
    (choice,) = answer.choices
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 5
    assert 0 < answer.usage.completion_tokens <= 24


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_a_stream_what_it_answers_whole(kind: str, client: OpenAI) -> None:
    whole = client.chat.completions.create(**asked(kind))
    chunks = list(client.chat.completions.create(**asked(kind), stream=True, stream_options={"include_usage": True}))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == whole.choices[0].message.content
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == [whole.choices[0].finish_reason]
    assert len(choices) > 3, "it came piece by piece"
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def calling(kind: str, **more: Any) -> dict[str, Any]:
    """A request that must be answered by calls; the server holds the model to their form by a grammar."""
    return asked(kind, **{
        "messages": WEATHER, "tools": [{"type": "function", "function": TOOL}], "tool_choice": "required",
        "parallel_tool_calls": False, "max_tokens": 120, **more,
    })  # fmt: skip


@pytest.fixture(scope="session")
def called(client: OpenAI) -> dict[str, ChatCompletion]:
    """Kind → an answer that calls the function."""
    return {kind: client.chat.completions.create(**calling(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_it_calls_a_function(kind: str, called: dict[str, ChatCompletion]) -> None:
    (choice,) = called[kind].choices
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls or []
    assert calls
    assert len({call.id for call in calls}) == len(calls)
    assert all(call.id for call in calls)
    for call in calls:
        assert call.type == "function"
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == {"city": "Paris"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_calls_a_function_as_a_stream(kind: str, client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(**calling(kind), stream=True, stream_options={"include_usage": True}))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["tool_calls"]
    deltas = [delta for choice in choices for delta in choice.delta.tool_calls or []]
    indices = sorted({delta.index for delta in deltas})
    assert indices == list(range(len(indices)))
    assert indices
    ids = [delta.id for delta in deltas if delta.id]
    assert len(set(ids)) == len(indices)
    for index in indices:
        parts = [delta.function for delta in deltas if delta.index == index and delta.function]
        assert "".join(part.name or "" for part in parts) == "get_weather"
        assert json.loads("".join(part.arguments or "" for part in parts)) == {"city": "Paris"}
        assert sum(bool(part.arguments) for part in parts) > 2, "the arguments came piece by piece"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 5


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_with_what_the_function_returned(
    kind: str, client: OpenAI, called: dict[str, ChatCompletion]
) -> None:
    """One result for one call: as kind anthropic the server lets the model call twice, whatever it was told."""
    (call, *_) = called[kind].choices[0].message.tool_calls or []
    said = {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]}
    returned = {"role": "tool", "tool_call_id": call.id, "content": "Sunny, 24 degrees."}
    again = calling(kind, messages=[*WEATHER, said, returned], tool_choice="auto", max_tokens=24)
    answer = client.chat.completions.create(**again)
    assert "24 degrees" in (answer.choices[0].message.content or "")
    assert answer.choices[0].message.tool_calls is None
