from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from metrics import loop, record, spool
from tests.metrics.records import made, spooled, stored

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(tmp_path: Path, clock: Clock) -> loop.Loop:
    return loop.Loop(spool.Spool(tmp_path), clock)


@contextmanager
def database_away() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE metrics_requestlog RENAME TO away")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO metrics_requestlog")


def test_a_tick_finishes_the_own_spool_and_drains_it(tmp_path: Path) -> None:
    own = spool.Spool(tmp_path)
    own.append(record.encode(record.fit(made())))
    assert loop.Loop(own).tick().records == 1
    assert stored()[0] == 1


def test_without_the_lease_a_tick_only_finishes_the_own_spool(tmp_path: Path) -> None:
    own = spool.Spool(tmp_path)
    own.append(record.encode(record.fit(made())))
    with spool.lease(tmp_path):
        assert loop.Loop(own).tick().idle
    [path] = spool.files(tmp_path)
    with spool.opened(path) as (_, finished):
        assert finished


def test_a_dead_database_is_asked_again_after_growing_pauses_and_mentioned_once(
    tmp_path: Path, running: loop.Loop, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    spooled(tmp_path, made(), made())
    tried = []
    with database_away():
        for second in range(20):
            clock.now = 100.0 + second
            before = running._not_before
            running.tick()
            if running._not_before != before:
                tried.append(second)
        assert tried == [0, 1, 3, 7, 15]
        assert caplog.text.count("Records cannot be stored now") == 1
    clock.now += 60
    assert running.tick().records == 2
    assert "Records are stored again" in caplog.text
    assert stored() == (2, 4, 2, 4)


def test_stopping_finishes_the_spool_and_stores_what_it_can(tmp_path: Path) -> None:
    own = spool.Spool(tmp_path)
    running = loop.Loop(own)
    own.append(record.encode(record.fit(made())))
    assert running.stop(5).records == 1
    assert spool.files(tmp_path) == []


def test_stopping_with_a_dead_database_leaves_the_finished_file(tmp_path: Path) -> None:
    own = spool.Spool(tmp_path)
    own.append(record.encode(record.fit(made())))
    with database_away():
        assert loop.Loop(own).stop(5).idle
    assert len(spool.files(tmp_path)) == 1


def test_the_hourly_pruning_happens_once_an_hour_on_a_host(tmp_path: Path) -> None:
    marked = tmp_path / ".pruned"
    loop.Loop(spool.Spool(tmp_path)).tick()
    first = marked.stat().st_mtime_ns
    loop.Loop(spool.Spool(tmp_path)).tick()
    assert marked.stat().st_mtime_ns == first


def test_the_command_drains_everything_and_says_so(
    tmp_path: Path, settings: object, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    spooled(tmp_path / "spool", made(), made())
    call_command("drain_records")
    assert "2 records written" in capsys.readouterr().out
    assert stored()[0] == 2
