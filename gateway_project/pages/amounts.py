"""Amounts as people read them, with the separators of their language."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format

NBSP = "\N{NO-BREAK SPACE}"


def count(number: float) -> str:
    """With the reader's own separators."""
    return str(number_format(number, force_grouping=True))


def short(number: int) -> str:
    """1.2 M rather than 1,234,567."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**4, "k")):
        if number >= size:
            return f"{number_format(round(number / (1000 if unit == 'k' else size), 1), 1)}{NBSP}{unit}"
    return count(number)


def percent(share: float | None) -> str:
    """One decimal; "–" of nothing, and never 100 % of what is less."""
    if share is None:
        return "–"
    shown = round(share * 100, 1)
    if shown == 100 and share < 1:
        shown = 99.9
    return f"{number_format(shown, 0 if shown in (0, 100) else 1)}{NBSP}%"


def money(currency: str, amount: Decimal) -> str:
    """Cents where they are enough, else two decimals more."""
    places = 2 if amount == 0 or amount >= Decimal("0.1") else 4
    return f"{number_format(amount.quantize(Decimal(1).scaleb(-places)), places, force_grouping=True)}{NBSP}{currency}"


def milliseconds(value: float | None) -> str:
    """A duration for people."""
    if value is None:
        return "–"
    if value >= 60_000:
        return f"{number_format(round(value / 60_000, 1), 1)}{NBSP}min"
    if value >= 1000:
        return f"{number_format(round(value / 1000, 2), 2)}{NBSP}s"
    return f"{number_format(round(value), 0) if value >= 10 else number_format(round(value, 1), 1)}{NBSP}ms"
