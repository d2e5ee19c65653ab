"""The ollama adapter: how replies and streams are read, are mended, or fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.errors import (
    ContextTooLong,
    MalformedReply,
    ModelMissing,
    RequestRejected,
    ServerFailed,
    StreamCut,
    Unsupported,
    UpstreamError,
)
from providers.wire import Target

ADAPTER = ADAPTERS["ollama"]
TARGET = Target("home", "ollama", "ollama", "http://gpu.test:11434", "asked-for")
AT = "2026-08-04T08:52:19.385406123Z"
OVER = {"done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2}


def line(done: dict[str, Any] | None = None, **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "", **message}
    return {"model": "qwen3:8b", "created_at": AT, "message": said, **(done or {"done": False})}


def called(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **more}


def read(*lines: Any) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", TARGET)
    data = b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    return parser.feed(data) + parser.end()


def parse(raw: Any, operation: str = "chat") -> dict[str, Any]:
    return ADAPTER.parse(operation, raw if isinstance(raw, bytes) else json.dumps(raw).encode(), TARGET)


def finish(chunks: list[dict[str, Any]]) -> list[str]:
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    return [reason for reason in reasons if reason]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", "stop"), ("length", "length"), ("load", "stop"), ("unload", "stop"), (None, "stop")],
)
def test_reasons_to_end_become_openais(reason: Any, expected: str) -> None:
    over = {**OVER, "done_reason": reason}
    assert parse(line(over, content="a"))["choices"][0]["finish_reason"] == expected
    assert finish(read(line(content="a"), line(over))) == [expected]


def test_the_head_is_made_of_what_the_server_says() -> None:
    got = parse(line(OVER, content="a"))
    assert (got["object"], got["model"], got["created"]) == ("chat.completion", "qwen3:8b", 1785833539)
    assert got["id"].startswith("chatcmpl-")
    bare = parse({"message": {"content": "a"}, "done": True, "created_at": "yesterday"})
    assert bare["model"] == "asked-for"
    assert bare["created"] > 0


def test_calls_get_ids_of_their_own_and_arguments_as_text() -> None:
    calls = [called("a", {"x": 1}), called("b", None), called("c", '{"y":2}', id="k"), called("d", {}, id="k")]
    message = parse(line(OVER, tool_calls=calls))["choices"][0]
    got = message["message"]["tool_calls"]
    assert [(each["function"]["name"], each["function"]["arguments"]) for each in got] == [
        ("a", '{"x":1}'), ("b", "{}"), ("c", '{"y":2}'), ("d", "{}"),
    ]  # fmt: skip
    assert len({each["id"] for each in got}) == 4
    assert got[2]["id"] == "k"
    assert {each["type"] for each in got} == {"function"}
    assert message["finish_reason"] == "tool_calls"


def test_calls_of_a_stream_come_in_one_piece_each_over_several_lines() -> None:
    lines = [line(tool_calls=[called("a", {"x": 1}), called("b", {})]), line(tool_calls=[called("c", {})]), line(OVER)]
    chunks = read(*lines)
    got = [each for chunk in chunks for choice in chunk["choices"] for each in choice["delta"].get("tool_calls", ())]
    assert [(each["index"], each["function"]["name"]) for each in got] == [(0, "a"), (1, "b"), (2, "c")]
    assert len({each["id"] for each in got}) == 3
    assert finish(chunks) == ["tool_calls"]


def test_a_call_on_the_last_line_is_not_lost() -> None:
    chunks = read(line(OVER, content="so", tool_calls=[called("a", {})]))
    assert chunks[0]["choices"][0]["delta"]["content"] == "so"
    assert finish(chunks) == ["tool_calls"]


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_eval_count": 5, "eval_count": 2}, (5, 2, 7)),
        ({"eval_count": 2}, (0, 2, 2)),
        ({}, None),
    ],
)
def test_counts_become_usage_where_there_are_any(counts: dict[str, int], usage: Any) -> None:
    over = {"done": True, "done_reason": "stop", **counts}
    for got in (parse(line(over, content="a")), read(line(content="a"), line(over))[-1]):
        figures = got.get("usage")
        read_out = figures and (figures["prompt_tokens"], figures["completion_tokens"], figures["total_tokens"])
        assert read_out == usage


def test_chances_of_tokens_are_openais() -> None:
    given = [{"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "e", "logprob": -1, "bytes": [101]}]}]
    expected = {
        "content": [
            {
                "token": "é",
                "logprob": -0.5,
                "bytes": [195, 169],
                "top_logprobs": [{"token": "e", "logprob": -1.0, "bytes": [101]}],
            }
        ],
        "refusal": None,
    }
    assert parse({**line(OVER, content="é"), "logprobs": given})["choices"][0]["logprobs"] == expected
    assert read({**line(content="é"), "logprobs": given}, line(OVER))[0]["choices"][0]["logprobs"] == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("an error was encountered while running the model: CUDA error", ServerFailed),
        ("model runner has unexpectedly stopped", ServerFailed),
        ("prompt too long; exceeded max context length by 12 tokens", ContextTooLong),
        ("model 'x' not found, try pulling it first", ModelMissing),
    ],
)
def test_an_error_within_a_stream_is_of_the_class_that_its_words_say(said: str, expected: type[UpstreamError]) -> None:
    with pytest.raises(expected, match=said[:12]):
        read(line(content="a"), {"error": said})
    with pytest.raises(expected):
        parse({"error": said})


@pytest.mark.parametrize("cut", [1, 20, 150])
def test_a_stream_without_its_last_line_is_a_cut(cut: int) -> None:
    whole = json.dumps(line(content="a")).encode() + b"\n" + json.dumps(line(OVER)).encode()
    parser = ADAPTER.open_stream("chat", TARGET)
    parser.feed(whole[:-cut])
    assert not parser.complete
    with pytest.raises(StreamCut):
        parser.end()


def test_a_stream_that_ends_between_two_lines_is_a_cut_too() -> None:
    for lines in ([], [line(content="a")], [line(tool_calls=[called("a", {})])]):
        with pytest.raises(StreamCut):
            read(*lines)


def test_the_last_line_needs_no_line_end_and_nothing_after_it_counts() -> None:
    data = json.dumps(line(content="a")).encode() + b"\r\n\r\n" + json.dumps(line(OVER)).encode()
    parser = ADAPTER.open_stream("chat", TARGET)
    chunks = parser.feed(data) + parser.end()
    assert finish(chunks) == ["stop"]
    assert parser.done
    assert read(line(content="a"), line(OVER), b"junk", {"error": "late"})[-1]["usage"]["total_tokens"] == 7


@pytest.mark.parametrize(
    "junk", [b"<html>busy</html>", b"[]", b'{"done":false}', b'{"message":{"content":5},"done":false}', b"null"]
)
def test_what_is_no_stream_of_ollamas_is_malformed(junk: bytes) -> None:
    with pytest.raises(MalformedReply):
        read(junk)


def test_a_reply_that_is_not_the_whole_answer_is_malformed() -> None:
    for raw in (line(content="a"), {"done": True}, [], b"{"):
        with pytest.raises(MalformedReply):
            parse(raw)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (404, "model 'x' not found, try pulling it first", ModelMissing),
        (400, "invalid options: num_ctx", RequestRejected),
        (400, "registry.ollama.ai/library/gemma:2b does not support tools", Unsupported),
        (400, '"gemma3:1b" does not support thinking', Unsupported),
        (400, 'think value "high" is not supported for this model', Unsupported),
        (400, "option 'x does not support tools' is wrong", RequestRejected),
        (400, "the input length exceeds the context length", ContextTooLong),
        (500, "model requires more system memory (9 GiB) than is available (4 GiB)", ServerFailed),
        (503, "server busy, please try again.  maximum pending requests exceeded", ServerFailed),
    ],
)
def test_errors_are_classified(status: int, said: str, expected: type[UpstreamError]) -> None:
    error = ADAPTER.parse_error(status, {}, json.dumps({"error": said}).encode(), TARGET)
    assert type(error) is expected
    assert error.message == said


def test_embeddings_become_openais_list() -> None:
    got = parse({"model": "all-minilm", "embeddings": [[0.1, 0.2], [0.3, 0.4]], "prompt_eval_count": 8}, "embeddings")
    assert got == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]},
            {"object": "embedding", "index": 1, "embedding": [0.3, 0.4]},
        ],
        "model": "all-minilm",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
    for junk in ({"embeddings": "no"}, {"embeddings": [1]}, {"embeddings": []}, {}):
        with pytest.raises(MalformedReply):
            parse(junk, "embeddings")
