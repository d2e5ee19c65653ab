"""What LiteLLM says of a model, in ``model_info``, ``litellm_params`` and its price map → what we know of one."""

from __future__ import annotations

from decimal import Decimal

from providers.models import ModelType
from routing.config.amend import Draft
from routing.config.importers.fields import Fields
from routing.config.importers.offers import Facts

MODES = {
    "chat": str(ModelType.TEXT_GENERATION),
    "completion": str(ModelType.TEXT_GENERATION),
    "responses": str(ModelType.TEXT_GENERATION),
    "embedding": str(ModelType.EMBEDDINGS),
    "rerank": str(ModelType.CLASSIFICATION),
    "audio_transcription": str(ModelType.SPEECH_RECOGNITION),
}
MILLION = Decimal(1_000_000)
COSTS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
    "input_cost_per_query": "request",
    "input_cost_per_request": "request",
}
SUPPORTS = "supports_"


def mode_of(draft: Draft, info: Fields, params: Fields) -> str | None:
    """Our type for ``mode``, "" where none is said; None, with a note, where it is nothing that is done here."""
    said = info if info.said.get("mode") is not None else params
    mode = said.text("mode")
    if mode and mode not in MODES:
        draft.note(said.at("mode"), f"models of this mode have no place here, left out; known: {', '.join(MODES)}")
        return None
    return MODES.get(mode, "")


def facts_of(params: Fields, info: Fields, model_type: str) -> Facts:
    """Limits, capabilities and prices; ``info`` counts before ``params``."""
    figures: dict[str, Decimal] = {}
    for cost, name in COSTS.items():
        for said in (params, info):
            figure = said.decimal(cost)
            if figure is not None:
                figures[name] = figure * MILLION
    longest = info.whole("max_output_tokens")
    if longest is None and info.said.get("max_input_tokens") is not None:
        longest = info.whole("max_tokens")
    return Facts(model_type, info.whole("max_input_tokens"), longest, capabilities(info), figures)


def capabilities(info: Fields) -> list[str]:
    """``supports_vision: true`` → "vision"."""
    words = [key for key in info.said if str(key).startswith(SUPPORTS)]
    return sorted(word.removeprefix(SUPPORTS) for word in words if info.raw(word) is True)
