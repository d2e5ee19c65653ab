"""Recorded legacy completions and transcriptions, replayed as upstreams of a real gateway: read the same through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openai import OpenAI, Stream
from openai.types import Completion

from tests.corpus.conftest import recording, recordings
from tests.running import RunningGateway, running_gateway

pytestmark = [pytest.mark.gateway, pytest.mark.corpus]

TEXTS = [item for item in recordings("openai-completions") if item["status"] == 200]
SPEECHES = [item for item in recordings("openai-transcriptions") if item["status"] == 200]
WAYS = {"whole": "", "split": "/opt:split=rand,seed=3"}


@pytest.fixture(scope="module")
def gateway(replay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    rows = {}
    for item in TEXTS + SPEECHES:
        for way, options in WAYS.items():
            base_url = f"{replay}/replay/{item['id']}{options}/v1"
            kind = item["provider"] if item["provider"] in ("openai", "vllm") else "openai-compatible"
            rows[f"{way}-{item['id']}"] = {"kind": kind, "base_url": base_url, "keyless": True}
    config = yaml.safe_dump({"version": 1, "providers": rows})
    with running_gateway(tmp_path_factory.mktemp("corpus"), config, workers=1) as running:
        yield running


def client(base_url: str, key: str = "none") -> OpenAI:
    return OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60)


def read_text(asking: OpenAI, body: dict[str, Any], stream: bool) -> dict[int, tuple[str, str | None]]:
    """Text and finish reason of each choice."""
    if stream:
        asked = {**body, "stream": True}
        answers = [
            *asking.post("/completions", body=asked, cast_to=Completion, stream=True, stream_cls=Stream[Completion])
        ]
    else:
        answers = [asking.post("/completions", body=body, cast_to=Completion)]
    said: dict[int, tuple[str, str | None]] = {}
    for answer in answers:
        for choice in answer.choices:
            text, finish = said.get(choice.index, ("", None))
            said[choice.index] = (text + choice.text, choice.finish_reason or finish)
    return said


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("item", [pytest.param(item, id=item["id"]) for item in TEXTS])
def test_a_completion_reads_the_same(item: dict[str, Any], way: str, gateway: RunningGateway, replay: str) -> None:
    body = {key: value for key, value in recording(item["id"])["request"]["json"].items() if key != "stream"}
    direct = read_text(client(f"{replay}/replay/{item['id']}/v1"), body, item["stream"])
    asked = {**body, "model": f"{way}-{item['id']}/recorded"}
    assert read_text(client(f"{gateway.url}/v1", gateway.key), asked, item["stream"]) == direct


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("item", [pytest.param(item, id=item["id"]) for item in SPEECHES if item["stream"]])
def test_a_transcription_reads_the_same(item: dict[str, Any], way: str, gateway: RunningGateway, replay: str) -> None:
    def heard(asking: OpenAI, model: str) -> list[dict[str, Any]]:
        events = asking.audio.transcriptions.create(model=model, file=("a.mp3", b"sound"), stream=True)
        return [event.to_dict() for event in events]

    direct = heard(client(f"{replay}/replay/{item['id']}/v1"), "recorded")
    assert direct
    assert heard(client(f"{gateway.url}/v1", gateway.key), f"{way}-{item['id']}/recorded") == direct
