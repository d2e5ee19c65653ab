"""Old single requests go, in small bites; the hourly sums stay."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from metrics import native, spool
from metrics.models import AttemptLog, RequestLog, SpoolMark

BATCH = 1000
PAUSE = 0.1
EVERY = 3600.0
MARKS_KEPT = timedelta(days=1)

Pause = Callable[[float], object]


def prune(directory: Path, pause: Pause = time.sleep) -> int:
    """Delete what is older than RETENTION_DAYS (0 keeps all), and yesterday's marks. Returns the requests deleted.

    ``pause(seconds)`` is called between batches, so that nobody waits long for the write lock. Where it returns
    something true, as the ``wait`` of an Event that is set does, the rest is left for the next time.
    """
    native.run(_forget_marks, directory)
    if not settings.RETENTION_DAYS:
        return 0
    before = datetime.now(UTC) - timedelta(days=settings.RETENTION_DAYS)
    _prune(AttemptLog, before, pause)  # before their requests: a request that is gone left no attempts behind
    return _prune(RequestLog, before, pause)


def due(directory: Path) -> bool:
    """Whether an hour has passed on this host since the last ``done``."""
    try:
        return time.time() - (directory / ".pruned").stat().st_mtime >= EVERY
    except FileNotFoundError:
        return True


def done(directory: Path) -> None:
    """Note the time for ``due``, across workers and restarts."""
    (directory / ".pruned").touch()


def _prune(model: type[RequestLog] | type[AttemptLog], before: datetime, pause: Pause) -> int:
    total = 0
    while deleted := native.run(_delete_batch, model, before):
        total += deleted
        if deleted < BATCH or pause(PAUSE):
            break
    return total


def _delete_batch(model: type[RequestLog] | type[AttemptLog], before: datetime) -> int:
    """The oldest 1,000, by primary key: ids found through the index on ``at``, so that nothing else is read."""
    old = model.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)
    oldest = list(old[:BATCH])
    rows = model.objects.filter(pk__in=oldest)
    return rows._raw_delete(rows.db)  # no signals, no cascades, one statement


def _forget_marks(directory: Path) -> None:
    """A mark is needed for as long as its file may still be there; ids decide after that."""
    here = [path.name for path in spool.files(directory)]
    SpoolMark.objects.filter(at__lt=datetime.now(UTC) - MARKS_KEPT).exclude(name__in=here).delete()
