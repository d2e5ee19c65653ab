"""Made-up records, and a directory for their spool."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from metrics import record, rollup, spans
from metrics.models import AttemptLog, RequestLog, UsageHour, UsageSpan
from metrics.spool import Spool

NOON = time.time() // 3600 * 3600 - 1800  # half past, and younger than the retention


def made(**fields: Any) -> dict[str, Any]:
    """A request that succeeded at its second endpoint."""
    record_of = {
        "id": record.new_id(),
        "request_id": "caller-1",
        "at": NOON,
        "api_key": "shop",
        "operation": "chat",
        "status": 200,
        "outcome": "success",
        "requested_model": "fast",
        "route": "fast",
        "provider": "acme",
        "endpoint": "acme/large",
        "upstream_model": "large",
        "duration_ms": 250.0,
        "first_ms": 90.0,
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "usage_source": "vendor",
        "cost": "0.000125",
        "currency": "USD",
        "tries": 2,
        "attempts": [
            {"number": 1, "endpoint": "zeta/large", "provider": "zeta", "outcome": "timeout", "started_ms": 0.5},
            {"number": 2, "endpoint": "acme/large", "provider": "acme", "outcome": "success", "started_ms": 80.0},
        ],
        "skipped": [{"endpoint": "slow", "code": "over_limit", "reason": "rests for 2.0 s more"}],
    }
    return record_of | fields


def spooled(directory: Path, *records: dict[str, Any]) -> Path:
    """Write the records to one finished spool file."""
    writer = Spool(directory)
    for entry in records:
        assert writer.append(record.encode(record.fit(entry)))
    writer.rotate()
    return sorted(directory.glob("[0-9]*.jsonl"), key=lambda path: path.stat().st_mtime_ns)[-1]


def stored() -> tuple[int, int, int, int]:
    """Requests, attempts, and the hourly sums of both."""
    hours = UsageHour.objects.all()
    return (
        RequestLog.objects.count(),
        AttemptLog.objects.count(),
        sum(hour.requests for hour in hours),
        sum(hour.tries for hour in hours),
    )


def spans_of_hours() -> dict[spans.Span, dict[str, Any]]:
    """What the spans must say, summed afresh from the hours."""
    found: dict[spans.Span, spans.Tally] = {}
    for row in UsageHour.objects.all():
        key = rollup.Key(int(row.hour.timestamp()), *(getattr(row, name) for name in rollup.Key._fields[1:]))
        sums = rollup.Sums(*(getattr(row, name) for name in rollup.COLUMNS))
        for span, change in spans.in_all(spans.added({key: sums})).items():
            found.setdefault(span, spans.Tally()).add(change)
    return {key: _rounded(one) for key, one in found.items()}


def spans_stored() -> dict[spans.Span, dict[str, Any]]:
    """What the spans say."""
    rows = UsageSpan.objects.values_list(*spans.Span._fields, *spans.COLUMNS)
    return {spans.Span(*row[:4]): _rounded(spans.tally(row[4:])) for row in rows}


def _rounded(one: spans.Tally) -> dict[str, Any]:
    """Floating sums differ in their last digits by the order of their parts."""
    columns = one.columns
    costs = {currency: round(Decimal(amount), 9) for currency, amount in columns["costs"].items()}
    return {**columns, "costs": costs, "duration_ms": round(columns["duration_ms"], 3)}


class Killed(BaseException):
    """Stands for a sudden death at a checkpoint."""


def killed_at(step: str, occurrence: int = 1) -> Any:
    """A checkpoint that dies at the given step."""
    seen = 0

    def checkpoint(name: str) -> None:
        nonlocal seen
        seen += name == step
        if name == step and seen == occurrence:
            raise Killed(step)

    return checkpoint
