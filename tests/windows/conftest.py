"""Each test that asks for ``place`` runs once a store: SQLite, PostgreSQL, Redis."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from routing.windows.orders import Clock, Store
from routing.windows.postgresql import PostgresStore
from routing.windows.redis import RedisStore
from routing.windows.sqlite import SqliteStore
from tests.services import service_url
from tests.windows.process import play

Place = dict[str, str]
MakeStore = Callable[..., Store]


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "redis"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The settings of a worker whose windows are empty."""
    yield from made_place(request.param, tmp_path_factory)


@pytest.fixture(scope="session", params=["postgresql", "redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place behind a network."""
    yield from made_place(request.param, tmp_path_factory)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place whose windows are rows."""
    yield from made_place(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from made_place("sqlite", tmp_path_factory)


@pytest.fixture
def key() -> str:
    """A window that nobody has used."""
    return f"test:{uuid.uuid4().hex}"


def made_place(kind: str, folders: pytest.TempPathFactory) -> Iterator[Place]:
    folder = folders.mktemp(kind)
    sqlite = {"GATEWAY_DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/windows.sqlite3"}
    if kind == "redis":
        yield sqlite | {"REDIS_URL": service_url("TEST_REDIS_URL", "Redis")}
    elif kind == "sqlite":
        play(sqlite, "migrate")
        yield sqlite
    else:
        at = service_url("TEST_POSTGRES_URL", "PostgreSQL")
        name = f"windows_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(at, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            there = {"DATABASE_URL": f"{at.rpartition('/')[0]}/{name}", "GATEWAY_DATA_DIR": str(folder)}
            play(there, "migrate")
            yield there
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def made_store(place: Place, given: Clock | None = None) -> Store:
    """The store that a worker of ``place`` would make, with a clock of the test's."""
    if "REDIS_URL" in place:
        return RedisStore(place["REDIS_URL"], given)
    if place["DATABASE_URL"].startswith("sqlite"):
        return SqliteStore(place["DATABASE_URL"].removeprefix("sqlite:///"), given)
    return PostgresStore(conninfo_to_dict(place["DATABASE_URL"]), given)
