"""Spans that hold what the hours say, where no drainer of this version kept them in step.

``step`` takes over one hour from before there were spans, the latest first. ``repair`` finds hours that workers of the
version before have drained into since (several hosts are not upgraded at once). Each hour is one short transaction, and
adds the difference between what it says and what its spans say: killed, repeated or beside a drainer, it is exact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum

from metrics import drain, rollup, spans, sums
from metrics.models import SpanFill, UsageHour, UsageSpan

THE_FILL = 1
NOT_BEGUN = datetime(2101, 1, 1, tzinfo=UTC)  # no record is of a later time
LATELY = timedelta(hours=48)
TELLING = ("requests", "tries", "limit_skips")  # whatever is counted adds to one of these


def step() -> bool:
    """Take over the latest hour that is not yet; False when there is none left. Raises ``django.db.DatabaseError``."""
    with transaction.atomic():
        drain.wait_for_others()
        fill, _ = SpanFill.objects.get_or_create(pk=THE_FILL, defaults={"back_to": NOT_BEGUN})
        if fill.back_to is None:
            return False
        earlier = UsageHour.objects.filter(hour__lt=fill.back_to).order_by("-hour").values_list("hour", flat=True)
        fill.back_to = earlier.first()
        if fill.back_to is not None:
            _mend(fill.back_to)
        fill.save()
    return fill.back_to is not None


def back_to() -> datetime | None:
    """From when on the spans are whole, as far as hours of before them are concerned; None: since ever."""
    fill = SpanFill.objects.filter(pk=THE_FILL).first()
    return NOT_BEGUN if fill is None else fill.back_to


def repair(now: datetime) -> int:
    """Mend the hours of the last two days whose spans say less than they. Returns how many there were."""
    since = spans.begin(spans.HOUR, now - LATELY)
    wanted = {f"sum_{name}": Sum(name) for name in TELLING}
    said: Any = UsageHour.objects.filter(hour__gte=since).order_by().values("hour").annotate(**wanted)
    whole = UsageSpan.objects.filter(span=spans.HOUR, dimension=spans.WHOLE, start__gte=since)
    known = {start: tuple(counts) for start, *counts in whole.values_list("start", *TELLING)}
    wrong = [row["hour"] for row in said if tuple(row[name] for name in wanted) != known.get(row["hour"])]
    for hour in wrong:
        with transaction.atomic():
            drain.wait_for_others()
            _mend(hour)
    return len(wrong)


def _mend(hour: datetime) -> None:
    rows = UsageHour.objects.filter(hour=hour).values_list(*rollup.Key._fields, *rollup.COLUMNS)
    width = len(rollup.Key._fields)
    difference = spans.added({_key(values[:width]): rollup.Sums(*values[width:]) for values in rows.iterator()})
    known = UsageSpan.objects.filter(span=spans.HOUR, dimension__in=(spans.WHOLE, *spans.DIMENSIONS), start=hour)
    for span, dimension, start, name, *values in known.values_list(*spans.Span._fields, *spans.COLUMNS):
        difference.setdefault(spans.Span(span, dimension, start, name), spans.Tally()).add(spans.tally(values), -1)
    sums.add_spans(spans.in_all({key: change for key, change in difference.items() if not change.nothing}))


def _key(values: tuple[Any, ...]) -> rollup.Key:
    hour, *names = values
    return rollup.Key(int(hour.timestamp()), *names)
