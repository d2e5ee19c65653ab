"""Reranking, inbound, as Cohere and Jina have it; the Albert API's older ``prompt`` and ``input`` are understood. ◇

Source: Cohere API reference, rerank v1 and v2; Jina reranker API; Albert API (OpenGateLLM), ``/v1/rerank``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest, Parsed, missing, wrong_type
from gateway_project.api.dialects.openai import dumps, render_error
from gateway_project.api.dialects.parameters import (
    BOOLEAN,
    GATEWAY_KEYS,
    POSITIVE,
    TEXT,
    Parameters,
    only_false,
    read_parameters,
)
from providers.chat import Call

__all__ = ["parse_request", "render_error", "render_response"]

OLDER = {"prompt": "query", "input": "documents"}

PARAMETERS: Parameters = {
    "query": TEXT,
    "top_n": POSITIVE,
    "return_documents": BOOLEAN,
    "max_tokens_per_doc": POSITIVE,
    "max_chunks_per_doc": POSITIVE,
    "stream": only_false("rankings are not streamed"),
}


def parse_request(body: Any) -> Parsed:
    """Decoded JSON → ``Parsed``; documents as strings. Raises ``InvalidRequest`` naming the parameter."""
    body, model, provider = read_parameters(_renamed(body), PARAMETERS)
    if not body.get("query"):
        raise missing("query")
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    inner["documents"] = _documents(body.get("documents"))
    return Parsed(model, provider, Call("rerank", inner))


def _renamed(body: Any) -> Any:
    """The older names mean the newer ones; both at once are one too many."""
    if not isinstance(body, dict):
        return body
    body = {key: value for key, value in body.items() if value is not None}
    for old, new in OLDER.items():
        if old in body and new in body:
            raise InvalidRequest(f"'{old}' is an older name of '{new}': send one of them.", old, "invalid_value")
    return {OLDER.get(key, key): value for key, value in body.items()}


def _documents(value: Any) -> list[str]:
    if value is None:
        raise missing("documents")
    if not isinstance(value, list):
        raise wrong_type("documents", "an array")
    if not value:
        raise InvalidRequest("'documents' must hold at least one document.", "documents", "empty_array")
    return [_text(document, f"documents[{index}]") for index, document in enumerate(value)]


def _text(document: Any, where: str) -> str:
    text = document.get("text") if isinstance(document, dict) else document
    if not isinstance(text, str):
        raise wrong_type(where, "a string, or an object with a string 'text'")
    return text


def render_response(reply: Mapping[str, Any]) -> bytes:
    """A whole reply, inner form → JSON."""
    return dumps(reply)
