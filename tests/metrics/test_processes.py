"""Real processes, really killed."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.metrics.process import STEPS, play
from tests.services import service_url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without tables: SQLite's file ("" for the default), or a new one on the PostgreSQL server."""
    if request.param == "sqlite":
        yield ""
        return
    yield from fresh_postgres()


@pytest.fixture
def postgres() -> Iterator[str]:
    yield from fresh_postgres()


def fresh_postgres() -> Iterator[str]:
    server = service_url("TEST_POSTGRES_URL", "PostgreSQL")
    name = f"metrics_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield f"{server.rpartition('/')[0]}/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_killing_writers_and_a_drainer_loses_and_doubles_no_record(tmp_path: Path, database: str) -> None:
    told = play("writers_killed", tmp_path, database)
    requests, attempts, counted, tries = told["stored"]
    assert told["missing"] == 0
    assert told["spans_agree"]
    assert told["files"] == 0
    assert 900 <= told["announced"] <= requests <= told["announced"] + 3  # one appended, not yet announced, a writer
    assert (attempts, counted, tries) == (2 * requests, requests, 2 * requests)


def test_killing_drainers_at_every_step_loses_and_doubles_no_record(tmp_path: Path, database: str) -> None:
    told = play("drainers_killed", tmp_path, database)
    assert told["deaths"] == [signal.SIGKILL] * len(STEPS)
    assert told["stored"] == [60, 120, 60, 120]
    assert (told["missing"], told["files"], told["spans_agree"]) == (0, 0, True)


def test_drainers_of_several_hosts_count_a_record_once_even_if_it_is_in_two_files(
    tmp_path: Path, database: str
) -> None:
    told = play("drainers_race", tmp_path, database)
    assert told["codes"] == [0]
    assert told["spans_agree"]
    assert told["stored"] == [1600, 3200, 1600, 3200]
    assert (told["missing"], told["files"], told["spans_agree"]) == (0, 0, True)


def test_waiting_for_the_database_does_not_stall_the_event_loop(tmp_path: Path) -> None:
    told = play("native", tmp_path)
    assert told == {"raised": "'as it was raised'", "nested": "nested", "child": 0, "request": 2}


def test_greenlets_give_their_pooled_connections_back(tmp_path: Path, postgres: str) -> None:
    assert play("pooled", tmp_path, postgres) == {"marks": 40}


def test_a_worker_that_is_told_to_stop_stores_what_it_has(tmp_path: Path, database: str) -> None:
    told = play("worker", tmp_path, database)
    assert told["stored"] == [30, 60, 30, 60]
    assert told["files"] == 0
