"""Sums → rows of UsageHour, UsageTotal and UsageSpan: read, add, write back, within the drainer's transaction.

Safe because no other drainer is between its beginning and its commit (``metrics.drain``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from metrics import rollup, spans
from metrics.insert import upsert
from metrics.models import UsageHour, UsageSpan, UsageTotal

Changes = Mapping[Any, rollup.Sums]


def add(changes: Mapping[rollup.Key, rollup.Sums]) -> None:
    """Add these sums to their hours, to the spans of these, and to what has been counted since ever."""
    hours = {key._replace(hour=datetime.fromtimestamp(key.hour, UTC)): sums for key, sums in changes.items()}  # type: ignore[arg-type]
    _add(UsageHour, rollup.Key, hours, hour__in={key.hour for key in hours})
    _add(UsageTotal, rollup.Total, rollup.totals(changes))
    add_spans(spans.in_all(spans.added(changes)))


def add_spans(changes: Mapping[spans.Span, spans.Tally]) -> None:
    """Add to rows of UsageSpan."""
    sums = dict(changes)
    for key, known in _known_spans(changes):
        if key in sums:
            known.add(sums[key])
            sums[key] = known
    upsert(UsageSpan, [{**key._asdict(), **sums[key].columns} for key in sorted(sums)], spans.Span._fields)


def _known_spans(wanted: Iterable[spans.Span]) -> Iterator[tuple[spans.Span, spans.Tally]]:
    """The rows there are of these, and perhaps some others."""
    places: dict[tuple[str, str], tuple[set[datetime], set[str]]] = {}
    for key in wanted:
        starts, names = places.setdefault((key.span, key.dimension), (set(), set()))
        starts.add(key.start)
        names.add(key.name)
    asked = Q()
    for (span, dimension), (starts, names) in places.items():
        asked |= Q(span=span, dimension=dimension, start__in=starts, name__in=names)
    if places:
        for span, dimension, start, name, *values in UsageSpan.objects.filter(asked).values_list(
            *spans.Span._fields, *spans.COLUMNS
        ):
            yield spans.Span(span, dimension, start, name), spans.tally(values)


def _add(model: type[UsageHour | UsageTotal], key_of: Any, changes: Changes, **narrower: Any) -> None:
    """``changes`` by ``key_of``, whose fields are the columns that make a row of ``model`` unique."""
    names = key_of._fields
    known = model._default_manager.filter(
        model__in={key.model for key in changes},
        api_key__in={key.api_key for key in changes},
        endpoint__in={key.endpoint for key in changes},
        **narrower,
    )
    totals = dict(changes)
    for values in known.values_list(*names, *rollup.COLUMNS):
        key = key_of(*values[: len(names)])
        if key in totals:
            totals[key] = rollup.Sums(*values[len(names) :]).plus(totals[key])
    upsert(model, [_row(key, totals[key]) for key in sorted(totals)], names)


def _row(key: Any, sums: rollup.Sums) -> dict[str, Any]:
    return {**key._asdict(), **{column: getattr(sums, column) for column in rollup.COLUMNS}}
