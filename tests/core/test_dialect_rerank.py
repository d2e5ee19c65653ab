"""Inbound reranking: Cohere's and Jina's request, the Albert API's older one; what is wrong is named."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_project.api.dialects import rerank
from gateway_project.api.dialects.base import InvalidRequest
from tests.core.test_dialect_embeddings import JSON

ASKED = {"model": "m", "query": "q", "documents": ["a"]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ({**ASKED, "model": None}, "model"),
        ({"model": "m", "documents": ["a"]}, "query"),
        ({**ASKED, "query": ""}, "query"),
        ({**ASKED, "query": ["q"]}, "query"),
        ({"model": "m", "query": "q"}, "documents"),
        ({**ASKED, "documents": "a"}, "documents"),
        ({**ASKED, "documents": []}, "documents"),
        ({**ASKED, "documents": ["a", 5]}, "documents[1]"),
        ({**ASKED, "documents": [{"title": "a"}]}, "documents[0]"),
        ({**ASKED, "documents": [{"text": ["a"]}]}, "documents[0]"),
        ({**ASKED, "top_n": 0}, "top_n"),
        ({**ASKED, "top_n": True}, "top_n"),
        ({**ASKED, "return_documents": "yes"}, "return_documents"),
        ({**ASKED, "stream": True}, "stream"),
        ({**ASKED, "prompt": "q"}, "prompt"),
        ({**ASKED, "input": ["a"]}, "input"),
    ],
)
def test_a_wrong_request_names_the_parameter(body: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rerank.parse_request(body)
    assert caught.value.param == param


def test_documents_may_be_texts_or_objects() -> None:
    parsed = rerank.parse_request({**ASKED, "documents": ["a", {"text": "b", "title": "t"}], "top_n": 1, "rank": 2})
    assert parsed.call.body == {"query": "q", "documents": ["a", "b"], "top_n": 1, "rank": 2}


def test_the_older_names_are_understood() -> None:
    body = {"model": "m", "prompt": "q", "input": ["a"], "query": None}
    assert rerank.parse_request(body).call.body == {"query": "q", "documents": ["a"]}


@given(st.dictionaries(st.sampled_from(["model", "query", "documents", "prompt", "input", "top_n"]), JSON) | JSON)
def test_arbitrary_json_is_parsed_or_refused_and_nothing_else(body: Any) -> None:
    with contextlib.suppress(InvalidRequest):
        assert rerank.parse_request(body).call.body["documents"]
