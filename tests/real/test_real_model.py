"""A small real model behind a real gateway: llama.cpp's server, spoken to in OpenAI's format and in Anthropic's.

Long: the server is compiled the first time. Run by ``make real-model``, never by ``make test``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openai import OpenAI

from deploy import demo
from tests.running import running_gateway

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(1800)]

KINDS = ("openai", "anthropic")
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]


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
