"""Sums since ever as Prometheus' counters and histograms. Label values are escaped by the library that writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from metrics import drain, histogram, rollup
from metrics.marks import PATIENCE
from metrics.models import UsageTotal

CALLERS = ("model", "provider", "endpoint", "api_key")
PLACES = ("provider", "endpoint")
OUTCOMES = {"succeeded": "success", "failed": "failed", "cancelled": "cancelled"}
TOKENS = {"prompt_tokens": "prompt", "completion_tokens": "completion", "cached_tokens": "cached",
          "reasoning_tokens": "reasoning"}  # fmt: skip
TRIES = {
    "tries": "Tries sent to an endpoint.",
    "failed_tries": "Tries that failed.",
    "failovers": "Failed tries that were followed by another try.",
}
DURATIONS = {
    "latency": ("switchyard_request_duration_seconds", "Whole requests, at the endpoint that ended them."),
    "first_content": ("switchyard_first_content_seconds", "Time to the first content, from the request's beginning."),
}

Row = dict[str, Any]


def read(spool: Path) -> list[Row]:
    """Sums since ever by all names, up to what was answered last; histograms as JSON text, since parsing them takes its
    time and needs no database. Raises ``django.db.DatabaseError``."""
    drain.catch_up(spool, PATIENCE)
    texts = {name: Cast(name, TextField()) for name in DURATIONS}
    columns = {f"{name}_text": text for name, text in texts.items()}
    return list(UsageTotal.objects.order_by().values(*rollup.Total._fields, *rollup.NUMBERS, **columns))


def families(rows: Sequence[Row]) -> list[Metric]:
    """What ``read`` read, in Prometheus' words."""
    return [
        _requests(rows),
        _tokens(rows),
        *_money(rows),
        *(_counter(name, text, PLACES, _by(rows, PLACES, name)) for name, text in TRIES.items()),
        _counter(
            "limit_skips",
            "Times that an endpoint was passed over because its own limit was used up.",
            ("endpoint",),
            _by(rows, ("endpoint",), "limit_skips"),
        ),
        *(_histogram(name, rows) for name in DURATIONS),
    ]


def _requests(rows: Sequence[Row]) -> Metric:
    counted = {
        (*names, said): count
        for column, said in OUTCOMES.items()
        for names, count in _by(rows, CALLERS, column, "requests").items()
    }
    return _counter("requests", "Callers' requests, at the endpoint that ended them.", (*CALLERS, "outcome"), counted)


def _tokens(rows: Sequence[Row]) -> Metric:
    counted = {
        (*names, said): count
        for column, said in TOKENS.items()
        for names, count in _by(rows, CALLERS, column, column).items()
    }
    text = "Tokens as vendors counted them; cached ones are among the prompt's, reasoning ones among the completion's."
    return _counter("tokens", text, (*CALLERS, "kind"), counted)


def _money(rows: Sequence[Row]) -> Iterable[Metric]:
    priced = _by([row for row in rows if row["currency"]], (*CALLERS, "currency"), "cost")
    yield _counter("cost", "What requests cost, where their price is known.", (*CALLERS, "currency"), priced)
    unpriced = _by(rows, CALLERS, "unpriced", "unpriced")
    yield _counter("unpriced_requests", "Requests whose cost is unknown.", CALLERS, unpriced)


def _by(rows: Iterable[Row], names: Sequence[str], column: str, where: str = "") -> dict[tuple[str, ...], Any]:
    """Sums of ``column`` by ``names``, of the rows in which ``where`` (default: the column itself) is not nothing."""
    sums: dict[tuple[str, ...], Any] = {}
    for row in rows:
        if row[where or column]:
            group = tuple([row[name] for name in names])
            sums[group] = sums.get(group, 0) + row[column]
    return sums


def _counter(name: str, text: str, labels: Sequence[str], counted: dict[tuple[str, ...], Any]) -> Metric:
    family = CounterMetricFamily(f"switchyard_{name}", text, labels=labels)
    for values, count in sorted(counted.items()):
        family.add_metric(values, float(count))
    return family


def _histogram(column: str, rows: Sequence[Row]) -> Metric:
    durations: dict[tuple[str, ...], dict[str, int]] = {}
    for row in rows:
        merged = durations.setdefault(tuple([row[name] for name in PLACES]), {})
        for bucket, count in orjson.loads(row[f"{column}_text"]).items():
            merged[bucket] = merged.get(bucket, 0) + count
    name, text = DURATIONS[column]
    family = HistogramMetricFamily(name, f"{text} The sum is within 5 %.", labels=PLACES)
    for place, counts in sorted(durations.items()):
        if counts:
            buckets = [(f"{bound / 1000:.6g}", float(count)) for bound, count in histogram.cumulative(counts)]
            whole = ("+Inf", float(sum(counts.values())))
            family.add_metric(place, [*buckets, whole], histogram.total(counts) / 1000)
    return family
