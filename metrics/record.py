"""The one way into the memory: ``append`` a finished request. Nothing a caller or an upstream says can break it.

A record is a dict with RequestLog's field names and ``attempts``, a list of dicts with AttemptLog's; what is missing
takes the column's default. ``at`` is in Unix seconds, ``cost`` decimal text or None.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from django.db import models

from metrics import spool, ulid
from metrics.models import AttemptLog, RequestLog

Record = dict[str, Any]
Fit = Callable[[Any], Any]

MOST_ATTEMPTS = 1000
MOST_LISTED = 100
LONGEST_LISTED = 300
LATEST = 4_102_444_800.0  # the year 2100
LONGEST_MS = 1e12
CENT = Decimal("1e-12")
LARGEST_COST = Decimal(10**8)


def new_id() -> str:
    """A new record's ``id``: a ULID."""
    return ulid.new()


def append(record: Mapping[str, Any]) -> None:
    """Write one finished request to this process's spool. Never raises on account of the record or the disk."""
    spool.own().append(encode(fit(record)))


def encode(record: Record) -> bytes:
    """One JSON line. Text that no database takes (NUL, lone surrogates) is replaced."""
    try:
        line = orjson.dumps(record)
    except TypeError:
        line = orjson.dumps(_speakable(record))
    if b"\\u0000" in line:
        line = orjson.dumps(_speakable(record))
    return line + b"\n"


def decode(line: bytes) -> Record:
    """A line of the spool as a complete record. Raises ValueError for anything else."""
    record = orjson.loads(line)
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise ValueError("not a record")
    return fit(record)


def fit(record: Mapping[str, Any]) -> Record:
    """The record with every field of its row, each of a type and size that the column takes. Idempotent."""
    get = record.get
    fitted: Record = {name: fits(get(name)) for name, fits in _REQUEST}
    if not fitted["id"]:
        fitted["id"] = new_id()
    attempts = get("attempts") or ()
    fitted["attempts"] = [
        _attempt(attempt, number) for number, attempt in enumerate(attempts[:MOST_ATTEMPTS], 1) if attempt
    ]
    return fitted


def _attempt(attempt: Mapping[str, Any], number: int) -> Record:
    get = attempt.get
    return {name: fits(get(name)) for name, fits in _ATTEMPT} | {"number": number}


def _text(length: int, default: str) -> Fit:
    def fits(value: Any) -> Any:
        if value.__class__ is str and len(value) <= length:
            return value
        return default if value is None else str(value)[:length]

    return fits


def _whole(largest: int, default: int | None) -> Fit:
    def fits(value: Any) -> Any:
        if value.__class__ is int and 0 <= value <= largest:
            return value
        if value.__class__ is float and math.isfinite(value):
            return min(max(int(value), 0), largest)
        return min(max(value, 0), largest) if value.__class__ is int else default

    return fits


def _real(default: float | None) -> Fit:
    def fits(value: Any) -> Any:
        if value.__class__ in (float, int) and -LONGEST_MS <= value <= LONGEST_MS:
            return value
        return default

    return fits


def _money(value: Any) -> str | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value)).quantize(CENT)
        return f"{amount:f}" if abs(amount) < LARGEST_COST else None
    except InvalidOperation:
        return None


def _moment(value: Any) -> float:
    if value.__class__ in (float, int) and 0 < value < LATEST:
        return float(value)
    return time.time()


def _listed(value: Any) -> list[Any]:
    """Up to 100 texts, or objects of texts and numbers."""
    if not value or not isinstance(value, (list, tuple)):
        return []
    return [_item(item) for item in value[:MOST_LISTED]]


def _item(item: Any) -> Any:
    if isinstance(item, Mapping):
        pairs = list(item.items())[:10]
        return {str(name)[:LONGEST_LISTED]: _item(part) for name, part in pairs if not isinstance(part, Mapping)}
    if item is None or isinstance(item, bool) or (isinstance(item, (int, float)) and abs(item) <= LONGEST_MS):
        return item
    return str(item)[:LONGEST_LISTED]


def _speakable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "�").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_speakable(name): _speakable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_speakable(part) for part in value]
    return value


_LARGEST: dict[type[Any], int] = {
    models.PositiveSmallIntegerField: 32_767,
    models.PositiveIntegerField: 2_147_483_647,
    models.PositiveBigIntegerField: 2**63 - 1,
}


def _fit_for(field: models.Field[Any, Any]) -> Fit:
    default = field.get_default() if field.has_default() else None
    if isinstance(field, models.CharField):
        return _text(field.max_length or 0, default or "")
    if isinstance(field, models.BooleanField):
        return bool
    if isinstance(field, models.FloatField):
        return _real(None if field.null else 0.0)
    if isinstance(field, models.DecimalField):
        return _money
    if isinstance(field, models.JSONField):
        return _listed
    if isinstance(field, models.DateTimeField):
        return _moment
    return _whole(_LARGEST[type(field)], None if field.null else 0)


def _fits(model: type[models.Model], *, without: tuple[str, ...] = ()) -> tuple[tuple[str, Fit], ...]:
    return tuple((field.name, _fit_for(field)) for field in model._meta.concrete_fields if field.name not in without)


_REQUEST = _fits(RequestLog)
_ATTEMPT = _fits(AttemptLog, without=("id", "request", "at"))
