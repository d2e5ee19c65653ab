"""The tries of one request on one axis of time, each with why it was made. Widths are percentages for CSS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from metrics.log.words import milliseconds, plain, tone
from metrics.models import AttemptLog, RequestLog

SHORTEST = 0.4  # per cent: what would be too thin to be seen
HOW = {
    "model": gettext_lazy("a public model"),
    "alias": gettext_lazy("an alias of a public model"),
    "category": gettext_lazy("a category"),
    "router": gettext_lazy("a category, chosen by what the request is about"),
    "provider_model": gettext_lazy("a provider's model, named with its provider"),
    "bare": gettext_lazy("the bare name of a catalogued model"),
    "wildcard": gettext_lazy("any other name: the public model *"),
    "transient": gettext_lazy("a provider's model that nobody catalogued"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One try. ``left``, ``wait`` (until the first content, or the end), ``flow`` (from there on): per cent."""

    attempt: AttemptLog
    endpoint: str
    left: str
    wait: str
    flow: str
    started: str
    first: str
    end: str
    tone: str
    why: str
    error: str


def bars(row: RequestLog, attempts: Sequence[AttemptLog]) -> list[Bar]:
    """The tries in their order."""
    whole = max([row.duration_ms, *(_end(attempt, row) for attempt in attempts), 0.001])
    return [
        _bar(row, attempt, attempts[number - 1] if number else None, whole) for number, attempt in enumerate(attempts)
    ]


def marks(row: RequestLog, attempts: Sequence[AttemptLog]) -> list[str]:
    """The axis: its beginning, middle and end."""
    whole = max([row.duration_ms, *(_end(attempt, row) for attempt in attempts), 0.001])
    return [milliseconds(whole * part) for part in (0.0, 0.5, 1.0)]


def _end(attempt: AttemptLog, row: RequestLog) -> float:
    return row.duration_ms if attempt.end_ms is None else attempt.end_ms


def _bar(row: RequestLog, attempt: AttemptLog, before: AttemptLog | None, whole: float) -> Bar:
    end = _end(attempt, row)
    first = end if attempt.first_ms is None else attempt.first_ms
    return Bar(
        attempt,
        plain(attempt.endpoint),
        _per_cent(min(attempt.started_ms, whole), whole),
        _per_cent(max(first - attempt.started_ms, whole * SHORTEST / 100), whole),
        _per_cent(max(end - first, 0.0), whole),
        milliseconds(attempt.started_ms),
        milliseconds(attempt.first_ms),
        milliseconds(attempt.end_ms),
        tone(attempt.outcome, attempt.status),
        plain(_why(row, attempt, before)),
        plain(attempt.error),
    )


def _per_cent(part: float, whole: float) -> str:
    return f"{min(max(100 * part / whole, 0.0), 100.0):.2f}%"


def _why(row: RequestLog, attempt: AttemptLog, before: AttemptLog | None) -> str:
    """Why this one was tried at this point, as far as the record tells."""
    if before is None:
        if not row.strategy:
            return _("First in the order of the plan.")
        return _("First of those that could answer, by the strategy “%(strategy)s”.") % {"strategy": row.strategy}
    told: dict[str, Any] = {"endpoint": before.endpoint, "outcome": before.outcome}
    if before.endpoint == attempt.endpoint and before.credential != attempt.credential:
        return _("The same endpoint with the provider's next key, after “%(outcome)s”.") % told
    if before.endpoint == attempt.endpoint:
        return _("Tried again, because “%(outcome)s” may pass at once.") % told
    if row.stream and before.first_ms is not None and before.outcome not in ("success", "cancelled"):
        return _("Goes on where the answer of %(endpoint)s was cut off (“%(outcome)s”).") % told
    return _("Next in the order, after %(endpoint)s: “%(outcome)s”.") % told
