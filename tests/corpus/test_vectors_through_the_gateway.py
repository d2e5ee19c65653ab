"""Every recorded exchange of embeddings and reranking, replayed as an upstream of a real gateway."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.core.corpus import kind_of
from tests.core.test_corpus_vectors import EMBEDDED, RANKED, asked, direct
from tests.running import RunningGateway, running_gateway

pytestmark = [pytest.mark.gateway, pytest.mark.corpus]

GOOD = [entry for entry in EMBEDDED + RANKED if entry["status"] == 200]


@pytest.fixture(scope="module")
def gateway(replay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    rows = {
        f"case-{number}": {
            "kind": kind_of(entry["provider"]),
            "base_url": f"{replay}/replay/{entry['id']}/v1",
            "keyless": True,
        }
        for number, entry in enumerate(GOOD)
    }
    config = json.dumps({"version": 1, "providers": rows})
    with running_gateway(tmp_path_factory.mktemp("vectors"), config, workers=1) as running:
        yield running


def numbers(vector: Any) -> list[float]:
    """In single precision, whether given as numbers or in base64."""
    raw = base64.b64decode(vector) if isinstance(vector, str) else struct.pack(f"<{len(vector)}f", *vector)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def cases(entries: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(GOOD.index(entry), id=entry["id"]) for entry in entries if entry in GOOD]


@pytest.mark.parametrize("number", cases(EMBEDDED))
def test_embeddings_are_the_recordings_in_either_encoding(number: int, gateway: RunningGateway) -> None:
    entry = GOOD[number]
    recorded = [numbers(vector) for vector in direct(entry)]
    body = {**asked(entry), "model": f"case-{number}/{entry['model']}"}
    for encoding in ("float", "base64"):
        status, _, raw = gateway.post({**body, "encoding_format": encoding}, path="/v1/embeddings")
        assert status == 200, raw
        given = [row["embedding"] for row in json.loads(raw)["data"]]
        assert all(isinstance(vector, str) == (encoding == "base64") for vector in given)
        assert [numbers(vector) for vector in given] == recorded
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        answer = client.embeddings.create(model=body["model"], input=body["input"])
    assert [numbers(row.embedding) for row in answer.data] == recorded
    assert answer.usage.prompt_tokens > 0


@pytest.mark.parametrize("number", cases(RANKED))
def test_rankings_come_best_first(number: int, gateway: RunningGateway) -> None:
    entry = GOOD[number]
    body = {**asked(entry), "model": f"case-{number}/{entry['model']}"}
    status, _, raw = gateway.post(body, path="/v1/rerank")
    assert status == 200, raw
    scores = [row["relevance_score"] for row in json.loads(raw)["results"]]
    assert scores == sorted(scores, reverse=True)
    assert scores
