"""Whatever an upstream sends, whole, in pieces or as an error: a reply or an error of ours, never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_project.api.dialects import openai
from providers.adapters import ADAPTERS
from providers.adapters.base import StreamParser
from providers.errors import UpstreamError
from providers.sse import SSEDecoder
from tests.core import mutations as mutant

WHOLE = [
    path
    for path in sorted(mutant.GOLDEN.glob("*/*.json"))
    if not path.name.endswith((".expected.json", "request.json", "error.json"))
]
STREAMS = sorted([*mutant.GOLDEN.glob("*/*.sse"), *mutant.GOLDEN.glob("*/*.ndjson")])
STREAMED = [wire for wire, operation in mutant.SPOKEN if operation == "chat"]
ERRORS = sorted(mutant.GOLDEN.glob("*/error.json"))
STATUSES = st.sampled_from([200, 301, 400, 401, 402, 403, 404, 408, 413, 422, 429, 498, 500, 503, 529, 599])
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset", "date"]),
    st.one_of(mutant.TEXT, st.sampled_from(["1", "-1", "1e999", "nan", "9" * 400, "6m0s", "Fri, 99 Foo 2026"])),
)


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def kind_of(wire: str) -> str:
    return {"gemini": "google"}.get(wire, wire)


def operation_of(path: Path) -> str:
    return next((name for name in ("embeddings", "rerank") if path.name.startswith(name)), "chat")


def outcome(function: Callable[[], Any]) -> Any:
    """What ``function`` returns, or the message of the error of ours that it raises; any other exception fails."""
    try:
        return function()
    except UpstreamError as error:
        return error.message


def parse(wire: str, operation: str, payload: bytes, kind: str = "") -> None:
    """A reply must be one that can be given to a caller, too."""
    target = mutant.target_of(kind or kind_of(wire))
    got = outcome(lambda: ADAPTERS[wire].parse(operation, payload, target))
    assert got
    json.loads(openai.dumps(got))


def drink(parser: StreamParser, payload: bytes, cuts: list[int]) -> None:
    """Feed ``payload`` cut at ``cuts``, as ``ChunkStream`` does, and render what comes."""

    def drunk() -> bool:
        for piece in cut(payload, cuts):
            for chunk in parser.feed(piece):
                spoken(chunk)
        for chunk in parser.end():
            spoken(chunk)
        return parser.done and parser.complete

    assert outcome(drunk)


def cut(payload: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({edge % (len(payload) + 1) for edge in cuts} | {0, len(payload)})
    return [payload[start:end] for start, end in pairwise(edges)]


def spoken(chunk: dict[str, Any]) -> None:
    json.loads(openai.render_chunk(chunk, include_usage=True).removeprefix(b"data: "))


CUTS = st.lists(st.integers(0, 5000), max_size=6)


@pytest.mark.parametrize(("wire", "operation"), mutant.SPOKEN)
@mutant.fuzz
@given(payload=st.one_of(st.binary(max_size=200), mutant.JSON.map(mutant.encoded)))
def test_any_bytes_and_any_json_are_a_reply_or_an_error_of_ours(wire: str, operation: str, payload: bytes) -> None:
    parse(wire, operation, payload)


@pytest.mark.parametrize("path", WHOLE, ids=named)
@mutant.fuzz
@given(data=st.data())
def test_a_reply_with_a_broken_node_is_a_reply_or_an_error_of_ours(path: Path, data: st.DataObject) -> None:
    document = data.draw(mutant.broken(json.loads(path.read_text())))
    kind = path.parent.name
    parse(mutant.KINDS[kind].wire, operation_of(path), mutant.encoded(document), kind)


@pytest.mark.parametrize("depth", [200, 255, 900, 1100, 100_000])
@pytest.mark.parametrize("path", WHOLE, ids=named)
def test_a_reply_that_is_nested_deeply_is_a_reply_or_an_error_of_ours(path: Path, depth: int) -> None:
    document = json.loads(path.read_text())
    wire = mutant.KINDS[path.parent.name].wire
    for place in mutant.places(document):
        marked = mutant_at(document, place, "@deep@")
        deep = b"[" * depth + b"]" * depth
        parse(wire, operation_of(path), mutant.encoded(marked).replace(b'"@deep@"', deep), path.parent.name)


def mutant_at(document: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    key, *rest = place
    inner = mutant_at(document[key], tuple(rest), new)
    if isinstance(document, dict):
        return {**document, key: inner}
    return [*document[:key], inner, *document[key + 1 :]]


@pytest.mark.parametrize("wire", STREAMED)
@mutant.fuzz
@given(
    payload=st.one_of(
        st.binary(max_size=200),
        st.lists(st.one_of(mutant.JSON.map(mutant.encoded), st.binary(max_size=20))).map(
            lambda items: b"".join(b"data: " + item + b"\n\n" for item in items)
        ),
        mutant.JSON.map(mutant.encoded),
    ),
    cuts=CUTS,
)
def test_any_bytes_are_a_stream_or_an_error_of_ours(wire: str, payload: bytes, cuts: list[int]) -> None:
    drink(ADAPTERS[wire].open_stream("chat", mutant.target_of(kind_of(wire))), payload, cuts)


@pytest.mark.parametrize("path", STREAMS, ids=named)
@mutant.fuzz
@given(data=st.data(), cuts=CUTS)
def test_a_stream_with_broken_events_is_a_stream_or_an_error_of_ours(
    path: Path, data: st.DataObject, cuts: list[int]
) -> None:
    lines = path.suffix == ".ndjson"
    events = (mutant.lines_of if lines else mutant.events_of)(path.read_bytes())
    number = data.draw(st.integers(0, len(events) - 1))
    rest, inner = events[number]
    way = data.draw(st.sampled_from(["break", "drop", "repeat", "swap", "bare"]))
    if way == "break" and not isinstance(inner, bytes):
        events[number] = (rest, data.draw(mutant.broken(inner)))
    elif way == "drop":
        del events[number]
    elif way == "repeat":
        events.insert(number, events[number])
    elif way == "swap":
        other = data.draw(st.integers(0, len(events) - 1))
        events[number], events[other] = events[other], events[number]
    else:
        events[number] = (rest, data.draw(mutant.JSON))
    target = mutant.target_of(path.parent.name)
    payload = (mutant.stream_of_lines if lines else mutant.stream_of)(events)
    drink(ADAPTERS[target.wire].open_stream("chat", target), payload, cuts)


@pytest.mark.parametrize("wire", sorted(ADAPTERS))
@mutant.fuzz
@given(
    payload=st.one_of(
        st.binary(max_size=200),
        mutant.JSON.map(mutant.encoded),
        mutant.broken(
            {"error": {"message": "m", "type": "t", "code": "c", "metadata": {"raw": "{}"}, "details": [{}]}}
        ).map(mutant.encoded),
        mutant.broken(
            [{"error": {"code": 429, "status": "S", "details": [{"@type": "RetryInfo", "retryDelay": "1s"}]}}]
        ).map(mutant.encoded),
        mutant.broken({"detail": [{"loc": ["body", 1], "msg": "m"}]}).map(mutant.encoded),
    ),
    status=STATUSES,
    headers=HEADERS,
)
def test_any_bytes_are_an_error_that_says_something(
    wire: str, payload: bytes, status: int, headers: dict[str, str]
) -> None:
    error = ADAPTERS[wire].parse_error(status, headers, payload, mutant.target_of(kind_of(wire)))
    assert isinstance(error, UpstreamError)
    assert error.message
    json.loads(openai.dumps({"m": error.message, "t": error.type, "c": error.code, "p": error.param}))
    assert error.retry_after is None or 0 <= error.retry_after < 10**7


@pytest.mark.parametrize("path", ERRORS, ids=named)
@mutant.fuzz
@given(data=st.data(), status=STATUSES, headers=HEADERS)
def test_an_error_with_a_broken_node_still_says_something(
    path: Path, data: st.DataObject, status: int, headers: dict[str, str]
) -> None:
    body = data.draw(mutant.broken([json.loads(path.read_text())["body"]]))
    target = mutant.target_of(path.parent.name)
    error = ADAPTERS[target.wire].parse_error(status, headers, mutant.encoded(body[0] if body else body), target)
    assert isinstance(error, UpstreamError)
    assert error.message


@mutant.fuzz
@given(payload=st.binary(max_size=400), cuts=CUTS)
def test_bytes_cut_anywhere_are_the_same_events(payload: bytes, cuts: list[int]) -> None:
    whole, pieces = SSEDecoder(), SSEDecoder()
    got = [event for piece in cut(payload, cuts) for event in pieces.feed(piece)]
    assert got + pieces.flush() == whole.feed(payload) + whole.flush()


@pytest.mark.parametrize("wire", STREAMED)
@pytest.mark.parametrize("piece", [b"data: " + b"x" * 2**20 + b"\n", b"x" * 2**20])
def test_an_event_without_end_is_an_error_before_it_fills_the_memory(wire: str, piece: bytes) -> None:
    parser = ADAPTERS[wire].open_stream("chat", mutant.target_of(kind_of(wire)))
    fed = outcome(lambda: [parser.feed(piece) for _ in range(100)])
    assert isinstance(fed, str)


@pytest.mark.parametrize("line", [b"data:\n", b"data: \n", b"data\n"])
def test_an_event_of_empty_lines_without_end_is_an_error_too(line: bytes) -> None:
    decoder = SSEDecoder(max_event=1000)
    fed = outcome(lambda: [decoder.feed(line * 10) for _ in range(200)])
    assert isinstance(fed, str)
