"""Every recorded exchange of embeddings and reranking: what we send, and what callers get, by the official types."""

from __future__ import annotations

import base64
import json
from array import array
from typing import Any

import pytest

from gateway_project.api.dialects import embeddings
from providers import answers
from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import RequestRejected
from providers.kinds import KINDS
from providers.wire import Target
from tests.core import corpus

pytestmark = pytest.mark.corpus

WIRES = ("openai-embeddings", "cohere-embed-v2", "cohere-embed-v1", "gemini-embed")
EMBEDDED = [entry for wire in WIRES for entry in corpus.recordings(wire)]
RANKED = [entry for wire in ("cohere-rerank-v2", "rerank") for entry in corpus.recordings(wire)]
if not EMBEDDED:
    pytest.skip("../shared/corpus is absent", allow_module_level=True)

SIX = [f"document {number}" for number in range(6)]


def cases(entries: list[dict[str, Any]], status: int = 200) -> list[Any]:
    return [pytest.param(entry, id=entry["id"]) for entry in entries if entry["status"] == status]


def target(entry: dict[str, Any]) -> Target:
    kind = KINDS[corpus.kind_of(entry["provider"])]
    return Target(entry["provider"], kind.name, kind.wire, "https://upstream.test/v1", entry["model"], paths=kind.paths)


def asked(entry: dict[str, Any]) -> dict[str, Any]:
    """The recorded request as a caller of ours would have put it."""
    said = dict(corpus.recording(entry)["request"]["json"] or {"query": "q", "documents": SIX})
    if "requests" in said:
        texts = [request["content"]["parts"][0]["text"] for request in said["requests"]]
        size = said["requests"][0].get("outputDimensionality")
        return {"input": texts} if size is None else {"input": texts, "dimensions": size}
    names = {"texts": "input", "output_dimension": "dimensions"}
    if entry["wire"] == "rerank":
        names = {"prompt": "query", "input": "documents"}
    return {names.get(key, key): value for key, value in said.items() if key != "model" and value is not None}


def sent(entry: dict[str, Any], operation: str) -> dict[str, Any]:
    rendered = ADAPTERS[target(entry).wire].render(Call(operation, asked(entry)), target(entry))
    assert not rendered.dropped
    return json.loads(rendered.body)  # type: ignore[arg-type]


def got(entry: dict[str, Any], operation: str) -> dict[str, Any]:
    payload = json.dumps(corpus.recording(entry)["response"]["json"]).encode()
    read = ADAPTERS[target(entry).wire].parse(operation, payload, target(entry))
    return answers.complete(Call(operation, asked(entry)), read)


def direct(entry: dict[str, Any]) -> list[Any]:
    """The recorded vectors, as their vendor's documentation says to read them."""
    said = corpus.recording(entry)["response"]["json"]
    if "data" in said:
        vectors = [row["embedding"] for row in sorted(said["data"], key=lambda row: row["index"])]
        if entry["provider"] == "perplexity":
            return [array("b", base64.b64decode(vector)).tolist() for vector in vectors]
        return vectors
    given = said["embeddings"]
    return [row["values"] for row in given] if isinstance(given, list) else next(iter(given.values()))


@pytest.mark.parametrize("entry", cases(EMBEDDED))
def test_a_request_for_embeddings_validates(entry: dict[str, Any]) -> None:
    judge = corpus.judge()
    validate = {
        "google": judge.validate_gemini_embed_request,
        "cohere": judge.validate_cohere_embed_request,
        "mistral": judge.validate_mistral_embeddings_request,
    }.get(target(entry).kind, judge.validate_openai_embeddings_request)
    body = sent(entry, "embeddings")
    if entry["provider"] == "perplexity":
        assert body.pop("encoding_format") == "base64_int8"
    assert validate(body) == []


@pytest.mark.parametrize("entry", cases(EMBEDDED))
def test_embeddings_are_the_vendors_numbers(entry: dict[str, Any]) -> None:
    reply = got(entry, "embeddings")
    assert [row["embedding"] for row in reply["data"]] == direct(entry)


@pytest.mark.parametrize("entry", cases(EMBEDDED))
def test_embeddings_validate_by_the_official_types(entry: dict[str, Any]) -> None:
    reply = {"usage": {"prompt_tokens": 1, "total_tokens": 1}, **got(entry, "embeddings")}
    vendors = corpus.names_in(corpus.recording(entry)["response"]["json"])
    for encoding in ("float", "base64"):
        given_out = json.loads(embeddings.render_response(reply, encoding))
        assert corpus.judge().validate_openai_embeddings_response(given_out, allow_unknown=vendors) == []


@pytest.mark.parametrize("entry", cases(EMBEDDED, 422))
def test_a_refusal_is_a_refusal(entry: dict[str, Any]) -> None:
    payload = json.dumps(corpus.recording(entry)["response"]["json"]).encode()
    error = ADAPTERS[target(entry).wire].parse_error(422, {}, payload, target(entry))
    assert isinstance(error, RequestRejected)


@pytest.mark.parametrize("entry", cases(RANKED))
def test_a_request_to_rerank_validates(entry: dict[str, Any]) -> None:
    assert corpus.judge().validate_cohere_rerank_request(sent(entry, "rerank")) == []


@pytest.mark.parametrize("entry", cases(RANKED))
def test_rankings_are_the_vendors_best_first(entry: dict[str, Any]) -> None:
    reply, said = got(entry, "rerank"), corpus.recording(entry)["response"]["json"]
    scores = {row["index"]: row.get("relevance_score", row.get("score")) for row in said.get("results") or said["data"]}
    assert {row["index"]: row["relevance_score"] for row in reply["results"]} == scores
    assert [row["relevance_score"] for row in reply["results"]] == sorted(scores.values(), reverse=True)
    judged = {key: value for key, value in reply.items() if key not in ("model", "usage")}
    assert corpus.judge().validate_cohere_rerank_response(judged) == []
