"""Hours that no drainer of this version wrote reach the spans, exactly, whatever happens meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics import drain, fill, loop, prune, spans, spool
from metrics.models import SpanFill, UsageHour, UsageSpan
from tests.metrics.records import NOON, Killed, made, spans_of_hours, spans_stored, spooled

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime.now(UTC)


@pytest.fixture
def upgraded(tmp_path: Path) -> None:
    """Hours of a year, as they are where the version before has drained them."""
    SpanFill.objects.all().delete()
    days = (0, 0.1, 1, 20, 59, 100, 364)
    spooled(tmp_path, *(made(at=NOON - 86400 * day, api_key=key, route=key) for day in days for key in ("shop", "bot")))
    drain.drain(tmp_path)
    UsageSpan.objects.all().delete()


def drain_as_before(tmp_path: Path, **fields: Any) -> None:
    """A drainer of the version before knows no spans."""
    kept = list(UsageSpan.objects.values())
    spooled(tmp_path, made(**fields))
    drain.drain(tmp_path)
    UsageSpan.objects.all().delete()
    UsageSpan.objects.bulk_create(UsageSpan(**row) for row in kept)


def killed(*_: Any) -> None:
    raise Killed


@pytest.mark.usefixtures("upgraded")
def test_every_hour_is_taken_over_once_while_new_records_come_in(tmp_path: Path) -> None:
    assert fill.back_to() == fill.NOT_BEGUN
    steps = 0
    while fill.step():
        steps += 1
        spooled(tmp_path, made(at=NOON - 86400 * 20), made())  # late, into an hour that may not have been taken over
        drain.drain(tmp_path)
    assert steps == 7
    assert fill.back_to() is None
    assert spans_stored() == spans_of_hours()
    assert not fill.step()
    assert spans_stored() == spans_of_hours()


@pytest.mark.usefixtures("upgraded")
def test_the_latest_hours_come_first() -> None:
    fill.step()
    assert {key.start for key in spans_stored() if key.span == spans.HOUR} == {
        datetime.fromtimestamp(NOON // 3600 * 3600, UTC)
    }
    assert fill.back_to() == datetime.fromtimestamp(NOON // 3600 * 3600, UTC)


@pytest.mark.usefixtures("upgraded")
def test_a_step_that_is_killed_before_its_commit_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fill.step()
    with monkeypatch.context() as patched:
        patched.setattr(SpanFill, "save", killed)  # the last thing before the commit
        with pytest.raises(Killed):
            fill.step()
    while fill.step():
        pass
    assert spans_stored() == spans_of_hours()


@pytest.mark.usefixtures("upgraded")
def test_what_a_host_of_the_version_before_drains_later_is_found(tmp_path: Path) -> None:
    while fill.step():
        pass
    drain_as_before(tmp_path, at=NOON - 3600)
    drain_as_before(tmp_path, api_key="another")
    assert spans_stored() != spans_of_hours()
    assert fill.repair(NOW) == 2
    assert spans_stored() == spans_of_hours()
    assert fill.repair(NOW) == 0


@pytest.mark.usefixtures("upgraded")
def test_a_worker_takes_them_over_beside_draining(tmp_path: Path) -> None:
    own = loop.Loop(spool.Spool(tmp_path))
    for _ in range(50):
        own.tick()
        if fill.back_to() is None:
            break
    assert spans_stored() == spans_of_hours()


@pytest.mark.usefixtures("upgraded")
def test_names_hours_of_two_months_ago_go_once_all_is_taken_over_and_days_stay(tmp_path: Path) -> None:
    fill.step()
    old = UsageSpan.objects.filter(span=spans.HOUR, start__lt=NOW - timedelta(days=60))
    prune.prune(tmp_path, lambda _: None)
    while fill.step():
        pass
    assert old.exclude(dimension="").exists()
    prune.prune(tmp_path, lambda _: None)
    assert not old.exclude(dimension="").exists()
    assert old.filter(dimension="").count() == 2
    wanted = {key: row for key, row in spans_of_hours().items() if key.span != spans.HOUR}
    assert {key: row for key, row in spans_stored().items() if key.span != spans.HOUR} == wanted


def test_an_installation_without_hours_has_nothing_to_take_over() -> None:
    UsageHour.objects.all().delete()
    assert not fill.step()
    assert fill.back_to() is None
