"""Requests with more texts than a vendor takes at once: sent in parts, answered as one. ◇

Limits: Cohere and Gemini document theirs; DashScope's is that of its text-embedding-v3 and v4; TEI's is the default of
``--max-client-batch-size``. Elsewhere the vendor itself says when it is too much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from providers.answers import complete, inputs
from providers.chat import Call

LARGEST: Mapping[str, Mapping[str, int]] = {
    "cohere": {"embeddings": 96},
    "google": {"embeddings": 100},
    "qwen": {"embeddings": 10},
    "tei": {"embeddings": 32, "rerank": 32},
}


def split(call: Call, kind: str) -> list[Call]:
    """``call`` in parts that a vendor of ``kind`` takes, in order; alone where it is small enough.

    Scores of a reranker don't depend on the other documents; which are the best is only known of all together.
    """
    most = LARGEST.get(kind, {}).get(call.operation)
    if most is None:
        return [call]
    key = "input" if call.operation == "embeddings" else "documents"
    items = inputs(call.body[key]) if key == "input" else call.body[key]
    if len(items) <= most:
        return [call]
    whole = {name: value for name, value in call.body.items() if name != "top_n"}
    parts = [items[start : start + most] for start in range(0, len(items), most)]
    return [replace(call, body={**whole, key: part}) for part in parts]


def join(call: Call, parts: Sequence[Call], bodies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answers to the parts of ``call`` as one: indexes count on, tokens add up (one unknown: all unknown)."""
    asked, given = ("input", "data") if call.operation == "embeddings" else ("documents", "results")
    rows: list[dict[str, Any]] = []
    offset = 0
    for part, body in zip(parts, bodies, strict=True):
        rows += [{**row, "index": row["index"] + offset} for row in body[given]]
        offset += len(part.body[asked])
    out = {**bodies[0], given: rows}
    out.pop("usage", None)
    if all("usage" in body for body in bodies):
        names = ("prompt_tokens", "total_tokens")
        out["usage"] = {name: sum(body["usage"].get(name) or 0 for body in bodies) for name in names}
    return complete(call, out)
