"""Embeddings at Gemini: ``models.batchEmbedContents``, one text or many. ◇

Source: Gemini API reference (v1beta), EmbedContentRequest and BatchEmbedContentsResponse; recorded traffic. Vectors
are passed on as they come: shortened ones of gemini-embedding-001 are not of length 1.
"""

from __future__ import annotations

from typing import Any

from providers import faults
from providers.adapters.base import load
from providers.adapters.openai_embeddings import refuse_tokens
from providers.adapters.vectors import embedding_list
from providers.answers import inputs
from providers.chat import Call, whole
from providers.errors import MalformedReply
from providers.wire import Target

# Cohere's words for what a text is for, which callers send to every vendor.
TASKS = {
    "search_document": "RETRIEVAL_DOCUMENT",
    "search_query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "query": "RETRIEVAL_QUERY",
    "passage": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
NAMES = {
    "dimensions": "outputDimensionality",
    "outputDimensionality": "outputDimensionality",
    "output_dimensionality": "outputDimensionality",
    "input_type": "taskType",
    "taskType": "taskType",
    "task_type": "taskType",
    "title": "title",
}


def render_embeddings(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out. Raises ``Unsupported`` for token ids."""
    texts = call.body["input"]
    refuse_tokens(texts, target.kind)
    each: dict[str, Any] = {}
    dropped: list[str] = []
    for name, value in call.body.items():
        if value is None or name in ("model", "input", "encoding_format"):
            continue
        new = NAMES.get(name)
        if new is None:
            dropped.append(name)
        else:
            each[new] = TASKS.get(value, value) if name == "input_type" else value
    model = target.upstream_model
    named = {"model": model if "/" in model else f"models/{model}"}
    requests = [{**named, "content": {"parts": [{"text": text}]}, **each} for text in inputs(texts)]
    extra = {key: value for key, value in target.extra_body.items() if key not in call.body}
    return {"requests": requests, **extra}, tuple(dropped)


def parse_embeddings(payload: bytes, model: str) -> dict[str, Any]:
    """BatchEmbedContentsResponse → OpenAI's list. Raises ``MalformedReply``, or what an error in a 200 means."""
    raw = load(payload)
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    if raw.get("error"):
        raise faults.within(raw)
    rows = raw.get("embeddings")
    vectors = [row.get("values") if isinstance(row, dict) else None for row in rows] if isinstance(rows, list) else None
    counted = raw.get("usageMetadata")
    tokens = whole(counted.get("promptTokenCount")) if isinstance(counted, dict) else None
    return embedding_list(vectors, model, tokens)
