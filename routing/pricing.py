"""Usage × the price in force → Decimal. ◇ no framework."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from routing.types import PriceInForce

MILLION = Decimal(1_000_000)


def price_at(prices: tuple[PriceInForce, ...], at: float) -> PriceInForce | None:
    """The latest price that has begun at ``at`` (Unix seconds); ``prices`` ordered by ``valid_from``."""
    for price in reversed(prices):
        if price.valid_from <= at:
            return price
    return None


def cost(price: PriceInForce | None, usage: Mapping[str, Any] | None, requests: int = 1) -> Decimal | None:
    """Cost of one answer, in the price's currency, or None where any figure that counts is unknown.

    ``usage`` in the OpenAI shape, None where nobody knows it: cached and cache-write tokens are parts of
    ``prompt_tokens``; reasoning tokens are part of ``completion_tokens``. Without cache figures of its own, cached
    input costs what input costs. A price that has a figure for requests alone is one per request: ``requests`` are
    what the vendor counts as such.
    """
    if price is None:
        return None
    if price.request is not None and price.input is None and price.output is None:
        return requests * price.request / MILLION
    if usage is None:
        return None
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or 0
    written = details.get("cache_write_tokens") or 0
    fresh = max(0, (usage.get("prompt_tokens") or 0) - cached - written)
    parts = (
        (fresh, price.input),
        (cached, price.input if price.cached_input is None else price.cached_input),
        (written, price.input if price.cache_write is None else price.cache_write),
        (usage.get("completion_tokens") or 0, price.output),
        (requests, price.request or Decimal(0)),
    )
    total = Decimal(0)
    for count, figure in parts:
        if count and figure is None:
            return None
        if count and figure:
            total += count * figure
    return total / MILLION
