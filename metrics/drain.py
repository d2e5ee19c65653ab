"""From the spool to the database, each record exactly once, whoever is killed when.

One transaction a batch inserts the records with their attempts, adds to the hourly sums, and moves the file's mark. A
file is deleted when its mark has reached its end; the mark outlives it by a day (``metrics.prune``). Before counting,
the transaction asks which ids are there already, so a record that turns up in two files counts once. Transactions of
several drainers follow one another: by SQLite's write lock (IMMEDIATE), by an advisory lock on PostgreSQL.

A database that does not answer raises ``DatabaseError`` and leaves the files for later. A line that cannot be read,
or that the database refuses by itself, goes to ``rejected.jsonl`` with a line in the log and stops nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from metrics import record, rollup, spool
from metrics.insert import insert
from metrics.models import RequestLog, SpoolMark, UsageHour
from metrics.signals import drained

logger = logging.getLogger(__name__)

BATCH = 500
REJECTED = "rejected.jsonl"
LOCK = 7_403_218_650  # any number that nobody else uses on this database
KEY_COLUMNS = rollup.Key._fields

Checkpoint = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Drained:
    """What a run did: new records, those known already, lines refused, files finished and deleted."""

    records: int = 0
    known: int = 0
    rejected: int = 0
    files: int = 0

    def plus(self, other: Drained) -> Drained:
        return Drained(
            self.records + other.records,
            self.known + other.known,
            self.rejected + other.rejected,
            self.files + other.files,
        )

    @property
    def idle(self) -> bool:
        return self == Drained()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Lines ``start``…``end`` (bytes) of a file: records, and lines that are none. ``last``: the file ends there."""

    path: Path
    start: int
    end: int
    records: list[record.Record]
    refused: list[bytes]
    last: bool


def _pass(_step: str) -> None:
    """Nobody is interested in where we are."""


def drain(directory: Path, checkpoint: Checkpoint = _pass) -> Drained:
    """Drain all that is finished. ``checkpoint`` is told each step that has been done."""
    total = Drained()
    while not (done := step(directory, checkpoint)).idle:
        total = total.plus(done)
    return total


def step(directory: Path, checkpoint: Checkpoint = _pass) -> Drained:
    """Drain one batch of the oldest finished file; ``idle`` when there is none. Raises ``django.db.DatabaseError``."""
    for path in spool.files(directory):
        with spool.finished(path) as file:
            if file is not None:
                return _advance(path, file, checkpoint)
    return Drained()


def _advance(path: Path, file: IO[bytes], checkpoint: Checkpoint) -> Drained:
    """One batch, made smaller until the database takes it; a line that it refuses even alone is put aside."""
    size, done = BATCH, None
    while done is None:
        batch = _read(path, file, size)
        checkpoint("read")
        try:
            done = _store(batch, checkpoint)
        except (DatabaseError, ValueError, TypeError, OverflowError) as error:
            if not _is_the_records_fault(error) or not batch.records:
                raise
            if len(batch.records) == 1:
                logger.warning("The database refuses a record of %s: %s", path.name, error)
                done = _store(_without_records(batch), checkpoint)
            size = max(1, len(batch.records) // 2)
    if batch.last:
        path.unlink(missing_ok=True)
        checkpoint("deleted")
        done = done.plus(Drained(files=1))
    return done


def _read(path: Path, file: IO[bytes], size: int) -> _Batch:
    """The next ``size`` lines after the mark."""
    start = _offset(path.name)
    file.seek(start)
    lines = list(islice(file, size))
    records, refused = [], []
    for line in lines:
        try:
            records.append(record.decode(line))
        except (ValueError, TypeError, AttributeError) as error:
            if line.endswith(b"\n"):
                logger.warning("A line of %s is no record: %s", path.name, error)
                refused.append(line)
            else:
                logger.warning("The last line of %s was cut off when its writer died.", path.name)
    return _Batch(path, start, start + sum(map(len, lines)), records, refused, not file.read(1))


def _without_records(batch: _Batch) -> _Batch:
    return replace(batch, records=[], refused=batch.refused + [record.encode(entry) for entry in batch.records])


def _is_the_records_fault(error: Exception) -> bool:
    """Whether the database (or its driver) dislikes what we wrote, rather than being unwell itself."""
    if not isinstance(error, DatabaseError) or isinstance(error, (DataError, IntegrityError)):
        return True
    return str(getattr(error.__cause__, "sqlstate", None) or "").startswith("54")  # a row larger than PostgreSQL takes


def _store(batch: _Batch, checkpoint: Checkpoint) -> Drained | None:
    """The batch in one transaction. None where another drainer has moved the mark meanwhile."""
    if batch.start == batch.end:
        return Drained()
    with transaction.atomic():
        _wait_for_others()
        if _offset(batch.path.name) != batch.start:
            return None
        checkpoint("begun")
        new = _unknown(batch.records)
        insert(new)
        checkpoint("inserted")
        _add_to_hours(rollup.sums(new))
        checkpoint("summed")
        _put_aside(batch.path.with_name(REJECTED), batch.refused)
        SpoolMark(name=batch.path.name, offset=batch.end).save()
        checkpoint("marked")
    checkpoint("committed")
    if new:
        drained.send_robust(sender=None, records=new)
    return Drained(len(new), len(batch.records) - len(new), len(batch.refused))


def _wait_for_others() -> None:
    """Only one drainer at a time, on all hosts. On SQLite the transaction itself (IMMEDIATE) sees to that."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _offset(name: str) -> int:
    return SpoolMark.objects.filter(name=name).values_list("offset", flat=True).first() or 0


def _unknown(records: Sequence[record.Record]) -> list[record.Record]:
    """The records that are not in the database yet, each once."""
    by_id = {entry["id"]: entry for entry in reversed(records)}
    known = set(RequestLog.objects.filter(id__in=list(by_id)).values_list("id", flat=True))
    return [entry for identifier, entry in reversed(by_id.items()) if identifier not in known]


def _add_to_hours(changes: Mapping[rollup.Key, rollup.Sums]) -> None:
    """Read, add, write back: safe because no other drainer is between its beginning and its commit."""
    known = UsageHour.objects.filter(
        hour__in={_hour(key) for key in changes},
        model__in={key.model for key in changes},
        api_key__in={key.api_key for key in changes},
        endpoint__in={key.endpoint for key in changes},
    )
    totals = dict(changes)
    for hour, *values in known.values_list(*KEY_COLUMNS, *rollup.COLUMNS):
        key = rollup.Key(int(hour.timestamp()), *values[: len(KEY_COLUMNS) - 1])
        if key in totals:
            totals[key] = rollup.Sums(*values[len(KEY_COLUMNS) - 1 :]).plus(totals[key])
    UsageHour.objects.bulk_create(
        [_row(key, totals[key]) for key in sorted(totals)],
        update_conflicts=True,
        unique_fields=KEY_COLUMNS,
        update_fields=rollup.COLUMNS,
    )


def _hour(key: rollup.Key) -> datetime:
    return datetime.fromtimestamp(key.hour, UTC)


def _row(key: rollup.Key, sums: rollup.Sums) -> UsageHour:
    names = {**key._asdict(), "hour": _hour(key)}
    return UsageHour(**names, **{column: getattr(sums, column) for column in rollup.COLUMNS})


def _put_aside(path: Path, lines: Sequence[bytes]) -> None:
    """Keep what cannot be stored for a person to look at. A kill before the commit keeps it twice."""
    if lines:
        with path.open("ab") as file:
            file.writelines(lines)
