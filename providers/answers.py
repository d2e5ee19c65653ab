"""What every vendor's whole answer to an operation must be before it goes up: complete, and in order. ◇

Adapters know a vendor's words; what was asked for is known here. An answer that is not the whole one is the upstream's
fault (``MalformedReply``), and another endpoint may do better.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

from providers.chat import Call
from providers.errors import MalformedReply

FLOAT32 = 4  # bytes
TEXT_FILES = frozenset({"text", "srt", "vtt"})  # what a transcription may be besides JSON
LARGEST = (2 - 2**-23) * 2.0**127  # in single precision


def complete(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """``body`` as the inner form of ``call.operation`` promises it. Raises ``MalformedReply``."""
    if call.operation == "embeddings":
        return _embeddings(call.body, body)
    if call.operation == "rerank":
        return _ranking(call.body, body)
    if call.operation == "transcription":
        return _transcription(call.body, body)
    return body


def inputs(value: Any) -> list[Any]:
    """The texts of an embeddings request, each a string or a list of token ids: one for one embedding."""
    if isinstance(value, str) or (isinstance(value, list) and value and isinstance(value[0], int)):
        return [value]
    return list(value)


def _embeddings(asked: Mapping[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    wanted = len(inputs(asked["input"]))
    rows = sorted(body["data"], key=lambda row: row["index"])
    if [row["index"] for row in rows] != list(range(wanted)):
        raise MalformedReply(f"The upstream's reply holds {len(rows)} embeddings where {wanted} were asked for.")
    for row in rows:
        _check_vector(row["embedding"])
    return {**body, "data": rows}


def _check_vector(vector: Any) -> None:
    """Numbers, all finite; or single-precision numbers in base64."""
    if isinstance(vector, str):
        vector = _decoded(vector)
    if not isinstance(vector, (list, tuple)) or not vector or not set(map(type, vector)) <= {float, int}:
        raise MalformedReply("The upstream's reply holds an embedding that is not a list of numbers.")
    if not max(map(abs, vector)) <= LARGEST or math.isnan(sum(vector)):
        raise MalformedReply("The upstream's reply holds an embedding with numbers that are none.")


def _decoded(text: str) -> tuple[float, ...]:
    try:
        raw = base64.b64decode(text, validate=True)
        return struct.unpack(f"<{len(raw) // FLOAT32}f", raw)
    except (ValueError, struct.error) as error:
        raise MalformedReply("The upstream's reply holds an embedding that is not base64 of numbers.") from error


def _transcription(asked: Mapping[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Where nothing was said, a text file may be empty; JSON says so, and no body at all is no answer."""
    told = body["transcript"]
    if isinstance(told, str) and not told.strip() and asked.get("response_format", "json") not in TEXT_FILES:
        raise MalformedReply("The upstream's reply is empty.")
    return body


def _ranking(asked: Mapping[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    documents = asked["documents"]
    indexes = [result["index"] for result in body["results"]]
    if not indexes or len(set(indexes)) < len(indexes) or min(indexes) < 0 or max(indexes) >= len(documents):
        raise MalformedReply("The upstream's reply ranks other documents than were asked about.")
    for result in body["results"]:
        score = result["relevance_score"]
        if type(score) not in (float, int) or not abs(score) <= LARGEST:
            raise MalformedReply("The upstream's reply holds a result without its score.")
    ranked = sorted(body["results"], key=lambda result: -result["relevance_score"])[: asked.get("top_n")]
    shown = bool(asked.get("return_documents"))
    return {**body, "results": [_result(result, documents if shown else None) for result in ranked]}


def _result(result: Mapping[str, Any], documents: list[str] | None) -> dict[str, Any]:
    told = {"index": result["index"], "relevance_score": result["relevance_score"]}
    return told if documents is None else {**told, "document": {"text": documents[told["index"]]}}
