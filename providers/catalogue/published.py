"""Prices from the installed release of genai-prices, for the models whose catalogue line follows it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import get_snapshot

from . import FIGURES, KnownPrice, priced

LIBRARY_NAMES = dict(zip(FIGURES, ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"), strict=True))


def published_price(provider: str, model: str) -> KnownPrice | None:
    """The price in force now by genai-prices' own ids, or None where it knows none.

    Of a price that rises with the length of the prompt, the first tier.
    """
    rows = [row for row in get_snapshot().providers if row.id == provider]
    found = rows[0].find_model(model) if rows else None
    if found is None:
        return None
    price = found.get_prices(datetime.now(UTC))
    figures = {ours: _first_tier(getattr(price, theirs)) for ours, theirs in LIBRARY_NAMES.items()}
    if figures["input"] is None or figures["output"] is None:
        return None
    return priced(figures, f"genai-prices {version('genai-prices')}")


def _first_tier(figure: Any) -> Decimal | None:
    figure = getattr(figure, "base", figure)
    return None if figure is None else Decimal(figure)
