"""Old single requests go, in small bites; the hourly sums stay.

So do days and months by name, and the whole's hours; names' hours are kept for as long as anybody looks at them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Model, QuerySet

from metrics import fill, native, spans, spool
from metrics.models import AttemptLog, RequestContent, RequestLog, SpoolMark, UsageSpan

BATCH = 1000
PAUSE = 0.1
EVERY = 3600.0
MARKS_KEPT = timedelta(days=1)
HOURS_KEPT = timedelta(days=60)

Pause = Callable[[float], object]


def prune(directory: Path, pause: Pause = time.sleep) -> int:
    """Delete what is older than RETENTION_DAYS (0 keeps all), and yesterday's marks. Returns the requests deleted.

    ``pause(seconds)`` is called between batches, so that nobody waits long for the write lock. Where it returns
    something true, as the ``wait`` of an Event that is set does, the rest is left for the next time.
    """
    native.run(_forget_marks, directory)
    if native.run(fill.back_to) is None:  # until then, an hour's spans say what has been taken over of it
        _prune(partial(_old_hours, datetime.now(UTC) - HOURS_KEPT), pause)
    content_before = datetime.now(UTC) - timedelta(days=settings.CONTENT_RETENTION_DAYS)
    _prune(partial(_before, RequestContent, content_before), pause)
    if not settings.RETENTION_DAYS:
        return 0
    before = datetime.now(UTC) - timedelta(days=settings.RETENTION_DAYS)
    _prune(partial(_before, AttemptLog, before), pause)  # first: a request that is gone left no attempts behind
    return _prune(partial(_before, RequestLog, before), pause)


def due(directory: Path) -> bool:
    """Whether an hour has passed on this host since the last ``done``."""
    try:
        return time.time() - (directory / ".pruned").stat().st_mtime >= EVERY
    except FileNotFoundError:
        return True


def done(directory: Path) -> None:
    """Note the time for ``due``, across workers and restarts."""
    (directory / ".pruned").touch()


def _prune(old: Callable[[], QuerySet[Any]], pause: Pause) -> int:
    total = 0
    while deleted := native.run(_delete_batch, old):
        total += deleted
        if deleted < BATCH or pause(PAUSE):
            break
    return total


def _before(model: type[Model], before: datetime) -> QuerySet[Any]:
    return model._default_manager.filter(at__lt=before).order_by("at")


def _old_hours(before: datetime) -> QuerySet[Any]:
    return UsageSpan.objects.filter(span=spans.HOUR, dimension__in=spans.DIMENSIONS, start__lt=before)


def _delete_batch(old: Callable[[], QuerySet[Any]]) -> int:
    """The first 1,000, by primary key: ids found through an index, so that nothing else is read."""
    found = old()
    first = list(found.values_list("pk", flat=True)[:BATCH])
    rows = found.model._default_manager.filter(pk__in=first)
    return rows._raw_delete(rows.db)  # no signals, no cascades, one statement


def _forget_marks(directory: Path) -> None:
    """A mark is needed for as long as its file may still be there; ids decide after that."""
    here = [path.name for path in spool.files(directory)]
    SpoolMark.objects.filter(at__lt=datetime.now(UTC) - MARKS_KEPT).exclude(name__in=here).delete()
