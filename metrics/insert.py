"""Records and sums → rows, by COPY on PostgreSQL and ``executemany`` on SQLite; sums by one statement of arrays there.

The ORM's ``bulk_create`` takes two to six times the CPU, in a process that has requests to serve. Values are written
as Django itself writes them: dates by the backend's own adapter, JSON and decimals as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
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


def upsert(model: type[models.Model], rows: Sequence[Row], unique: Sequence[str]) -> None:
    """Insert rows (by column, without the id), or put their other columns in place of those of the row that is
    ``unique`` by these. Within the caller's transaction, in the given order."""
    if not rows:
        return
    columns = list(rows[0])
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, columns))
    changed = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in columns if name not in unique)
    conflict = ", ".join(map(quote, unique))
    into = f"INSERT INTO {quote(model._meta.db_table)} ({names})"
    changing = f"ON CONFLICT ({conflict}) DO UPDATE SET {changed}"
    values = [[_written(one[name]) for name in columns] for one in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # one statement: it would parse and plan each of many
            types = [model._meta.get_field(name).db_type(connection) for name in columns]
            arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
            statement = f"{into} SELECT * FROM unnest({arrays}) {changing}"  # noqa: S608 - names of our own columns
            cursor.execute(statement, [list(column) for column in zip(*values, strict=True)])
        else:
            cursor.executemany(f"{into} VALUES ({', '.join(['%s'] * len(columns))}) {changing}", values)


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


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
