"""What happened in a period of the dashboard, read from the spans: sums, percentiles, a series, and names' shares.

Times are UTC, whole hours; durations ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import F, Q, Sum

from metrics import histogram, spans
from metrics.models import UsageSpan
from metrics.stats import Usage

PERIODS = ("24h", "7d", "30d", "90d", "12m")
USUAL = "24h"
_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Period:
    """``start`` … ``end`` (the hour that is under way included), told in steps of ``step``."""

    name: str
    start: datetime
    end: datetime
    step: str

    @property
    def before(self) -> tuple[datetime, datetime]:
        """As long a time, just before."""
        return self.start - (self.end - self.start), self.start

    @property
    def open_end(self) -> datetime:
        """The end of the month that is under way. Nothing has happened later, so that whole spans may be read."""
        return spans.after(spans.MONTH, spans.begin(spans.MONTH, self.end - timedelta(hours=1)))


def period(name: str, now: datetime) -> Period:
    """The period of this name at ``now``; any other name is the usual one. Days and months begin as in UTC."""
    hour = spans.begin(spans.HOUR, now)
    end = spans.after(spans.HOUR, hour)
    if name in _DAYS:
        step = spans.HOUR if name == "7d" else spans.DAY
        return Period(name, spans.begin(spans.DAY, now) - timedelta(days=_DAYS[name] - 1), end, step)
    if name == "12m":
        month = spans.begin(spans.MONTH, now)
        for _ in range(_MONTHS - 1):
            month = spans.begin(spans.MONTH, month - timedelta(days=1))
        return Period(name, month, end, spans.DAY)
    return Period(USUAL, hour - timedelta(hours=23), end, spans.HOUR)


@dataclass(frozen=True)
class Figures:
    """Sums with their histograms."""

    tally: spans.Tally

    @cached_property
    def usage(self) -> Usage:
        """The sums."""
        return Usage(**dict(zip(spans.COUNTS, self.tally.counts, strict=True)), cost=self.tally.costs)

    def latency(self, fraction: float) -> float | None:
        """How long a request took that ``fraction`` of them did not exceed, in ms."""
        return histogram.quantile(self.tally.latency, fraction)

    def first_content(self, fraction: float) -> float | None:
        """The same of the time to the first content."""
        return histogram.quantile(self.tally.first_content, fraction)

    @property
    def unknown_cost(self) -> int:
        """How many answers nobody knows the cost of. Requests without an answer mostly have none."""
        usage = self.usage
        return max(0, usage.unpriced - usage.failed - usage.cancelled)


def whole(start: datetime, end: datetime) -> Figures:
    """Everything from ``start`` to ``end``."""
    return Figures(spans.total(one for _, one in _read(start, end, spans.WHOLE)))


def by_name(dimension: str, start: datetime, end: datetime) -> dict[str, Figures]:
    """The same for each name of a dimension of ``metrics.spans``; names' hours are kept for 60 days."""
    found: dict[str, spans.Tally] = {}
    for name, one in _read(start, end, dimension):
        found.setdefault(name, spans.Tally()).add(one)
    return {name: Figures(one) for name, one in found.items()}


def series(period: Period) -> list[tuple[datetime, Figures]]:
    """Everything, step by step; a step in which nothing happened is there, empty."""
    stretch = spans.Stretch(period.step, period.start, period.end)
    rows = UsageSpan.objects.filter(_within(stretch), dimension=spans.WHOLE).values_list("start", *spans.COLUMNS)
    known = {row[0]: spans.tally(row[1:]) for row in rows}
    return [(start, Figures(known.get(start) or spans.Tally())) for start in spans.starts(stretch)]


def answers_without_cost(start: datetime, end: datetime) -> dict[str, int]:
    """How many answers of unknown cost each endpoint gave, the most first."""
    rows = UsageSpan.objects.filter(_covering(start, end), dimension="endpoint", unpriced__gt=0).order_by()
    asked = F("unpriced") - F("failed") - F("cancelled")
    found: Any = rows.filter(unpriced__gt=F("failed") + F("cancelled")).values("name").annotate(unknown=Sum(asked))
    return {row["name"]: row["unknown"] for row in sorted(found, key=lambda row: -row["unknown"])}


def tries_lately(dimension: str, now: datetime) -> Mapping[str, tuple[int, int]]:
    """(tries, failed tries) of each name in this hour and the one before."""
    start = spans.begin(spans.HOUR, now) - timedelta(hours=1)
    rows = UsageSpan.objects.filter(span=spans.HOUR, dimension=dimension, start__gte=start).order_by()
    found: Any = rows.values("name").annotate(all_tries=Sum("tries"), failures=Sum("failed_tries"))
    return {row["name"]: (row["all_tries"], row["failures"]) for row in found}


def anything() -> bool:
    """Whether there has been a request at all."""
    return UsageSpan.objects.filter(span=spans.MONTH, dimension=spans.WHOLE).exists()


def _read(start: datetime, end: datetime, dimension: str) -> Iterator[tuple[str, spans.Tally]]:
    rows = UsageSpan.objects.filter(_covering(start, end), dimension=dimension)
    for name, *values in rows.values_list("name", *spans.COLUMNS).iterator(chunk_size=2000):
        yield name, spans.tally(values)


def _covering(start: datetime, end: datetime) -> Q:
    asked = Q()
    for stretch in spans.cover(start, end):
        asked |= _within(stretch)
    return asked


def _within(stretch: spans.Stretch) -> Q:
    return Q(span=stretch.span, start__gte=stretch.start, start__lt=stretch.end)
