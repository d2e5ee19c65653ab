"""What rerankers answer, in whichever of the usual shapes → the inner form. ◇

Source: Cohere v2 and v1, Jina, vLLM, Together (``results`` with ``relevance_score``); the Albert API before its present
form (``data`` with ``score``), Voyage (``data`` with ``relevance_score``); DeepInfra (``scores``, one a document); Text
Embeddings Inference (a bare list with ``score``).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from providers.adapters.base import load
from providers.adapters.openai_embeddings import input_usage
from providers.adapters.openai_reply import raise_error
from providers.chat import integer, whole
from providers.errors import MalformedReply


def parse_ranking(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → ``{id, model, results: [{index, relevance_score}], usage?, meta?}``, in the vendor's order.

    Raises ``MalformedReply``, or what an error in a 200 means.
    """
    raw = load(payload)
    if isinstance(raw, list):
        raw = {"results": raw}
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    if not any(isinstance(raw.get(key), list) for key in ("results", "data", "scores")):
        raise_error(raw)
        raise MalformedReply("The upstream's reply holds no ranking.")
    identifier, name, meta = raw.get("id") or raw.get("request_id"), raw.get("model"), raw.get("meta")
    out: dict[str, Any] = {
        "id": identifier if isinstance(identifier, str) else f"rerank-{uuid.uuid4().hex}",
        "model": name if isinstance(name, str) and name else model,
        "results": [_result(item) for item in _items(raw)],
    }
    if isinstance(meta, Mapping):
        out["meta"] = meta
    usage = input_usage(raw.get("usage")) or _counted(raw, meta)
    return out if usage is None else {**out, "usage": usage}


def _items(raw: Mapping[str, Any]) -> list[Any]:
    for key in ("results", "data"):
        if isinstance(raw.get(key), list):
            return list(raw[key])
    return [{"index": place, "score": score} for place, score in enumerate(raw["scores"])]


def _result(item: Any) -> dict[str, Any]:
    index = integer(item.get("index")) if isinstance(item, dict) else None
    if index is None:
        raise MalformedReply("The upstream's reply holds a result without its index.")
    return {"index": index, "relevance_score": item.get("relevance_score", item.get("score"))}


def _counted(raw: Mapping[str, Any], meta: Any) -> dict[str, Any] | None:
    """Tokens read, where Cohere (``meta.tokens``, else ``meta.billed_units``) or DeepInfra counted them."""
    tokens = whole(raw.get("input_tokens"))
    for key in ("tokens", "billed_units"):
        counts = meta.get(key) if isinstance(meta, Mapping) else None
        if tokens is None and isinstance(counts, Mapping):
            tokens = whole(counts.get("input_tokens"))
    return None if tokens is None else {"prompt_tokens": tokens, "total_tokens": tokens}
