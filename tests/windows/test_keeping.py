"""What windows leave behind, and how their tables come and go."""

from __future__ import annotations

import time
from contextlib import closing
from io import StringIO
from pathlib import Path

import psycopg
import pytest
import redis
from django.core.management import call_command
from django.db import connection

from routing.limits import Ticket, Window
from routing.models import LimitHit, LimitWindow
from routing.windows import forget_old
from routing.windows.orders import Cancel, Take
from tests.metrics.test_processes import fresh_postgres
from tests.windows.conftest import Place, made_store
from tests.windows.process import play


def hit(key: str, ended: float) -> None:
    """A window whose only admission left it ``ended`` seconds ago."""
    moment = round((time.time() - ended) * 1_000_000)
    row = LimitWindow.objects.create(key=key, requests=1, fades_at=moment)
    LimitHit.objects.create(window=row, at=moment, tokens=0)


@pytest.mark.django_db
def test_windows_that_have_been_empty_for_a_minute_are_forgotten_and_no_others() -> None:
    hit("long ago", 3600)
    hit("just now", 5)
    hit("still full", -3600)
    assert forget_old() == 1
    assert set(LimitWindow.objects.values_list("key", flat=True)) == {"just now", "still full"}
    assert LimitHit.objects.count() == 2
    assert forget_old() == 0


def test_redis_forgets_windows_by_itself(redis_url: str, key: str) -> None:
    with closing(made_store({"REDIS_URL": redis_url})) as store, redis.Redis.from_url(redis_url) as client:
        store.run([Take(key, (Window(key, 5, 50, 0.05),), 7)])
        names = [f"switchyard:hits:{key}", f"switchyard:tokens:{key}"]
        assert client.exists(*names) == 2
        assert all(0 < client.pttl(name) <= 1050 for name in names)  # type: ignore[operator]


def test_a_forgotten_window_begins_anew(database: Place, key: str) -> None:
    """Its row may vanish between two admissions, over a connection that knew it."""
    window = Window(key, 1, None, 0.001)
    with closing(made_store(database)) as store:
        [first] = store.run([Take(f"{key}-1", (window,), 0)])
        assert isinstance(first, Ticket)
        play(database, "forget", key)
        assert store.run([Cancel(first)]) == [None]
        [second] = store.run([Take(f"{key}-2", (window,), 0)])
        assert isinstance(second, Ticket)
        assert store.read([Window(key, 1, None, 3600)])[key].current_requests == 1


def test_redis_knows_the_script_again_after_it_was_flushed(redis_url: str, key: str) -> None:
    with closing(made_store({"REDIS_URL": redis_url})) as store, redis.Redis.from_url(redis_url) as client:
        for number in range(2):
            [answer] = store.run([Take(f"{key}-{number}", (Window(key, 5, None, 60),), 0)])
            assert isinstance(answer, Ticket)
            client.script_flush()


def test_the_tables_and_the_function_can_be_taken_back_and_made_again(tmp_path: Path) -> None:
    for url in fresh_postgres():
        for target in ("0002", "0001", "0002"):
            play({"DATABASE_URL": url, "GATEWAY_DATA_DIR": str(tmp_path)}, "migrate", target)
            with psycopg.connect(url) as database:
                found = database.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'switchyard_%'").fetchone()
                assert found == (int(target == "0002"),)


@pytest.mark.django_db
def test_the_models_are_what_the_migrations_make() -> None:
    call_command("makemigrations", "routing", check=True, dry_run=True, stdout=StringIO())
    assert {"routing_limitwindow", "routing_limithit"} <= set(connection.introspection.table_names())
