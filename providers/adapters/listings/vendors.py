"""The lists of models of the formats that are not OpenAI's. ◇

Sources: Anthropic ``GET /v1/models``; Gemini ``models.list``; Cohere ``GET /v1/models``; Ollama ``GET /api/tags``; Text
Embeddings Inference ``GET /info``, which describes the one model that a server holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.adapters.listings.base import (
    CHAT,
    EMBEDDINGS,
    OTHER,
    RERANK,
    SPEECH,
    ListedUpstreamModel,
    Page,
    capabilities,
    model_name,
    page,
    rows,
    tokens,
)
from providers.adapters.listings.names import guess_type
from providers.errors import MalformedReply


def read_anthropic(raw: Any) -> Page:
    """Limits and capabilities are told by newer versions only. The cursor is the last model's id."""
    more = _told(raw, "last_id") if _told(raw, "has_more") is True else None
    return page(rows(raw, "data"), _anthropic, "id", more)


def _anthropic(row: Mapping[str, Any], name: str) -> ListedUpstreamModel:
    return ListedUpstreamModel(
        name,
        CHAT,
        tokens(row.get("max_input_tokens")),
        tokens(row.get("max_tokens")),
        capabilities(row.get("capabilities")),
    )


def read_gemini(raw: Any) -> Page:
    """Names come as ``models/x``; an empty object is an empty list."""
    if raw == {}:
        return Page(())
    return page(rows(raw, "models"), _gemini, "name", _told(raw, "nextPageToken"))


def _gemini(row: Mapping[str, Any], name: str) -> ListedUpstreamModel:
    methods = row.get("supportedGenerationMethods")
    methods = methods if isinstance(methods, list) else []
    guessed = guess_type(name)
    if "generateContent" in methods:
        type_ = OTHER if guessed == OTHER else CHAT
    elif "embedContent" in methods or "batchEmbedContents" in methods:
        type_ = EMBEDDINGS
    else:
        type_ = OTHER if methods else guessed
    return ListedUpstreamModel(
        name.removeprefix("models/") or name,
        type_,
        tokens(row.get("inputTokenLimit")),
        tokens(row.get("outputTokenLimit")),
        ("reasoning",) if row.get("thinking") is True else (),
    )


COHERE_ENDPOINTS = {"chat": CHAT, "generate": CHAT, "embed": EMBEDDINGS, "rerank": RERANK, "transcribe": SPEECH}


def read_cohere(raw: Any) -> Page:
    """``endpoints`` says what a model does."""
    return page(rows(raw, "models"), _cohere, "name", _told(raw, "next_page_token"))


def _cohere(row: Mapping[str, Any], name: str) -> ListedUpstreamModel:
    endpoints = row.get("endpoints")
    known = [COHERE_ENDPOINTS[one] for one in _words(endpoints) if one in COHERE_ENDPOINTS]
    type_ = known[0] if known else OTHER if endpoints else guess_type(name)
    return ListedUpstreamModel(
        name, type_, tokens(row.get("context_length")), capabilities=capabilities(row.get("features"))
    )


def read_ollama(raw: Any) -> Page:
    """What has been pulled; the window is told by newer versions only."""
    return page(rows(raw, "models"), _ollama, "name")


def _ollama(row: Mapping[str, Any], name: str) -> ListedUpstreamModel:
    details = row.get("details")
    details = details if isinstance(details, Mapping) else {}
    can = row.get("capabilities")
    embeds = "bert" in str(details.get("family", "")) or "embedding" in _words(can)
    return ListedUpstreamModel(
        name,
        EMBEDDINGS if embeds else guess_type(name),
        tokens(details.get("context_length")),
        capabilities=capabilities(can),
    )


def read_tei(raw: Any) -> Page:
    """One model: ``model_type`` is {"embedding": …}, {"reranker": …} or {"classifier": …}, or the word alone."""
    if not isinstance(raw, Mapping):
        raise MalformedReply("The upstream's reply does not describe a model.")
    name = model_name(raw.get("served_model_name")) or model_name(raw.get("model_id"))
    if not name:
        raise MalformedReply("The upstream's reply does not name its model.")
    kind = raw.get("model_type")
    word = str(next(iter(kind), "") if isinstance(kind, Mapping) else kind).lower()
    type_ = {"embedding": EMBEDDINGS, "reranker": RERANK, "classifier": OTHER}.get(word) or guess_type(name)
    return Page((ListedUpstreamModel(name, type_, tokens(raw.get("max_input_length"))),))


def _told(raw: Any, key: str) -> Any:
    return raw.get(key) if isinstance(raw, Mapping) else None


def _words(value: Any) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
