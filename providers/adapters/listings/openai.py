"""``GET /models`` as OpenAI answers it, with what other vendors add. ◇

OpenAI itself gives names alone. Windows, prices, types and capabilities come under other names at OpenRouter (USD per
token, as text), DeepInfra (``metadata``, USD per million), Together (a bare list, USD per million), xAI (its
``/language-models``: prices in USD cents per 100 million tokens), Mistral, Groq, vLLM (``max_model_len``) and Albert
(``type``, ``max_context_length``). Albert's ``costs`` are in units of its own budgets and are no prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.adapters.listings.base import (
    CHAT,
    EMBEDDINGS,
    MILLION,
    OTHER,
    RERANK,
    SPEECH,
    ListedUpstreamModel,
    Page,
    capabilities,
    money,
    page,
    rows,
    tokens,
)
from providers.adapters.listings.names import guess_type

TYPES: Mapping[str, str] = {
    **{type_: type_ for type_ in (CHAT, EMBEDDINGS, RERANK, SPEECH, "image-text-to-text")},
    **dict.fromkeys(("chat", "language", "code", "llm", "vlm"), CHAT),
    **dict.fromkeys(("embedding", "embeddings"), EMBEDDINGS),
    **dict.fromkeys(("rerank", "reranker"), RERANK),
    **dict.fromkeys(("transcribe", "transcription", "speech-to-text"), SPEECH),
    **dict.fromkeys(("image", "image-to-text", "video", "audio", "tts", "moderation"), OTHER),
}
WINDOWS = (
    "context_length",
    "max_context_length",
    "max_model_len",
    "context_window",
    "max_input_tokens",
    "context_size",
)
ANSWERS = ("max_output_tokens", "max_completion_tokens", "max_output_length")
CENTS_PER_100_MILLION = Decimal("0.0001")

# A vendor's names of a price → (ours, what makes it USD per million).
PRICES: Mapping[str, tuple[str, Decimal]] = {
    "prompt": ("input", MILLION),
    "completion": ("output", MILLION),
    "input_cache_read": ("cached_input", MILLION),
    "input_cache_write": ("cache_write", MILLION),
    "request": ("request", MILLION),
    "input": ("input", Decimal(1)),
    "output": ("output", Decimal(1)),
    "input_tokens": ("input", Decimal(1)),
    "output_tokens": ("output", Decimal(1)),
    "cache_read_tokens": ("cached_input", Decimal(1)),
    "cache_write_tokens": ("cache_write", Decimal(1)),
    "prompt_text_token_price": ("input", CENTS_PER_100_MILLION),
    "completion_text_token_price": ("output", CENTS_PER_100_MILLION),
    "cached_prompt_text_token_price": ("cached_input", CENTS_PER_100_MILLION),
}


def read(raw: Any) -> Page:
    """A reply to ``GET /models`` or ``GET /language-models``."""
    return page(rows(raw, "data", "models"), _model, "id")


def _model(row: Mapping[str, Any], name: str) -> ListedUpstreamModel:
    more = _object(row, "metadata")
    top = _object(row, "top_provider")
    can = _object(row, "capabilities")
    inputs, _outputs = _modalities(row)
    return ListedUpstreamModel(
        name,
        type=_type(row, name, can),
        max_input_tokens=tokens(*(row.get(key) for key in WINDOWS), more.get("context_length")),
        max_output_tokens=tokens(
            *(row.get(key) for key in ANSWERS), top.get("max_completion_tokens"), more.get("max_tokens")
        ),
        capabilities=capabilities(
            row.get("capabilities"),
            row.get("features"),
            row.get("supported_features"),
            row.get("supported_parameters"),
            more.get("tags"),
            inputs,
        ),
        prices=_prices(row, more),
    )


def _type(row: Mapping[str, Any], name: str, can: Mapping[str, Any]) -> str:
    given = row.get("type")
    if isinstance(given, str) and given.lower() in TYPES:
        return TYPES[given.lower()]
    if can.get("completion_chat") is True:
        return CHAT
    if can.get("audio_transcription") is True:
        return SPEECH
    guessed = guess_type(name)
    if can.get("completion_chat") is False and guessed == CHAT:
        return OTHER
    _inputs, outputs = _modalities(row)
    if not outputs or "text" in outputs:
        return guessed
    return EMBEDDINGS if "embeddings" in outputs else RERANK if "rerank" in outputs else OTHER


def _modalities(row: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """(in, out): xAI has them on the model, OpenRouter under ``architecture``."""
    within = _object(row, "architecture")
    found = [row.get(key) or within.get(key) for key in ("input_modalities", "output_modalities")]
    inputs, outputs = (value if isinstance(value, list) else [] for value in found)
    return inputs, outputs


def _prices(row: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Decimal]:
    given = {**row, **_object(row, "pricing"), **_object(more, "pricing")}
    known: dict[str, Decimal] = {}
    for theirs, (ours, factor) in PRICES.items():
        figure = money(given.get(theirs), factor)
        if figure is not None:
            known.setdefault(ours, figure)
    return known


def _object(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = row.get(key)
    return value if isinstance(value, Mapping) else {}
