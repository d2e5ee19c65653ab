"""From the spool to the database, each record exactly once, whoever is killed when.

One transaction a batch inserts the records with their attempts, adds to the sums, and moves the file's mark. A file is
deleted when its mark has reached its end; the mark outlives it by a day (``metrics.prune``). Before counting,
the transaction asks which ids are there already, so a record that turns up in two files counts once. Transactions of
several drainers follow one another: by SQLite's write lock (IMMEDIATE), by an advisory lock on PostgreSQL.

A database that does not answer raises ``DatabaseError`` and leaves the files for later. A line that cannot be read,
or that the database refuses by itself, goes to ``rejected.jsonl`` with a line in the log and stops nobody else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from metrics import record, rollup, spool, sums
from metrics.insert import insert
from metrics.models import RequestLog, SpoolMark
from metrics.signals import drained

logger = logging.getLogger(__name__)

BATCH = 500
REJECTED = "rejected.jsonl"
LOCK = 7_403_218_650  # any number that nobody else uses on this database

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
class _Source:
    """A spool file, open. ``finished``: its writer is done with it."""

    path: Path
    file: IO[bytes]
    finished: bool


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


def catch_up(directory: Path, seconds: float) -> None:
    """Drain what has been written until now, to live files too, for about ``seconds`` at most.

    For whoever wants to read sums that are up to date, beside the drainer that holds the lease. What is written
    meanwhile is not waited for: under steady traffic there would be no end of it.
    """
    deadline = time.monotonic() + seconds
    for path, size in [(path, _size(path)) for path in spool.files(directory)]:
        idle = False
        while not idle and time.monotonic() < deadline and _offset(path.name) < size:
            with spool.opened(path) as (file, finished):
                idle = file is None or _advance(_Source(path, file, finished), _pass).idle


def waiting(directory: Path) -> list[Path]:
    """The spool files of which something has not been drained. Raises ``django.db.DatabaseError``."""
    found = spool.files(directory)
    marks = dict(SpoolMark.objects.filter(name__in=[path.name for path in found]).values_list("name", "offset"))
    return [path for path in found if _size(path) > marks.get(path.name, 0)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # drained by now
        return 0


def step(directory: Path, checkpoint: Checkpoint = _pass) -> Drained:
    """Drain one batch of the oldest finished file; ``idle`` when there is none. Raises ``django.db.DatabaseError``."""
    for path in spool.files(directory):
        with spool.opened(path) as (file, finished):
            if file is None or not finished:
                continue
            done = _advance(_Source(path, file, finished), checkpoint)
        if not done.idle:
            return done
    return Drained()


def _advance(source: _Source, checkpoint: Checkpoint) -> Drained:
    """One batch, made smaller until the database takes it; a line that it refuses even alone is put aside."""
    path, size, done = source.path, BATCH, None
    while done is None:
        batch = _read(source, size)
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


def _read(source: _Source, size: int) -> _Batch:
    """The next ``size`` lines after the mark."""
    path, file = source.path, source.file
    start = _offset(path.name)
    file.seek(start)
    lines = list(islice(file, size))
    if lines and not source.finished and not lines[-1].endswith(b"\n"):
        lines.pop()
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
    return _Batch(path, start, start + sum(map(len, lines)), records, refused, source.finished and not file.read(1))


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
        wait_for_others()
        if _offset(batch.path.name) != batch.start:
            return None
        checkpoint("begun")
        new = _unknown(batch.records)
        insert(new)
        checkpoint("inserted")
        sums.add(rollup.sums(new))
        checkpoint("summed")
        _put_aside(batch.path.with_name(REJECTED), batch.refused)
        SpoolMark(name=batch.path.name, offset=batch.end).save()
        checkpoint("marked")
    checkpoint("committed")
    if new:
        drained.send_robust(sender=None, records=new)
    return Drained(len(new), len(batch.records) - len(new), len(batch.refused))


def wait_for_others() -> None:
    """Only one drainer at a time, on all hosts, until the transaction ends; on SQLite an IMMEDIATE one is that."""
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


def _put_aside(path: Path, lines: Sequence[bytes]) -> None:
    """Keep what cannot be stored for a person to look at. A kill before the commit keeps it twice."""
    if lines:
        with path.open("ab") as file:
            file.writelines(lines)
