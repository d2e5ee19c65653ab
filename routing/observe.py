"""What drained records tell of endpoints and keys: moving figures and "last used". Hears ``metrics.signals.drained``.

Runs in the drainer's native thread, after the records have been committed: it may be lost with a killed worker, and
nothing that must be exact is derived from it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from providers.errors import (
    CallerLeft,
    ContentFiltered,
    ContextTooLong,
    PayloadTooLarge,
    RequestRejected,
    Unsupported,
)
from routing.models import EndpointStats, KeyState

WEIGHT = 0.1  # of the newest figure in a moving average
# What the caller is to blame for says nothing of the endpoint.
NO_FAILURE = frozenset(
    error.outcome
    for error in (CallerLeft, ContentFiltered, ContextTooLong, PayloadTooLarge, RequestRejected, Unsupported)
)


def observe(records: Sequence[Mapping[str, Any]], **signal: Any) -> None:
    """Update statistics and "last used" from a batch of records (``metrics.record.append``'s form)."""
    used: dict[str, float] = {}
    tries: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if record.get("api_key"):
            identity = f"api:{record['api_key']}"
            used[identity] = max(used.get(identity, 0.0), record["at"])
        for attempt in record.get("attempts") or ():
            tries.setdefault(attempt["endpoint"], []).append({**attempt, "at": record["at"]})
    with transaction.atomic():
        _mark_used(used)
        _average(tries)


def _mark_used(used: Mapping[str, float]) -> None:
    known = KeyState.objects.in_bulk(list(used))
    for identity, at in sorted(used.items()):
        moment = datetime.fromtimestamp(at, UTC)
        row = known.get(identity)
        if row is None:
            KeyState.objects.create(identity=identity, last_used_at=moment, updated_at=time.time())
        elif row.last_used_at is None or row.last_used_at < moment:
            KeyState.objects.filter(identity=identity).update(last_used_at=moment)


def _average(tries: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    known = EndpointStats.objects.in_bulk(list(tries))
    for endpoint, attempts in sorted(tries.items()):
        row = known.get(endpoint) or EndpointStats(identity=endpoint)
        for attempt in attempts:
            row.tries += 1
            if attempt["outcome"] == "success":
                row.last_success_at = datetime.fromtimestamp(attempt["at"], UTC)
                row.total_ms = _moved(row.total_ms, attempt["end_ms"], attempt["started_ms"])
                row.first_content_ms = _moved(row.first_content_ms, attempt["first_ms"], attempt["started_ms"])
            elif attempt["outcome"] not in NO_FAILURE:
                row.failures += 1
                row.last_error = (attempt.get("error") or attempt["outcome"])[:300]
                row.last_error_at = datetime.fromtimestamp(attempt["at"], UTC)
        row.updated_at = time.time()
        row.save()


def _moved(average: float | None, end: float | None, start: float) -> float | None:
    if end is None:
        return average
    figure = end - start
    return figure if average is None else average + WEIGHT * (figure - average)
