"""Embeddings at Cohere: ``POST /v2/embed``. ◇

Source: Cohere API reference, embed v2; recorded traffic. Every request must say what its texts are for. Where the
caller does not, they are documents to be searched (``search_document``): what is stored is embedded once, and a query
that was embedded as a document still finds its like. Queries should be sent with ``input_type: "search_query"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers import faults
from providers.adapters.base import load
from providers.adapters.openai_embeddings import refuse_tokens
from providers.adapters.vectors import embedding_list
from providers.answers import inputs
from providers.chat import Call, whole
from providers.errors import MalformedReply
from providers.wire import Target

DOCUMENT = "search_document"
RENAME = {"dimensions": "output_dimension"}
TAKES = frozenset({"input_type", "embedding_types", "output_dimension", "truncate", "max_tokens", "priority"})
# The vectors of a reply, by precision: the caller asked for one, or for numbers.
PRECISIONS = ("float", "base64", "int8", "uint8", "binary", "ubinary")


def render_embed(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out. Raises ``Unsupported`` for token ids."""
    texts = call.body["input"]
    refuse_tokens(texts, target.kind)
    body: dict[str, Any] = {
        "model": target.upstream_model,
        "texts": inputs(texts),
        "input_type": DOCUMENT,
        "embedding_types": ["float"],
    }
    dropped: list[str] = []
    for name, value in call.body.items():
        if value is None or name in ("model", "input", "encoding_format"):
            continue
        new = RENAME.get(name, name)
        if new in TAKES:
            body[new] = value
        else:
            dropped.append(name)
    extra = {key: value for key, value in target.extra_body.items() if key not in call.body}
    return {**body, **extra}, tuple(dropped)


def parse_embed(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → OpenAI's list. Raises ``MalformedReply``."""
    raw = load(payload)
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    given = raw.get("embeddings")
    if given is None and "message" in raw:
        raise faults.within(raw)
    if isinstance(given, Mapping):
        given = next((given[name] for name in PRECISIONS if given.get(name)), None)
    meta = raw.get("meta")
    return embedding_list(given, model, _tokens(meta) if isinstance(meta, Mapping) else None)


def _tokens(meta: Mapping[str, Any]) -> int | None:
    """Tokens read, of texts and pictures."""
    for key in ("tokens", "billed_units"):
        counts = meta.get(key)
        if isinstance(counts, Mapping) and whole(counts.get("input_tokens")) is not None:
            return (whole(counts["input_tokens"]) or 0) + (whole(counts.get("image_tokens")) or 0)
    return None
