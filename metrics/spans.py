"""Sums by hour, day and month, of everything and of each name of a dimension. Pure. Times are UTC.

``hours`` → what they add to the spans; a stretch of time → the fewest spans that make it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from metrics import histogram, rollup

HOUR, DAY, MONTH = "hour", "day", "month"
SPANS = (HOUR, DAY, MONTH)
WHOLE = ""
DIMENSIONS = ("provider", "model", "api_key", "category", "endpoint")
COUNTS = tuple(name for name in rollup.NUMBERS if name != "cost")
COLUMNS = (*COUNTS, "costs", *rollup.HISTOGRAMS)
WHOLE_COUNTS = tuple(name for name in COUNTS if name != "duration_ms")
LONGEST = timedelta(days=31)


class Span(NamedTuple):
    """What makes a row of UsageSpan."""

    span: str
    dimension: str
    start: datetime
    name: str


class Stretch(NamedTuple):
    """The spans of one kind that begin in ``start`` ≤ … < ``end``."""

    span: str
    start: datetime
    end: datetime


@dataclass(slots=True)
class Tally:
    """A sum in the making: ``counts`` in the order of COUNTS."""

    counts: list[Any] = field(default_factory=lambda: [0] * len(COUNTS))
    costs: dict[str, Decimal] = field(default_factory=dict)
    latency: histogram.Histogram = field(default_factory=dict)
    first_content: histogram.Histogram = field(default_factory=dict)

    def add(self, other: Tally, sign: int = 1) -> None:
        """Add ``other``, or take it away again."""
        self.counts = [mine + sign * theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        _add(self.costs, other.costs, sign)
        _add(self.latency, other.latency, sign)
        _add(self.first_content, other.first_content, sign)

    @property
    def columns(self) -> dict[str, Any]:
        """As a row has it."""
        costs = {currency: f"{amount:f}" for currency, amount in self.costs.items()}
        said = dict(zip(COUNTS, self.counts, strict=True))
        return {**said, "costs": costs, "latency": self.latency, "first_content": self.first_content}

    @property
    def nothing(self) -> bool:
        """Whether adding it would change no count."""
        return not any(self.counts[: len(WHOLE_COUNTS)])


def _add(mine: dict[str, Any], theirs: Mapping[str, Any], sign: int) -> None:
    for key, count in theirs.items():
        mine[key] = mine.get(key, 0) + sign * count
        if sign < 0 and not mine[key]:
            del mine[key]


def tally(values: Sequence[Any]) -> Tally:
    """A row's values in the order of COLUMNS."""
    *counts, costs, latency, first_content = values
    return Tally(counts, {currency: Decimal(amount) for currency, amount in costs.items()}, latency, first_content)


def added(hours: Mapping[rollup.Key, rollup.Sums]) -> dict[Span, Tally]:
    """What sums by hour add to the hours' own spans. ``in_all`` says what that adds to days and months."""
    found: dict[Span, Tally] = {}
    for key, sums in hours.items():
        costs = {key.currency: sums.cost} if key.currency else {}
        one = Tally([getattr(sums, name) for name in COUNTS], costs, sums.latency, sums.first_content)
        start = datetime.fromtimestamp(key.hour, UTC)
        found.setdefault(Span(HOUR, WHOLE, start, ""), Tally()).add(one)
        for dimension in DIMENSIONS:
            found.setdefault(Span(HOUR, dimension, start, getattr(key, dimension)), Tally()).add(one)
    return found


def in_all(hours: Mapping[Span, Tally]) -> dict[Span, Tally]:
    """Changes of spans of an hour, with what they are for its day and its month."""
    found = dict(hours)
    for key, change in hours.items():
        for span in (DAY, MONTH):
            found.setdefault(key._replace(span=span, start=begin(span, key.start)), Tally()).add(change)
    return found


def begin(span: str, at: datetime) -> datetime:
    """When the span that ``at`` is in began."""
    at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if span == HOUR:
        return at
    return at.replace(hour=0) if span == DAY else at.replace(hour=0, day=1)


def after(span: str, start: datetime) -> datetime:
    """When the span that begins at ``start`` ends."""
    if span == MONTH:
        return begin(MONTH, start + LONGEST)
    return start + timedelta(hours=1 if span == HOUR else 24)


def starts(stretch: Stretch) -> Iterator[datetime]:
    """When each of its spans begins."""
    at = stretch.start
    while at < stretch.end:
        yield at
        at = after(stretch.span, at)


def cover(start: datetime, end: datetime) -> list[Stretch]:
    """The fewest spans that together are ``start`` … ``end`` (whole hours)."""
    found: list[Stretch] = []
    at = start
    while at < end:
        span = next(
            span for span in reversed(SPANS) if (begin(span, at) == at and after(span, at) <= end) or span == HOUR
        )
        follows = after(span, at)
        if found and found[-1].span == span:
            found[-1] = found[-1]._replace(end=follows)
        else:
            found.append(Stretch(span, at, follows))
        at = follows
    return found


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    whole = Tally()
    for one in tallies:
        whole.add(one)
    return whole
