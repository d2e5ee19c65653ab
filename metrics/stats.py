"""The reads: sums and percentiles of a period from the hours, sums since ever from the totals.

Single requests are never counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from metrics import histogram, rollup
from metrics.models import UsageHour, UsageTotal

COUNTS = tuple(name for name in rollup.NUMBERS if name != "cost")
QUANTILES = (0.5, 0.95, 0.99)

Group = tuple[Any, ...]
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums of a group. ``cost`` by currency, known costs only; ``unpriced`` counts the requests without one."""

    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    tries: int = 0
    failed_tries: int = 0
    failovers: int = 0
    limit_skips: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    unpriced: int = 0
    duration_ms: float = 0.0
    cost: Mapping[str, Decimal] = field(default_factory=dict)

    def plus(self, other: Usage) -> Usage:
        """Both together."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        currencies = self.cost.keys() | other.cost.keys()
        nothing = Decimal(0)
        cost = {name: self.cost.get(name, nothing) + other.cost.get(name, nothing) for name in currencies}
        return Usage(**counts, cost=cost)

    def minus(self, other: Usage) -> Usage:
        """What has been added since ``other``, an earlier reading of the same sums."""
        counts = {name: getattr(self, name) - getattr(other, name) for name in COUNTS}
        return Usage(**counts, cost={name: amount - other.cost.get(name, 0) for name, amount in self.cost.items()})

    @property
    def mean_ms(self) -> float | None:
        """Mean duration of a request."""
        return self.duration_ms / self.requests if self.requests else None

    @property
    def success_rate(self) -> float | None:
        """Succeeded of those that the caller did not cancel, 0 … 1."""
        ended = self.requests - self.cancelled
        return self.succeeded / ended if ended else None


@dataclass(frozen=True, slots=True)
class Percentiles:
    """(p50, p95, p99) in ms, within 5 %, of whole requests and of the time to the first content."""

    latency: tuple[float | None, ...]
    first_content: tuple[float | None, ...]


def usage(start: datetime, end: datetime, by: Sequence[str] = (), only: Names | None = None) -> dict[Group, Usage]:
    """Sums of the hours that begin in ``start`` ≤ hour < ``end``, a group for each combination of ``by``.

    ``by`` of hour, model, category, api_key, provider, endpoint; ``only`` narrows to these names. ``()`` is one group.
    """
    return _grouped(_rows(start, end, only), by)


def totals(by: Sequence[str] = ()) -> dict[Group, Usage]:
    """Sums since ever, a group for each combination of ``by`` (model, api_key, provider, endpoint)."""
    return _grouped(UsageTotal.objects.all(), by)


def _grouped(table: QuerySet[Any], by: Sequence[str]) -> dict[Group, Usage]:
    sums = {f"sum_{name}": Sum(name) for name in rollup.NUMBERS}
    rows = table.order_by().values(*by, "currency").annotate(**sums)
    totals: dict[Group, dict[str, Any]] = {}
    costs: dict[Group, dict[str, Decimal]] = {}
    for row in rows:
        group = tuple(row[name] for name in by)
        total = totals.setdefault(group, dict.fromkeys(COUNTS, 0))
        for name in COUNTS:
            total[name] += row[f"sum_{name}"]
        if row["currency"]:
            costs.setdefault(group, {})[row["currency"]] = row["sum_cost"]
    return {group: Usage(**total, cost=costs.get(group, {})) for group, total in totals.items()}


def percentiles(
    start: datetime, end: datetime, by: Sequence[str] = (), only: Names | None = None
) -> dict[Group, Percentiles]:
    """p50, p95 and p99 of the same groups as ``usage``. Reads every hourly row of the period: keep it short."""
    latency: dict[Group, Counter[str]] = {}
    first_content: dict[Group, Counter[str]] = {}
    rows = _rows(start, end, only).order_by().values_list(*by, *rollup.HISTOGRAMS)
    for *names, whole, first in rows.iterator():
        latency.setdefault(tuple(names), Counter()).update(whole)
        first_content.setdefault(tuple(names), Counter()).update(first)
    return {group: Percentiles(_quantiles(latency[group]), _quantiles(first_content[group])) for group in latency}


def last_hours(count: int, now: datetime, only: Names | None = None) -> list[tuple[datetime, Usage]]:
    """The last ``count`` hours with the current one, the oldest first; an hour without requests is there, empty."""
    current = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = current - timedelta(hours=count - 1)
    found = usage(first, current + timedelta(hours=1), by=("hour",), only=only)
    hours = (first + timedelta(hours=number) for number in range(count))
    return [(hour, found.get((hour,), Usage())) for hour in hours]


def _rows(start: datetime, end: datetime, only: Names | None) -> QuerySet[UsageHour]:
    return UsageHour.objects.filter(hour__gte=start, hour__lt=end, **(only or {}))


def _quantiles(counts: Mapping[str, int]) -> tuple[float | None, ...]:
    return tuple(histogram.quantile(counts, fraction) for fraction in QUANTILES)
