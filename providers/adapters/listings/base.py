"""What a provider's own list of models tells, and what the readers of its formats share. ◇"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.chat import whole
from providers.errors import MalformedReply

CHAT = "text-generation"
EMBEDDINGS = "text-embeddings-inference"
RERANK = "text-classification"
SPEECH = "automatic-speech-recognition"
OTHER = "other"
"""A type for what the gateway does not serve: images, speech out, moderation."""

LONGEST_NAME = 200
MOST_TOKENS = 2**31 - 1
MILLION = Decimal(1_000_000)
NINE_PLACES = Decimal("1e-9")
MOST_MONEY = Decimal(10) ** 9

# Vendors' words for what a model can do → ours.
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("function_calling", "tools", "tool_use", "tool_calling", "tool_call"), "function_calling"),
    **dict.fromkeys(("vision", "image_input", "image"), "vision"),
    **dict.fromkeys(("reasoning", "thinking", "reasoning_effort"), "reasoning"),
    **dict.fromkeys(("structured_outputs", "structured_output", "json_schema", "response_schema"), "response_schema"),
    **dict.fromkeys(("pdf_input", "file"), "pdf_input"),
    **dict.fromkeys(("prompt_cache", "prompt_caching"), "prompt_caching"),
    **dict.fromkeys(("audio_input", "audio"), "audio_input"),
    **dict.fromkeys(("parallel_tool_calls", "parallel_function_calling"), "parallel_function_calling"),
    "tool_choice": "tool_choice",
}


@dataclass(frozen=True, slots=True)
class ListedUpstreamModel:
    """One model as its provider lists it; None, () and a missing figure are unknown.

    ``type``: a ``ModelType``, ``OTHER``, or None. ``max_input_tokens``: the context window. ``prices``: USD per million
    tokens by the names input, output, cached_input and cache_write; ``request`` per million requests.
    """

    name: str
    type: str | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    prices: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``cursor``: what the next one is asked for with, "" after the last."""

    models: tuple[ListedUpstreamModel, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where and how a wire format tells its models.

    ``read``: decoded JSON → Page, raises ``MalformedReply``. ``path`` with its query; ``cursor``: the query parameter
    that asks for the next page. ``at_root``: the path begins at the server, not behind a base URL's ``/v1``.
    """

    path: str
    read: Callable[[Any], Page]
    cursor: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    at_root: bool = False


def rows(raw: Any, *keys: str) -> list[Mapping[str, Any]]:
    """The objects of the list under the first of ``keys`` that there is, or of a bare list."""
    found = raw if isinstance(raw, list) else None
    if isinstance(raw, Mapping):
        found = next((raw[key] for key in keys if isinstance(raw.get(key), list)), None)
    if found is None:
        raise MalformedReply("The upstream's reply is not a list of models.")
    return [row for row in found if isinstance(row, Mapping)]


def page(raw_rows: list[Mapping[str, Any]], read: Callable[[Mapping[str, Any], str], ListedUpstreamModel], key: str,
         cursor: Any = None) -> Page:  # fmt: skip
    """The rows that have a usable name under ``key``, each read. MalformedReply where there are rows and none has."""
    models = tuple(read(row, name) for row in raw_rows if (name := model_name(row.get(key))))
    if raw_rows and not models:
        raise MalformedReply("The upstream's list of models names none.")
    return Page(models, cursor if isinstance(cursor, str) else "")


def model_name(value: Any) -> str:
    """A name that can be configured, else ""."""
    usable = isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_NAME
    return value.strip() if usable else ""


def tokens(*values: Any) -> int | None:
    """The first that is a number of tokens."""
    counts = (whole(value) for value in values)
    return next((count for count in counts if count is not None and 0 < count <= MOST_TOKENS), None)


def money(value: Any, factor: Decimal = Decimal(1)) -> Decimal | None:
    """A figure as vendors write it ("0.00000125", 1.25e-06, 2) times ``factor``; None for -1 ("it varies") and such."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        figure = (Decimal(str(value)) * factor).quantize(NINE_PLACES)
    except InvalidOperation:
        return None
    return figure.normalize() if figure.is_finite() and 0 <= figure < MOST_MONEY else None


def capabilities(*said: Any) -> tuple[str, ...]:
    """Words in lists, or in mappings whose value is true or {"supported": true}, → ours, sorted."""
    return tuple(sorted({WORDS[word] for words in said for word in _words(words) if word in WORDS}))


def _words(said: Any) -> Iterable[str]:
    if isinstance(said, list):
        return [word.lower().replace("-", "_") for word in said if isinstance(word, str)]
    if isinstance(said, Mapping):
        return [
            word
            for word, value in said.items()
            if value is True or (isinstance(value, Mapping) and value.get("supported") is True)
        ]
    return []
