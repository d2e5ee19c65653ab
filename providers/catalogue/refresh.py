"""Newer facts into the rows that the catalogue wrote, and into nothing an operator has set.

A value is the catalogue's where it equals what ``ProviderModel.known`` says was last written. An unknown never
replaces a known. Prices are dated: a new figure is a new row that begins now, so that past costs stay explainable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.models import Price, Provider, ProviderModel

from . import FIGURES, KnownModel, KnownPrice, plain, price_as_known

Published = Callable[[str, str], KnownPrice | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``outcome``: changed, added, kept (an operator's value), unknown (no price known)."""

    model: str
    field: str
    outcome: str
    old: str = ""
    new: str = ""


def refresh(known: Iterable[KnownModel], published: Published, now: datetime, *, add: bool) -> list[Finding]:
    """Bring the rows up to date, within the caller's revision, and say what was changed and what was kept.

    ``published(provider, model)`` is the price list that a line may follow. ``add`` makes rows for models that are
    known but not there, where their provider is.
    """
    providers = {provider.name: provider for provider in Provider.objects.all()}
    rows = {
        (row.provider.name, row.name): row
        for row in ProviderModel.objects.select_related("provider").prefetch_related("prices")
    }
    findings: list[Finding] = []
    for line in known:
        row = rows.get((line.provider, line.name))
        price = newest_price(line, published)
        if row is not None:
            findings += _refresh_row(row, line, price, now)
        elif add and line.provider in providers:
            findings += _add_row(providers[line.provider], line, price)
    return findings


def newest_price(line: KnownModel, published: Published) -> KnownPrice | None:
    """The followed list's figures, else the line's own. Where both agree, each fills what the other does not say."""
    theirs = published(*line.follows) if line.follows else None
    ours = line.price
    if theirs is None or ours is None:
        return theirs or ours
    if (theirs.input, theirs.output) != (ours.input, ours.output):
        return theirs
    return KnownPrice(
        input=ours.input,
        output=ours.output,
        cached_input=theirs.cached_input if ours.cached_input is None else ours.cached_input,
        cache_write=theirs.cache_write if ours.cache_write is None else ours.cache_write,
        source=ours.source,
    )


def _refresh_row(row: ProviderModel, line: KnownModel, price: KnownPrice | None, now: datetime) -> list[Finding]:
    findings: list[Finding] = []
    known = dict(row.known)
    changed = False
    for name, new in line.facts().items():
        old = getattr(row, name)
        if old == new:
            known[name] = new
        elif new is None:
            continue
        elif name in known and old == known[name]:
            setattr(row, name, new)
            known[name] = new
            changed = True
            findings.append(Finding(str(row), name, "changed", _shown(old), _shown(new)))
        else:
            findings.append(Finding(str(row), name, "kept", _shown(old), _shown(new)))
    findings += _refresh_price(row, price, known, now)
    if changed or known != row.known:
        row.known = known
        row.save()
    return findings


def _refresh_price(row: ProviderModel, price: KnownPrice | None, known: dict[str, Any], now: datetime) -> list[Finding]:
    prices = list(row.prices.all())
    if price is None:
        return [] if prices else [Finding(str(row), "price", "unknown")]
    begun = [one for one in prices if one.valid_from is None or one.valid_from <= now]
    present = begun[-1] if begun else None
    new, last = price_as_known(price), known.get("price")
    if present is not None and _figures(present) == _figures_known(new):
        known["price"] = new
        return []
    ours = len(begun) == len(prices) and (_figures(present) if present else None) == _figures_known(last)
    if not ours:
        return [Finding(str(row), "price", "kept", _shown_price(present), _shown_known(new))]
    Price(model=row, valid_from=now, source=price.source, currency=price.currency, **price.figures()).save()
    known["price"] = new
    return [Finding(str(row), "price", "changed", _shown_price(present), _shown_known(new))]


def _add_row(provider: Provider, line: KnownModel, price: KnownPrice | None) -> list[Finding]:
    known = line.facts() | ({"price": price_as_known(price)} if price else {})
    row = ProviderModel(provider=provider, name=line.name, known=known, **line.facts())
    row.save()
    if price is not None:
        Price(model=row, source=price.source, currency=price.currency, **price.figures()).save()
    return [Finding(str(row), "model", "added", "", _shown_known(known.get("price")))]


def _figures(price: Price) -> dict[str, Any]:
    figures = {name: getattr(price, name) for name in (*FIGURES, "request")}
    shown = {name: None if figure is None else plain(figure) for name, figure in figures.items()}
    return {**shown, "currency": price.currency}


def _figures_known(known: dict[str, Any] | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {name: known.get(name) for name in (*FIGURES, "request", "currency")}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "unknown" if value is None else str(value)


def _shown_price(price: Price | None) -> str:
    return "unknown" if price is None else _shown_known(_figures(price))


def _shown_known(known: dict[str, Any] | None) -> str:
    if known is None:
        return "unknown"
    return f"{_shown(known['input'])} in, {_shown(known['output'])} out ({known['currency']} per 1M)"
