"""Servers of one's own that speak formats of their own, behind the same front door."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.running import RunningGateway
from tests.switchboard import Switchboard, completion, reply, stream

pytestmark = pytest.mark.gateway

HI: Any = [{"role": "user", "content": "Hi"}]
OVER = {"done": True, "done_reason": "stop", "prompt_eval_count": 4, "eval_count": 3}


def line(over: dict[str, Any] | None = None, **message: Any) -> bytes:
    said = {"role": "assistant", "content": "", **message}
    return json.dumps({"model": "m:1b", "message": said, **(over or {"done": False})}).encode() + b"\n"


def test_a_whole_answer_of_ollama(client: OpenAI, switchboard: Switchboard) -> None:
    switchboard.plug("home", reply(json.loads(line(OVER, content="Hello", thinking="Greet."))))
    answer = client.chat.completions.create(
        model="home/m:1b", messages=HI, max_tokens=9, reasoning_effort="low", extra_body={"options": {"num_ctx": 4096}}
    )
    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].message.to_dict()["reasoning_content"] == "Greet."
    assert answer.usage is not None
    assert answer.usage.total_tokens == 7
    sent = switchboard.seen("home")[-1]
    assert sent.target == "/home/api/chat"
    options = {"num_predict": 9, "num_ctx": 4096}
    assert sent.json == {"model": "m:1b", "messages": HI, "stream": False, "think": True, "options": options}


def test_a_stream_of_ollama_with_a_tool_call(client: OpenAI, gateway: RunningGateway, switchboard: Switchboard) -> None:
    call = {"function": {"name": "tide", "arguments": {"port": "Étel"}}}
    parts = [line(thinking="Hm."), line(content="Let me"), line(content=" see."), line(tool_calls=[call]), line(OVER)]
    whole = b"".join(parts)
    switchboard.plug("home", stream(whole[:33], whole[33:250], whole[250:], media="application/x-ndjson"))
    options: Any = {"include_usage": True}
    name = "home/tides"
    chunks = list(client.chat.completions.create(model=name, messages=HI, stream=True, stream_options=options))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "Let me see."
    (called,) = [each for delta in deltas for each in delta.tool_calls or ()]
    assert called.function is not None
    assert (called.function.name, json.loads(called.function.arguments or "")) == ("tide", {"port": "Étel"})
    assert called.id
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "tool_calls"
    assert chunks[-1].usage is not None
    (row,) = gateway.records(1, f"requested_model = '{name}'")
    assert (row["prompt_tokens"], row["completion_tokens"], row["usage_source"]) == (4, 3, "vendor")


@pytest.mark.parametrize(
    "last", [b"", b'{"error":"an error was encountered while running the model"}\n'], ids=["cut", "error"]
)
def test_a_stream_of_ollama_that_breaks_ends_in_an_error(last: bytes, client: OpenAI, switchboard: Switchboard) -> None:
    switchboard.plug("home", stream(line(content="Hel"), last, media="application/x-ndjson"))
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="home/broken", messages=HI, stream=True))


def test_the_same_kind_speaks_openais_format_at_a_base_url_that_says_so(
    client: OpenAI, switchboard: Switchboard
) -> None:
    switchboard.plug("home-v1", reply(completion("Hello")))
    answer = client.chat.completions.create(model="home-v1/m:1b", messages=HI, max_completion_tokens=9)
    assert answer.choices[0].message.content == "Hello"
    sent = switchboard.seen("home-v1")[-1]
    assert (sent.target, sent.json["max_tokens"]) == ("/home-v1/v1/chat/completions", 9)


def test_a_server_of_embeddings_is_not_asked_to_chat(client: OpenAI, switchboard: Switchboard) -> None:
    before = len(switchboard.seen("vectors"))
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="vectors/bge-m3", messages=HI)
    assert "tei upstreams know no chat" in caught.value.message
    assert len(switchboard.seen("vectors")) == before


def test_texts_are_embedded_by_ollama(client: OpenAI, switchboard: Switchboard) -> None:
    switchboard.plug("home", reply({"model": "e", "embeddings": [[0.25, -0.5], [1, 0]], "prompt_eval_count": 6}))
    answer = client.embeddings.create(model="home/e", input=["a", "b"])
    assert [row.embedding for row in answer.data] == [[0.25, -0.5], [1.0, 0.0]]
    assert answer.usage.prompt_tokens == 6
    sent = switchboard.seen("home")[-1]
    assert (sent.target, sent.json) == ("/home/api/embed", {"model": "e", "input": ["a", "b"]})


def test_texts_are_embedded_and_ranked_by_tei(
    client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    row = {"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}
    switchboard.plug(
        "vectors",
        reply({"object": "list", "data": [row], "model": "m3", "usage": {"prompt_tokens": 3, "total_tokens": 3}}),
        reply([[0.25, -0.5]]),
        reply([{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]),
    )
    counted = client.embeddings.create(model="vectors/m3", input="a")
    assert (counted.data[0].embedding, counted.usage.prompt_tokens) == ([0.25, -0.5], 3)
    cut = client.embeddings.create(model="vectors/m3", input="a", extra_body={"truncate": True})
    assert cut.data[0].embedding == [0.25, -0.5]
    asked = {"model": "vectors/m3", "query": "q", "documents": ["a", "b"], "top_n": 1, "return_documents": True}
    status, _, raw = gateway.post(asked, path="/v1/rerank")
    assert status == 200
    (best,) = json.loads(raw)["results"]
    assert best == {"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}
    targets = [request.target for request in switchboard.seen("vectors")[-3:]]
    assert targets == ["/vectors/v1/embeddings", "/vectors/embed", "/vectors/rerank"]


def test_what_one_model_of_ollama_cannot_do_another_is_asked_for(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    refused = {"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools", "type": "api_error"}}
    switchboard.plug(f"primary-{case}", reply(refused, status=400))
    switchboard.plug(f"fallback-{case}", reply(completion("Hello")))
    answer = client.chat.completions.create(model=case, messages=HI)
    assert answer.choices[0].message.content == "Hello"
    switchboard.plug("home", reply({"error": "gemma:2b does not support tools"}, status=400))
    with pytest.raises(openai.BadRequestError, match="does not support tools"):
        client.chat.completions.create(model="home/gemma:2b", messages=HI)
