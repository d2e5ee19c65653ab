from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from metrics import prune, ulid
from metrics.models import AttemptLog, RequestLog, SpoolMark, UsageHour

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def requests(count: int, age: timedelta) -> None:
    """Rows of that age, each with one attempt."""
    ids = [ulid.new() for _ in range(count)]
    RequestLog.objects.bulk_create(RequestLog(id=one, at=NOW - age, outcome="success") for one in ids)
    AttemptLog.objects.bulk_create(
        AttemptLog(id=f"{one}-1", request=one, at=NOW - age, number=1, started_ms=0) for one in ids
    )


@pytest.fixture
def old_and_new(settings: Any) -> None:
    settings.RETENTION_DAYS = 30
    requests(2300, timedelta(days=31))
    requests(5, timedelta(days=29))
    UsageHour.objects.create(hour=NOW - timedelta(days=400))


@pytest.mark.usefixtures("old_and_new")
def test_old_requests_and_attempts_go_and_hours_stay(tmp_path: Path) -> None:
    assert prune.prune(tmp_path, lambda _: None) == 2300
    assert (RequestLog.objects.count(), AttemptLog.objects.count(), UsageHour.objects.count()) == (5, 5, 1)


@pytest.mark.usefixtures("old_and_new")
def test_no_statement_deletes_more_than_a_thousand_and_there_are_pauses_between(tmp_path: Path) -> None:
    left, pauses = [RequestLog.objects.count()], []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        left.append(RequestLog.objects.count())

    prune.prune(tmp_path, pause)
    assert left == [2305, 2305, 2305, 1305, 305]
    assert pauses == [prune.PAUSE] * 4


@pytest.mark.usefixtures("old_and_new")
def test_a_pause_that_says_stop_leaves_the_rest_for_the_next_time(tmp_path: Path) -> None:
    assert prune.prune(tmp_path, lambda _: True) == 1000


@pytest.mark.usefixtures("old_and_new")
def test_zero_days_keep_everything(tmp_path: Path, settings: Any) -> None:
    settings.RETENTION_DAYS = 0
    assert prune.prune(tmp_path) == 0
    assert RequestLog.objects.count() == 2305


@pytest.mark.usefixtures("old_and_new")
def test_nothing_is_deleted_by_a_condition_alone(tmp_path: Path) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        prune.prune(tmp_path, lambda _: None)
    deletes = [
        query["sql"] for query in queries if query["sql"].startswith("DELETE") and "spoolmark" not in query["sql"]
    ]
    assert deletes
    assert all('"id" IN (' in sql for sql in deletes)


def test_a_mark_goes_a_day_after_its_file(tmp_path: Path) -> None:
    for name in ("1-1-gone.jsonl", "2-2-here.jsonl", "3-3-young.jsonl"):
        SpoolMark.objects.create(name=name, offset=5)
    SpoolMark.objects.exclude(name__startswith="3").update(at=NOW - timedelta(days=2))
    (tmp_path / "2-2-here.jsonl").touch()
    prune.prune(tmp_path)
    assert set(SpoolMark.objects.values_list("name", flat=True)) == {"2-2-here.jsonl", "3-3-young.jsonl"}


@pytest.mark.usefixtures("old_and_new")
def test_the_command_prunes_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prune_records")
    assert capsys.readouterr().out == "2300 requests deleted.\n"
