"""The tei adapter: embeddings and reranking; there is no chat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import (
    ContextTooLong,
    MalformedReply,
    ModelMissing,
    PayloadTooLarge,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unsupported,
    UpstreamError,
)
from providers.operations import speaks
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["tei"]


def target(base_url: str = "http://gpu.test:8080", **more: Any) -> Target:
    return Target("vectors", "tei", "tei", base_url, "BAAI/bge-m3", **more)


def rendered(operation: str, strict: bool = False, **body: Any) -> Rendered:
    return ADAPTER.say(Call(operation, body, strict=strict), target())


def parse(operation: str, raw: Any) -> dict[str, Any]:
    return ADAPTER.parse(operation, json.dumps(raw).encode(), target())


@pytest.mark.parametrize("base_url", ["http://gpu.test:8080", "http://gpu.test:8080/v1"])
def test_the_version_may_stand_in_the_base_url(base_url: str) -> None:
    there = target(base_url)
    url = ADAPTER.url(there, "embeddings", ADAPTER.render(Call("embeddings", {"input": "a"}), there).path)
    assert url == "http://gpu.test:8080/v1/embeddings"
    call = Call("rerank", {"query": "q", "documents": ["a"]})
    assert ADAPTER.url(there, "rerank", ADAPTER.render(call, there).path) == "http://gpu.test:8080/rerank"


def test_chat_is_not_spoken() -> None:
    assert [speaks(target(), operation) for operation in ("embeddings", "rerank", "chat", "transcription")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_embeddings_go_where_tokens_are_counted() -> None:
    got = rendered("embeddings", input=["a", "b"], encoding_format="base64", dimensions=64, input_type="query")
    assert got.path == "/v1/embeddings"
    assert json.loads(got.body) == {
        "model": "BAAI/bge-m3", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 64,
    }  # fmt: skip
    assert got.dropped == ("input_type",)


@pytest.mark.parametrize(
    ("truncate", "expected"),
    [
        (True, {"truncate": True}),
        ("START", {"truncate": True, "truncation_direction": "Left"}),
        ("end", {"truncate": True, "truncation_direction": "Right"}),
        ("NONE", {"truncate": False}),
    ],
)
def test_what_only_the_own_format_says_goes_there(truncate: Any, expected: dict[str, Any]) -> None:
    got = rendered("embeddings", input="a", truncate=truncate, normalize=False, encoding_format="float")
    assert got.path == "/embed"
    assert json.loads(got.body) == {"inputs": "a", "normalize": False, **expected}
    assert got.dropped == ()
    again = json.loads(rendered("rerank", query="q", documents=["a"], truncate=truncate).body)
    assert again == {"query": "q", "texts": ["a"], **expected}


def test_a_ranking_is_asked_for_in_teis_words() -> None:
    got = rendered("rerank", query="q", documents=["a", "b"], top_n=1, return_documents=True, raw_scores=True, user="u")
    assert got.path == "/rerank"
    assert json.loads(got.body) == {"query": "q", "texts": ["a", "b"], "raw_scores": True}
    assert got.dropped == ("user",)
    with pytest.raises(Unsupported) as caught:
        rendered("rerank", strict=True, query="q", documents=["a"], user="u")
    assert caught.value.param == "user"


def test_a_ranking_comes_back_with_its_scores() -> None:
    got = parse("rerank", [{"index": 1, "score": 0.9, "text": "b"}, {"index": 0, "score": 0.1, "text": "a"}])
    assert got["model"] == "BAAI/bge-m3"
    assert got["id"]
    assert got["results"] == [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
    for junk in ({}, [{"score": 1}], [5], "x"):
        with pytest.raises(MalformedReply):
            parse("rerank", junk)


def test_embeddings_of_either_path_become_openais_list() -> None:
    row = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
    bare = parse("embeddings", [[0.1, 0.2]])
    assert bare == {"object": "list", "data": [row], "model": "BAAI/bge-m3"}
    said = {"object": "list", "data": [row], "model": "x", "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    assert parse("embeddings", said) == said
    for junk in ({}, {"data": [1]}, [1], "x"):
        with pytest.raises(MalformedReply):
            parse("embeddings", junk)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, {"error": "Model is overloaded", "error_type": "Overloaded"}, RateLimited),
        (413, {"error": "batch size 40 > maximum allowed batch size 32", "error_type": "Validation"}, PayloadTooLarge),
        (
            413,
            {"error": "`inputs` must have less than 512 tokens. Given: 700", "error_type": "Validation"},
            ContextTooLong,
        ),
        (422, {"message": "Input validation error", "code": 422, "error_type": "Validation"}, RequestRejected),
        (422, {"error": "Tokenization error", "error_type": "Tokenizer"}, RequestRejected),
        (424, {"error": "model is not a re-ranker model", "error_type": "Backend"}, ModelMissing),
        (424, {"error": "Backend error: CUDA out of memory", "error_type": "Backend"}, ServerFailed),
        (503, {"error": "unhealthy", "error_type": "Unhealthy"}, ServerFailed),
    ],
)  # fmt: skip
def test_errors_are_classified(status: int, body: dict[str, Any], expected: type[UpstreamError]) -> None:
    error = ADAPTER.parse_error(status, {}, json.dumps(body).encode(), target())
    assert type(error) is expected
    assert error.message == body.get("error", body.get("message"))
    assert error.type == body["error_type"]
