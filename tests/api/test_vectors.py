"""Embeddings and reranking through a real gateway: what callers get, how it fails over, what is recorded."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import cohere
import openai
import pytest
from openai import OpenAI

from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard
from tests.upstream import Behaviour, Peer, reply

pytestmark = pytest.mark.gateway

NUMBERS = [-0.0068461937, 0.1, 0.25, 1e-05]
ENCODED = base64.b64encode(struct.pack("<4f", *NUMBERS)).decode()
DOCUMENTS = ["a river", "the sea", "a desert"]
DOWN = reply({"error": {"message": "down"}}, status=503)
EMBEDS = {"type": "text-embeddings-inference", "prices": [{"input": "0.02"}]}
RANKS = {"type": "text-classification", "prices": [{"request": "2000"}]}


def listed(*vectors: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {
        "object": "list",
        "data": data,
        "model": "m-1",
        "usage": {"prompt_tokens": 500, "total_tokens": 500},
    }


def ranked(*scores: float, **more: Any) -> dict[str, Any]:
    return {"id": "r-1", "results": [{"index": i, "relevance_score": s} for i, s in enumerate(scores)], **more}


def config(board: Switchboard) -> str:
    def provider(name: str, kind: str, **models: Any) -> dict[str, Any]:
        return {"kind": kind, "base_url": board.base_url(name), "keyless": True, "models": models}

    keys = [{"label": "one", "env": "KEY_ONE"}, {"label": "two", "env": "KEY_TWO"}]
    rows = {
        "acme": provider("acme", "openai-compatible", **{"m-1": EMBEDS, "r-1": RANKS, "talker": {}}),
        "spare": provider("spare", "openai-compatible", **{"m-1": EMBEDS}),
        "enc": provider("enc", "openai", **{"m-1": EMBEDS}),
        "coh": provider("coh", "cohere", **{"m-1": EMBEDS, "r-1": RANKS}),
        "gem": provider("gem", "google", **{"m-1": EMBEDS}),
        "claude": provider("claude", "anthropic"),
        "keyed": {"kind": "openai-compatible", "base_url": board.base_url("keyed"), "keys": keys},
    }
    patient = {"upstream_model": "m-1", "circuit_failures": 1000}  # each test has its own faults of the same endpoint
    ends = {name: {"provider": name, **patient} for name in ("acme", "spare")}
    vectors = {
        "type": "text-embeddings-inference",
        "aliases": ["vec"],
        "entries": [{"endpoint": "acme"}, {"endpoint": "spare"}],
    }
    return json.dumps({"version": 1, "providers": rows, "endpoints": ends, "models": {"vectors": vectors}})


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        yield made


@pytest.fixture(scope="module")
def gateway(board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("vectors")
    with running_gateway(folder, config(board), workers=1, KEY_ONE="first-key-1", KEY_TWO="second-key-2") as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=30) as made:
        yield made


def embed(gateway: RunningGateway, **body: Any) -> tuple[int, dict[str, str], Any]:
    status, headers, raw = gateway.post(body, path="/v1/embeddings")
    return status, headers, json.loads(raw)


def rank(gateway: RunningGateway, path: str = "/v1/rerank", **body: Any) -> tuple[int, dict[str, str], Any]:
    asked = {"query": "water", "documents": DOCUMENTS, **body}
    status, headers, raw = gateway.post(asked, path=path)
    return status, headers, json.loads(raw)


def in_single_precision(numbers: list[float]) -> list[float]:
    return list(struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers)))


def test_the_official_client_which_asks_base64_reads_numbers(client: OpenAI, board: Switchboard) -> None:
    for name, vector in (("acme", NUMBERS), ("enc", ENCODED)):
        board.plug(name, reply(listed(vector)))
        answer = client.embeddings.create(model=f"{name}/m-1", input="a river")
        assert [row.embedding for row in answer.data] == [in_single_precision(NUMBERS)]
        assert (answer.object, answer.usage.prompt_tokens) == ("list", 500)
    assert "encoding_format" not in board.seen("acme")[-1].json
    assert board.seen("enc")[-1].json["encoding_format"] == "base64"


def test_numbers_are_the_vendors_own(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("acme", reply(listed(NUMBERS, [1, 2, 3, 4])))
    status, _, answer = embed(gateway, model="vec", input=["a", "b"])
    assert (status, [row["embedding"] for row in answer["data"]]) == (200, [NUMBERS, [1, 2, 3, 4]])


def test_a_vendor_that_encodes_unasked_is_read_as_well(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("enc", reply(listed(ENCODED)))
    _, _, answer = embed(gateway, model="enc/m-1", input=[[1, 2]], encoding_format="float")
    assert answer["data"][0]["embedding"] == in_single_precision(NUMBERS)
    assert board.seen("enc")[-1].json == {"model": "m-1", "input": [[1, 2]], "encoding_format": "float"}


def test_the_record_says_what_was_done_and_what_it_cost(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("acme", reply(listed(NUMBERS)))
    _, headers, _ = embed(gateway, model="vectors", input="a")
    (row,) = gateway.records(1, f"request_id = '{headers['x-request-id']}'")
    assert (row["operation"], row["outcome"], row["usage_source"]) == ("embeddings", "success", "vendor")
    assert (row["prompt_tokens"], float(row["cost"]), row["currency"]) == (500, 0.00001, "USD")


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        reply(listed(NUMBERS)),
        reply(listed(NUMBERS, None)),
        reply(listed(NUMBERS, "!")),
        reply({"data": "none"}),
        reply(b"<html>"),
    ],
    ids=["503", "one of two", "a null", "not base64", "no list", "a web page"],
)
def test_a_fault_goes_on_to_the_next_endpoint(fault: Behaviour, gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("acme", fault)
    board.plug("spare", reply(listed(NUMBERS, NUMBERS)))
    status, headers, answer = embed(gateway, model="vectors", input=["a", "b"])
    assert (status, headers["x-gateway-endpoint"], len(answer["data"])) == (200, "spare", 2)
    assert headers["x-gateway-attempts"] == "3"


def test_a_refused_key_is_followed_by_the_next(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("keyed", reply({"error": {"message": "Incorrect API key"}}, status=401), reply(listed(NUMBERS)))
    assert embed(gateway, model="keyed/never-catalogued", input="a")[0] == 200
    keys = [request.headers["authorization"] for request in board.seen("keyed")]
    assert keys == ["Bearer first-key-1", "Bearer second-key-2"]


def test_many_texts_go_in_parts_and_come_back_in_order(gateway: RunningGateway, board: Switchboard) -> None:
    def answer(peer: Peer) -> None:
        texts = board.seen("coh")[-1].json["texts"]
        vectors = [[float(text), 0.5] for text in texts]
        meta = {"billed_units": {"input_tokens": len(texts)}}
        reply({"id": "e", "embeddings": {"float": vectors}, "texts": texts, "meta": meta})(peer)

    board.plug("coh", answer)
    before = len(board.seen("coh"))
    texts = [str(number) for number in range(200)]
    status, headers, answered = embed(gateway, model="coh/m-1", input=texts, user="u")
    assert status == 200
    assert [row["embedding"][0] for row in answered["data"]] == list(range(200))
    assert [row["index"] for row in answered["data"]] == list(range(200))
    assert answered["usage"] == {"prompt_tokens": 200, "total_tokens": 200}
    sizes = [len(request.json["texts"]) for request in board.seen("coh")[before:]]
    assert sizes == [96, 96, 8]
    assert headers["x-gateway-dropped-params"] == "user"


def test_a_strict_caller_is_told_what_a_vendor_has_no_word_for(gateway: RunningGateway) -> None:
    body = {"model": "coh/m-1", "input": "a", "user": "u"}
    status, _, raw = gateway.post(body, path="/v1/embeddings", **{"x-gateway-strict": "true"})
    assert (status, json.loads(raw)["error"]["param"]) == (400, "user")


def test_tokens_that_no_vendor_counted_are_estimated(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("gem", reply({"embeddings": [{"values": NUMBERS}]}))
    _, headers, answer = embed(gateway, model="gem/m-1", input="12345678")
    assert answer["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    (row,) = gateway.records(1, f"request_id = '{headers['x-request-id']}'")
    assert (row["usage_source"], row["prompt_tokens"]) == ("estimated", 2)
    assert board.seen("gem")[-1].target.endswith("/models/m-1:batchEmbedContents")


def test_a_model_is_asked_where_its_type_is_served(client: OpenAI, gateway: RunningGateway) -> None:
    with pytest.raises(openai.BadRequestError, match="text-generation") as caught:
        client.embeddings.create(model="acme/talker", input="a")
    assert (caught.value.param, caught.value.code) == ("model", "unsupported_operation")
    assert "/v1/chat/completions" in caught.value.message
    with pytest.raises(openai.BadRequestError, match="text-embeddings-inference"):
        client.chat.completions.create(model="vectors", messages=[{"role": "user", "content": "Hi"}])
    status, _, told = rank(gateway, model="vectors")
    assert (status, told["error"]["code"]) == (400, "unsupported_operation")


def test_what_a_vendor_has_no_words_for_is_said_without_asking(gateway: RunningGateway) -> None:
    status, _, told = embed(gateway, model="claude/anything", input="a")
    assert (status, told["error"]["code"]) == (400, "unsupported_operation")
    status, _, told = rank(gateway, model="gem/anything")
    assert (status, told["error"]["code"]) == (400, "unsupported_operation")


def test_an_uncatalogued_model_may_be_asked_anything(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("acme", reply(listed(NUMBERS)))
    assert embed(gateway, model="acme/unheard-of", input="a")[0] == 200
    board.plug("acme", reply(ranked(0.1, 0.2, 0.3)))
    assert rank(gateway, model="unheard-of", provider="acme")[0] == 200


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": ["a", 1]}, {"input": "a", "dimensions": -1}])
def test_a_wrong_request_is_named_to_the_official_client(body: dict[str, Any], client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/embeddings", body={"model": "vectors", **body}, cast_to=object)
    assert caught.value.param in ("input", "input[1]", "dimensions")


def test_a_vendors_refusal_is_passed_on(client: OpenAI, board: Switchboard) -> None:
    refusal = {"error": {"message": "dimensions too large", "type": "invalid_request_error", "param": "dimensions"}}
    board.plug("acme", reply(refusal, status=400))
    with pytest.raises(openai.BadRequestError, match="too large") as caught:
        client.embeddings.create(model="vectors", input="a", dimensions=99999)
    assert caught.value.param == "dimensions"


@pytest.mark.parametrize("path", ["/embeddings", "/rerank", "/v2/rerank"])
def test_the_other_paths_answer_too(path: str, gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("acme", reply(ranked(0.1) if "rerank" in path else listed(NUMBERS)))
    body = {"model": "acme/x", "input": ["a"], "prompt": "q"}
    assert gateway.post(body, path=path)[0] == 200


def test_the_best_documents_come_first(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("acme", reply(ranked(0.1, 0.9, 0.5, usage={"total_tokens": 9})))
    status, headers, answer = rank(gateway, model="acme/r-1", top_n=2, return_documents=True)
    assert status == 200
    assert answer["results"] == [
        {"index": 1, "relevance_score": 0.9, "document": {"text": "the sea"}},
        {"index": 2, "relevance_score": 0.5, "document": {"text": "a desert"}},
    ]
    assert (answer["id"], answer["model"], answer["usage"]["total_tokens"]) == ("r-1", "r-1", 9)
    sent = board.seen("acme")[-1]
    assert sent.target.endswith("/rerank")
    assert sent.json == {"model": "r-1", "query": "water", "documents": DOCUMENTS, "top_n": 2}
    (row,) = gateway.records(1, f"request_id = '{headers['x-request-id']}'")
    assert (row["operation"], float(row["cost"])) == ("rerank", 0.002)


def test_coheres_own_client_reranks_through_the_gateway(gateway: RunningGateway, board: Switchboard) -> None:
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 3}}
    board.plug("coh", reply(ranked(0.2, 0.7, 0.1, meta=meta)))
    with cohere.ClientV2(api_key=gateway.key, base_url=gateway.url) as client:
        answer = client.rerank(model="coh/r-1", query="water", documents=DOCUMENTS, top_n=1)
    assert [(result.index, result.relevance_score) for result in answer.results] == [(1, 0.7)]
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.search_units == 3
    row = gateway.records(1, "requested_model = 'coh/r-1'")[-1]
    assert float(row["cost"]) == 0.006
