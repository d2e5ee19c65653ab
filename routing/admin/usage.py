"""What was asked lately, by name: sums of the last day's hours, and of a month's days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from metrics import histogram, spans
from metrics.models import UsageSpan

DAY = timedelta(hours=24)
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Used:
    """Sums under one name. ``p50``, ``p95``: of whole requests, in ms, None where there were none; ``cost``: by
    currency, known costs only."""

    requests: int = 0
    failed: int = 0
    tries: int = 0
    failed_tries: int = 0
    p50: float | None = None
    p95: float | None = None
    cost: dict[str, Decimal] = field(default_factory=dict)


UNUSED = Used()


def last_day(dimension: str, names: Sequence[str] | None = None) -> dict[str, Used]:
    """The last 24 hours, the one that has begun included, by name of provider, model, api_key, category, endpoint."""
    now = datetime.now(UTC)
    return _used(spans.HOUR, dimension, spans.begin(spans.HOUR, now) - DAY + timedelta(hours=1), names)


def last_month(dimension: str, names: Sequence[str] | None = None) -> dict[str, Used]:
    """The last 30 days, today included."""
    now = datetime.now(UTC)
    return _used(spans.DAY, dimension, spans.begin(spans.DAY, now) - MONTH + timedelta(days=1), names)


def _used(span: str, dimension: str, start: datetime, names: Sequence[str] | None) -> dict[str, Used]:
    rows = UsageSpan.objects.filter(span=span, dimension=dimension, start__gte=start).order_by()
    if names is not None:
        rows = rows.filter(name__in=names)
    tallies: dict[str, spans.Tally] = {}
    for name, *values in rows.values_list("name", *spans.COLUMNS):
        tallies.setdefault(name, spans.Tally()).add(spans.tally(values))
    return {name: _sums(one) for name, one in tallies.items()}


def _sums(one: spans.Tally) -> Used:
    counts: dict[str, Any] = dict(zip(spans.COUNTS, one.counts, strict=True))
    told = {name: counts[name] for name in ("requests", "failed", "tries", "failed_tries")}
    p50, p95 = (histogram.quantile(one.latency, fraction) for fraction in (0.5, 0.95))
    return Used(**told, p50=p50, p95=p95, cost=one.costs)
