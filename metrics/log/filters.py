"""What the request log is asked for: the parameters of its address → conditions on rows, or what is wrong with them.

``since`` and ``until`` are ISO date-times (UTC unless they say otherwise), ``duration_*`` milliseconds, ``cost_*`` in
the records' own currency. ``outcome`` is a recorded word, or ``failed`` for all but successes and departed callers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

FAILURES = ~Q(outcome="success")
PERIODS = {
    "15m": (timedelta(minutes=15), _("last 15 minutes")),
    "1h": (timedelta(hours=1), _("last hour")),
    "24h": (timedelta(hours=24), _("last 24 hours")),
    "7d": (timedelta(days=7), _("last 7 days")),
    "30d": (timedelta(days=30), _("last 30 days")),
}
STATUS_RANGES = {"2xx": (200, 299), "4xx": (400, 499), "5xx": (500, 599), "none": (0, 0)}
LABELS = {
    "q": _("request id"),
    "period": _("period"),
    "since": _("since"),
    "until": _("until"),
    "model": _("model"),
    "endpoint": _("endpoint"),
    "provider": _("provider"),
    "key": _("API key"),
    "category": _("category"),
    "operation": _("operation"),
    "outcome": _("outcome"),
    "status": _("status"),
    "error": _("text of the error"),
    "cost_min": _("cost from"),
    "cost_max": _("cost up to"),
    "duration_min": _("duration from (ms)"),
    "duration_max": _("duration up to (ms)"),
}
LONGEST = 200
LARGEST = Decimal(10**9)


class Wrong(ValueError):
    """The value is none; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``test`` decides about a row, and no index knows it. ``walks``: filters that together reach every row that
    passes, each along an index that ends in ``at``; () where there is none."""

    test: Q
    walks: tuple[Q, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """``given``: what the address says, by name. ``wrong``: sentences by name; then there is nothing to be shown."""

    given: Mapping[str, str]
    since: datetime | None = None
    until: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    wrong: Mapping[str, Any] = field(default_factory=dict)


def asked(parameters: Mapping[str, str], now: datetime) -> Asked:
    """The parameters of an address; ``now`` is where the presets of ``period`` end."""
    given = {name: text for name in LABELS if (text := parameters.get(name, "").replace("\x00", "").strip())}
    values: dict[str, Any] = {}
    wrong: dict[str, Any] = {}
    for name, text in given.items():
        try:
            values[name] = _READERS.get(name, _word)(text)
        except Wrong as error:
            wrong[name] = error.args[0]
    if "period" in values and "since" not in values:
        values["since"] = now - values["period"]
    conditions = tuple(_CONDITIONS[name](value) for name, value in values.items() if name in _CONDITIONS)
    return Asked(given, values.get("since"), values.get("until"), conditions, wrong)


def _word(text: str) -> str:
    if len(text) > LONGEST:
        raise Wrong(_("Expected at most 200 characters."))
    return text


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text) or _day(text)
    except ValueError:
        moment = None
    if moment is None or not 1970 < moment.year < 2200:
        raise Wrong(_("Expected a date and time such as 2026-11-21T14:03, or a date."))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(text: str) -> datetime | None:
    day = parse_date(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _period(text: str) -> timedelta:
    if text not in PERIODS:
        raise Wrong(_("Expected one of 15m, 1h, 24h, 7d or 30d."))
    return PERIODS[text][0]


def _status(text: str) -> tuple[int, int]:
    if text in STATUS_RANGES:
        return STATUS_RANGES[text]
    if re.fullmatch(r"[1-5][0-9]{2}", text):
        return int(text), int(text)
    raise Wrong(_("Expected a status such as 429, or one of 2xx, 4xx, 5xx and none."))


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or not 0 <= number <= LARGEST:
        raise Wrong(_("Expected a number from 0 on, such as 0.25."))
    return number


_READERS: dict[str, Callable[[str], Any]] = {
    "period": _period,
    "since": _moment,
    "until": _moment,
    "status": _status,
    "cost_min": _number,
    "cost_max": _number,
    "duration_min": _number,
    "duration_max": _number,
}


def _is(column: str, value: str) -> Q:
    """The column's value, out of the sight of indexes: which one is walked along is decided by whoever reads."""
    return Q(Exact(Coalesce(F(column), Value("")), value))


def _column(column: str) -> Callable[[str], Condition]:
    return lambda value: Condition(_is(column, value), (Q(**{column: value}),))


def _model(name: str) -> Condition:
    walks = (Q(requested_model=name), Q(route=name))
    return Condition(_is("requested_model", name) | _is("route", name), walks)


def _category(name: str) -> Condition:
    return Condition(_is("category", name), (Q(category=name, category__gt=""),))


def _operation(name: str) -> Condition:
    return Condition(_is("operation", name), (Q(operation=name) & ~Q(operation="chat"),) if name != "chat" else ())


def _outcome(word: str) -> Condition:
    if word == "failed":
        return Condition(~_is("outcome", "success") & ~_is("outcome", "cancelled"), (FAILURES,))
    return Condition(_is("outcome", word), (FAILURES,) if word != "success" else ())


def _status_within(limits: tuple[int, int]) -> Condition:
    """No success has a status beyond 399."""
    return Condition(Q(status__range=limits), (FAILURES,) if limits[0] >= 400 else ())


def _request_id(identifier: str) -> Condition:
    return Condition(
        _is("id", identifier) | _is("request_id", identifier), (Q(id=identifier), Q(request_id=identifier))
    )


_CONDITIONS: dict[str, Callable[[Any], Condition]] = {
    "q": _request_id,
    "model": _model,
    "endpoint": _column("endpoint"),
    "provider": _column("provider"),
    "key": _column("api_key"),
    "category": _category,
    "operation": _operation,
    "outcome": _outcome,
    "status": _status_within,
    "error": lambda text: Condition(Q(error__icontains=text), (FAILURES,)),
    "cost_min": lambda cost: Condition(Q(cost__gte=cost)),
    "cost_max": lambda cost: Condition(Q(cost__lte=cost)),
    "duration_min": lambda ms: Condition(Q(duration_ms__gte=float(ms))),
    "duration_max": lambda ms: Condition(Q(duration_ms__lte=float(ms))),
}
