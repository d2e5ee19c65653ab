"""Embeddings and reranking: what each kind of vendor is sent, what comes back, what is refused as half an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers import answers, batches
from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import MalformedReply, RateLimited, Unsupported
from providers.kinds import KINDS
from providers.operations import speaks
from providers.wire import Rendered, Target
from tests.core.test_golden import GOLDEN, VECTORS

TWO = {"input": ["a river", "the sea"]}
RANK = {"query": "water", "documents": ["a river", "the sea"]}


def target(kind: str, model: str = "asked-for", base: str = "https://vendor.test/v1", **more: Any) -> Target:
    return Target("vendor", kind, KINDS[kind].wire, base, model, paths=KINDS[kind].paths, **more)


def render(kind: str, operation: str, body: dict[str, Any], **more: Any) -> Rendered:
    strict = more.pop("strict", False)
    to = target(kind, **more)
    return ADAPTERS[to.wire].say(Call(operation, body, strict=strict), to)


def sent(kind: str, operation: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return json.loads(render(kind, operation, body, **more).body)  # type: ignore[arg-type]


def read(kind: str, operation: str, reply: Any, body: dict[str, Any]) -> dict[str, Any]:
    to = target(kind)
    payload = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return answers.complete(Call(operation, body), ADAPTERS[to.wire].parse(operation, payload, to))


FIXTURES = [
    pytest.param(path, id=f"{path.parent.name}/{path.stem}")
    for path in sorted(GOLDEN.glob("*/*.json"))
    if path.name.startswith(VECTORS) and not path.name.endswith(".expected.json")
]


@pytest.mark.parametrize("path", FIXTURES)
def test_a_vendors_answer_comes_out_in_one_shape(path: Path) -> None:
    operation = path.stem.partition("-")[0]
    got = read(path.parent.name, operation, path.read_bytes(), TWO if operation == "embeddings" else RANK)
    assert got == json.loads(path.with_suffix(".expected.json").read_text())


def test_base64_is_asked_only_of_vendors_known_to_encode_single_precision() -> None:
    asked = {**TWO, "encoding_format": "base64"}
    assert sent("openai", "embeddings", asked)["encoding_format"] == "base64"
    for kind in ("vllm", "albert", "mistral", "openai-compatible", "qwen"):
        rendered = render(kind, "embeddings", asked)
        assert "encoding_format" not in json.loads(rendered.body)  # type: ignore[arg-type]
        assert rendered.dropped == ()


def test_unknown_parameters_pass_within_the_family_and_are_named_where_a_vendor_refuses_them() -> None:
    body = {**TWO, "dimensions": 256, "user": "u", "input_type": "query", "truncate": "END"}
    assert sent("openai-compatible", "embeddings", body) == {"model": "asked-for", **body}
    rendered = render("mistral", "embeddings", body)
    assert json.loads(rendered.body) == {"model": "asked-for", **TWO, "output_dimension": 256}  # type: ignore[arg-type]
    assert rendered.dropped == ("user", "input_type", "truncate")
    with pytest.raises(Unsupported) as caught:
        render("mistral", "embeddings", body, strict=True)
    assert caught.value.param == "user"


def test_an_operators_extra_body_is_sent_where_the_caller_says_nothing() -> None:
    extra = {"truncate_prompt_tokens": 512, "user": "operator"}
    got = sent("vllm", "embeddings", {**TWO, "user": "caller"}, extra_body=extra)
    assert (got["truncate_prompt_tokens"], got["user"]) == (512, "caller")


@pytest.mark.parametrize("kind", ["mistral", "perplexity", "cohere", "google", "qwen"])
@pytest.mark.parametrize("ids", [[1, 2], [[1, 2], [3]]])
def test_token_ids_are_refused_where_only_text_is_taken(kind: str, ids: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        render(kind, "embeddings", {"input": ids})
    assert (caught.value.param, caught.value.status) == ("input", 400)


def test_token_ids_pass_elsewhere() -> None:
    assert sent("openai", "embeddings", {"input": [[1, 2], [3]]})["input"] == [[1, 2], [3]]


def test_cohere_is_told_what_texts_are_for() -> None:
    rendered = render("cohere", "embeddings", {"input": "a river", "dimensions": 512, "user": "u"})
    assert rendered.path == "/v2/embed"
    assert rendered.dropped == ("user",)
    assert json.loads(rendered.body) == {  # type: ignore[arg-type]
        "model": "asked-for",
        "texts": ["a river"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 512,
    }
    assert sent("cohere", "embeddings", {**TWO, "input_type": "search_query"})["input_type"] == "search_query"


def test_cohere_gives_the_precision_that_was_asked_for() -> None:
    body = {"input": "a river", "embedding_types": ["int8"]}
    assert sent("cohere", "embeddings", body)["embedding_types"] == ["int8"]
    got = read("cohere", "embeddings", {"embeddings": {"int8": [[-21, 18]]}, "texts": []}, body)
    assert got["data"][0]["embedding"] == [-21, 18]


def test_cohere_reranks_without_parameters_of_its_first_version() -> None:
    rendered = render("cohere", "rerank", {**RANK, "top_n": 1, "return_documents": True, "rank_fields": ["x"]})
    assert rendered.path == "/v2/rerank"
    assert json.loads(rendered.body) == {"model": "asked-for", **RANK, "top_n": 1}  # type: ignore[arg-type]
    assert rendered.dropped == ("rank_fields",)


def test_gemini_gets_a_request_a_text() -> None:
    body = {**TWO, "dimensions": 768, "input_type": "search_query", "user": "u"}
    rendered = render("google", "embeddings", body, model="gemini-embedding-001")
    assert rendered.path == "/models/gemini-embedding-001:batchEmbedContents"
    assert rendered.dropped == ("user",)
    requests = json.loads(rendered.body)["requests"]  # type: ignore[arg-type]
    assert [request["content"] for request in requests] == [{"parts": [{"text": text}]} for text in TWO["input"]]
    rest = {key: value for key, value in requests[1].items() if key != "content"}
    named = {"model": "models/gemini-embedding-001"}
    assert rest == {**named, "outputDimensionality": 768, "taskType": "RETRIEVAL_QUERY"}


@pytest.mark.parametrize(
    ("kind", "base", "path"),
    [
        ("vllm", "http://host:8000/v1", "/rerank"),
        ("deepinfra", "https://api.deepinfra.com/v1/openai", "../inference/Qwen/Reranker%3F"),
        ("deepinfra", "https://proxy.test/v1", "inference/Qwen/Reranker%3F"),
        ("qwen", "https://dashscope.aliyuncs.com/compatible-mode/v1", "../../compatible-api/v1/reranks"),
        ("qwen", "https://proxy.test/v1", "/reranks"),
    ],
)
def test_reranking_is_found_where_the_vendor_has_it(kind: str, base: str, path: str) -> None:
    assert render(kind, "rerank", RANK, base=base, model="Qwen/Reranker?").path == path


def test_a_models_name_leads_to_no_other_path() -> None:
    assert render("deepinfra", "rerank", RANK, model="../../me").path == "inference/%2E%2E/%2E%2E/me"


def test_perplexity_embeds_beside_its_chat() -> None:
    rendered = render("perplexity", "embeddings", TWO, base="https://api.perplexity.ai")
    assert rendered.path == "/v1/embeddings"
    assert json.loads(rendered.body)["encoding_format"] == "base64_int8"  # type: ignore[arg-type]
    assert render("perplexity", "embeddings", TWO, base="https://api.perplexity.ai/v1").path == "/embeddings"


def test_deepinfra_reranks_pairs() -> None:
    got = sent("deepinfra", "rerank", {**RANK, "top_n": 1})
    assert got == {"queries": ["water", "water"], "documents": RANK["documents"]}


def test_who_serves_neither_is_known_before_asking() -> None:
    assert not speaks(target("anthropic"), "embeddings")
    assert not speaks(target("deepseek"), "embeddings")
    assert not speaks(target("openai"), "rerank")
    assert speaks(target("openai"), "embeddings")
    assert speaks(target("cohere"), "rerank")


LIST: dict[str, Any] = {"object": "list", "model": "m"}


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "embedding": [0.5]}],
        [{"index": 0, "embedding": [0.5]}, {"index": 0, "embedding": [0.5]}],
        [{"index": 0, "embedding": [0.5]}, {"index": 2, "embedding": [0.5]}],
        [{"index": -1, "embedding": [0.5]}, {"index": 1, "embedding": [0.5]}],
        [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": []}],
        [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": None}],
        [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": [None]}],
        [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": ["0.5"]}],
        [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": "AAAA"}],
        [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": "not base64!"}],
        [{"index": 0, "embedding": [0.5]}, "text"],
    ],
)
def test_half_an_answer_is_the_upstreams_fault(data: Any) -> None:
    with pytest.raises(MalformedReply):
        read("openai-compatible", "embeddings", {**LIST, "data": data}, TWO)


def test_numbers_that_are_none_are_the_upstreams_fault() -> None:
    reply = b'{"data": [{"index": 0, "embedding": [0.5]}, {"index": 1, "embedding": [0.5, NaN]}]}'
    with pytest.raises(MalformedReply):
        read("openai-compatible", "embeddings", reply, TWO)


@pytest.mark.parametrize(
    "results",
    [
        [],
        ["text"],
        [{"relevance_score": 0.5}],
        [{"index": 0}],
        [{"index": 0, "relevance_score": None}],
        [{"index": 0, "relevance_score": "high"}],
        [{"index": 2, "relevance_score": 0.5}],
        [{"index": -1, "relevance_score": 0.5}],
        [{"index": 0, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.4}],
    ],
)
def test_a_ranking_of_something_else_is_the_upstreams_fault(results: Any) -> None:
    with pytest.raises(MalformedReply):
        read("vllm", "rerank", {"results": results}, RANK)


def test_the_best_come_first_as_many_as_were_asked_for_with_their_documents() -> None:
    reply = {"results": [{"index": i, "relevance_score": score} for i, score in enumerate((0.1, 0.9, 0.5))]}
    body = {"query": "q", "documents": ["a", "b", "c"], "top_n": 2, "return_documents": True}
    got = read("vllm", "rerank", reply, body)
    assert got["results"] == [
        {"index": 1, "relevance_score": 0.9, "document": {"text": "b"}},
        {"index": 2, "relevance_score": 0.5, "document": {"text": "c"}},
    ]


@pytest.mark.parametrize("kind", ["openai-compatible", "google"])
def test_an_error_in_a_success_is_an_error(kind: str) -> None:
    error = {"error": {"message": "slow down", "code": 429}}
    with pytest.raises(RateLimited):
        read(kind, "embeddings", error, TWO)


def test_more_texts_than_a_vendor_takes_go_in_parts_and_come_back_as_one() -> None:
    texts = [f"text {number}" for number in range(200)]
    call = Call("embeddings", {"input": texts, "user": "u"})
    parts = batches.split(call, "cohere")
    assert [len(part.body["input"]) for part in parts] == [96, 96, 8]
    assert [text for part in parts for text in part.body["input"]] == texts
    assert all(part.body["user"] == "u" for part in parts)
    bodies = [
        {
            **LIST,
            "data": [
                {"object": "embedding", "index": place, "embedding": [float(text.split()[1])]}
                for place, text in enumerate(part.body["input"])
            ],
            "usage": {"prompt_tokens": 5, "total_tokens": 5},
        }
        for part in parts
    ]
    joined = batches.join(call, parts, bodies)
    assert [row["embedding"] for row in joined["data"]] == [[float(number)] for number in range(200)]
    assert joined["usage"] == {"prompt_tokens": 15, "total_tokens": 15}
    del bodies[1]["usage"]
    assert "usage" not in batches.join(call, parts, bodies)


def test_a_request_of_a_size_that_is_taken_stays_whole() -> None:
    for body in ({"input": "text"}, {"input": [1, 2]}, {"input": ["text"] * 96}):
        call = Call("embeddings", body)
        assert batches.split(call, "cohere") == [call]
    chat = Call("chat", {"messages": []})
    assert batches.split(chat, "cohere") == [chat]


def test_the_best_of_all_parts_are_the_best() -> None:
    documents = [str(number) for number in range(40)]
    call = Call("rerank", {"query": "q", "documents": documents, "top_n": 2})
    parts = batches.split(call, "tei")
    assert [("top_n" in part.body, len(part.body["documents"])) for part in parts] == [(False, 32), (False, 8)]
    bodies = [{"id": "r", "model": "m", "results": [{"index": 3, "relevance_score": score}]} for score in (0.25, 0.75)]
    joined = batches.join(call, parts, bodies)
    assert [result["index"] for result in joined["results"]] == [35, 3]
