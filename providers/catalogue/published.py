"""Prices and windows from the installed release of genai-prices."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from . import FIGURES, KnownPrice, priced

LIBRARY_NAMES = dict(zip(FIGURES, ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"), strict=True))


def published_price(provider: str, model: str) -> KnownPrice | None:
    """The price in force now by genai-prices' own ids, or None where it knows none.

    Of a price that rises with the length of the prompt, the first tier.
    """
    rows = [row for row in _vendors() if row.id == provider]
    found = rows[0].find_model(model) if rows else None
    if found is None:
        return None
    figures = _figures(found)
    if figures["input"] is None or figures["output"] is None:
        return None
    return priced(figures, _source())


def published_facts(base_url: str, model: str) -> tuple[int | None, KnownPrice | None]:
    """(context window, price) of a model at the vendor whose address ``base_url`` is; None for what is not known.

    A price may lack a figure: embeddings have none for output.
    """
    vendor = next((row for row in _vendors() if re.match(row.api_pattern, base_url)), None)
    found = vendor.find_model(model) if vendor else None
    if found is None:
        return None, None
    figures = _figures(found)
    return found.context_window, None if figures["input"] is None else priced(figures, _source())


def _vendors() -> Any:
    from genai_prices.data_snapshot import get_snapshot  # a fifth of a start's time, needed when somebody asks

    return get_snapshot().providers


def _figures(model: Any) -> dict[str, Decimal | None]:
    price = model.get_prices(datetime.now(UTC))
    return {ours: _first_tier(getattr(price, theirs)) for ours, theirs in LIBRARY_NAMES.items()}


def _source() -> str:
    return f"genai-prices {version('genai-prices')}"


def _first_tier(figure: Any) -> Decimal | None:
    figure = getattr(figure, "base", figure)
    return None if figure is None else Decimal(figure)
