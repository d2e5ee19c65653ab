"""What counts as a valid answer when the configured models are checked."""

from __future__ import annotations

import pytest

from routing.checking import validate
from tests.switchboard import completion


def chunk(delta=None, finish=None, **more):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
WHOLE = [chunk({"role": "assistant", "content": "po"}), chunk({"content": "ng"}), chunk({}, "stop"), chunk(usage=USAGE)]


def altered(**changes):
    """A completion whose only choice is changed."""
    body = completion("pong")
    return {**body, "choices": [{**body["choices"][0], **changes}]}


def test_answers_as_the_format_promises_are_valid():
    assert validate.completion(completion("pong")) == []
    assert validate.completion(altered(finish_reason="length", message={"role": "assistant", "content": ""})) == []
    assert validate.completion(altered(message={"role": "assistant", "content": None, "reasoning": "hm"})) == []
    assert validate.chunks(WHOLE) == []
    assert validate.chunks(WHOLE[:3]) == [], "not every vendor counts tokens"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ([], "not an object"),
        ({**completion(), "choices": []}, "choices: there are none"),
        ({**completion(), "id": ""}, "id: expected text"),
        ({**completion(), "object": "text"}, "object: expected 'chat.completion'"),
        ({**completion(), "created": "now"}, "created"),
        ({**completion(), "usage": {**USAGE, "total_tokens": 6}}, "usage: 3 + 2 tokens are not 6"),
        ({**completion(), "usage": {**USAGE, "prompt_tokens": None}}, "usage: expected whole numbers"),
        (altered(finish_reason=None), "choices[0].finish_reason"),
        (altered(message={"role": "user", "content": "x"}), "message.role"),
        (altered(message={"role": "assistant", "content": ["x"]}), "message.content: expected text"),
        (altered(message={"role": "assistant", "content": ""}), "the answer is empty"),
        (altered(message=None), "message: expected an object"),
    ],
)
def test_a_completion_that_breaks_the_format_is_told_where(body, fault):
    assert fault in "; ".join(validate.completion(body))


@pytest.mark.parametrize(
    ("chunks", "fault"),
    [
        ([], "no chunk"),
        (WHOLE[:2], "no finish_reason"),
        ([*WHOLE[:3], chunk({"content": "more"})], "something follows the finish_reason"),
        ([WHOLE[0], {**WHOLE[1], "id": "other"}, WHOLE[2]], "not the same in all chunks"),
        ([chunk({"role": "assistant", "content": ""}), chunk({}, "stop")], "the answer is empty"),
        ([chunk({"content": 7}), *WHOLE], "delta.content"),
        ([chunk({"content": "x"}, "eos")], "finish_reason: expected one of"),
        ([*WHOLE[:3], chunk(usage={**USAGE, "total_tokens": 9})], "usage: 3 + 2 tokens are not 9"),
        ([{"choices": None}], "not an object with choices"),
    ],
)
def test_a_stream_that_breaks_the_format_is_told_where(chunks, fault):
    assert fault in "; ".join(validate.chunks(chunks))


def test_embeddings_reranking_and_transcriptions_are_judged_too():
    row = {"object": "embedding", "index": 0, "embedding": [0.1, -0.2]}
    assert validate.embeddings({"object": "list", "data": [row]}) == []
    assert validate.embeddings({"object": "list", "data": []})
    assert validate.embeddings({"object": "list", "data": [{**row, "embedding": "AAAA"}]})
    assert validate.embeddings({"object": "list", "data": [{**row, "embedding": [float("nan")]}]})
    results = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
    assert validate.rerank({"results": results}, 2) == []
    assert validate.rerank({"results": results[::-1]}, 2) == ["results: not in the order of their scores"]
    assert validate.rerank({"results": [results[0], results[0]]}, 2)
    assert validate.rerank({"results": [{"index": 0, "relevance_score": None}]}, 1)
    assert validate.transcription({"transcript": {"text": ""}}) == []
    assert validate.transcription({"transcript": "hum"}) == []
    assert validate.transcription({"transcript": {"text": None}}) == ["text: expected a string"]
    assert validate.transcription({}) == ["text: expected a string"]
