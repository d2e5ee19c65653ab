"""Records → rows, by COPY on PostgreSQL and ``executemany`` on SQLite.

The ORM's ``bulk_create`` takes two to six times the CPU, in a process that has requests to serve. Values are written
as Django itself writes them: dates by the backend's own adapter, JSON and decimals as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import orjson
from django.db import connection, models

from metrics.models import AttemptLog, RequestLog

Row = Mapping[str, Any]


def insert(records: Sequence[Row]) -> None:
    """Insert requests (in ``metrics.record.fit``'s form) with their attempts, within the caller's transaction.

    Raises IntegrityError where one is there already: the caller asks first, and nothing is skipped in silence.
    """
    _write(RequestLog, map(_request, records))
    _write(AttemptLog, (_attempt(entry, attempt) for entry in records for attempt in entry["attempts"]))


def _request(entry: Row) -> Row:
    skipped, dropped = _json(entry["skipped"]), _json(entry["dropped_params"])
    return {**entry, "at": _moment(entry["at"]), "skipped": skipped, "dropped_params": dropped}


def _attempt(entry: Row, attempt: Row) -> Row:
    identifier = f"{entry['id']}-{attempt['number']}"
    began = _moment(entry["at"] + attempt["started_ms"] / 1000)
    return {**attempt, "id": identifier, "request": entry["id"], "at": began}


def _moment(seconds: float) -> Any:
    return connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(seconds, UTC))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode() if value else "[]"


def _write(model: type[models.Model], rows: Iterable[Row]) -> None:
    columns = [field.attname for field in model._meta.concrete_fields]
    values = list(map(itemgetter(*columns), rows))
    if not values:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - names of our own columns
            cursor.executemany(statement, values)
