"""Inbound embeddings: what is wrong is named; numbers and base64 are given as asked, to the last bit."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_project.api.dialects import embeddings
from gateway_project.api.dialects.base import InvalidRequest


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ({"input": "a"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": None}, "input"),
        ({"model": "m", "input": 5}, "input"),
        ({"model": "m", "input": {"text": "a"}}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": ["a", 5]}, "input[1]"),
        ({"model": "m", "input": [1, "a"]}, "input[1]"),
        ({"model": "m", "input": [True]}, "input[0]"),
        ({"model": "m", "input": [1, True]}, "input[1]"),
        ({"model": "m", "input": [[1], []]}, "input[1]"),
        ({"model": "m", "input": [[1], ["a"]]}, "input[1]"),
        ({"model": "m", "input": ["a", None]}, "input[1]"),
        ({"model": "m", "input": [{"text": "a"}]}, "input[0]"),
        ({"model": "m", "input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"model": "m", "input": "a", "encoding_format": ["float"]}, "encoding_format"),
        ({"model": "m", "input": "a", "dimensions": 0}, "dimensions"),
        ({"model": "m", "input": "a", "dimensions": "256"}, "dimensions"),
        ({"model": "m", "input": "a", "user": 5}, "user"),
        ({"model": "m", "input": "a", "stream": True}, "stream"),
        ({"model": "m", "input": "a", "provider": 5}, "provider"),
    ],
)
def test_a_wrong_request_names_the_parameter(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        embeddings.parse_request(body)
    assert caught.value.param == param


@pytest.mark.parametrize("texts", ["a", "", ["a"], ["a", "b"], [1, 2], [[1, 2], [3]]])
def test_every_form_of_input_is_taken_and_ours_is_taken_out(texts: Any) -> None:
    body = {"model": "m", "input": texts, "provider": "acme", "user": None, "truncate": "END", "stream": False}
    parsed = embeddings.parse_request(body)
    assert (parsed.model, parsed.provider, parsed.call.operation) == ("m", "acme", "embeddings")
    assert parsed.call.body == {"input": texts, "truncate": "END"}


def replied(*vectors: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def given_out(reply: dict[str, Any], *encoding: str) -> list[Any]:
    return [row["embedding"] for row in json.loads(embeddings.render_response(reply, *encoding))["data"]]


NUMBERS = [-0.0068461937, 0.1, 1, 1e-05, 3.4e38]
ENCODED = base64.b64encode(struct.pack("<5f", *NUMBERS)).decode()


def test_numbers_stay_as_they_came() -> None:
    assert given_out(replied(NUMBERS)) == [NUMBERS]
    assert given_out(replied(NUMBERS), "float") == [NUMBERS]


def test_base64_stays_as_it_came() -> None:
    assert given_out(replied(ENCODED), "base64") == [ENCODED]


def test_numbers_become_single_precision_in_base64_and_back() -> None:
    assert given_out(replied(NUMBERS), "base64") == [ENCODED]
    (back,) = given_out(replied(ENCODED), "float")
    assert struct.pack("<5f", *back) == struct.pack("<5f", *NUMBERS)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_no_bit_of_single_precision_is_lost(numbers: list[float]) -> None:
    (encoded,) = given_out(replied(numbers), "base64")
    (back,) = given_out(replied(encoded))
    assert struct.pack(f"<{len(numbers)}f", *back) == struct.pack(f"<{len(numbers)}f", *numbers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["model", "input", "encoding_format", "dimensions", "provider"]), JSON) | JSON)
def test_arbitrary_json_is_parsed_or_refused_and_nothing_else(body: Any) -> None:
    with contextlib.suppress(InvalidRequest):
        assert embeddings.parse_request(body).model
