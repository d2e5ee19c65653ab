"""One at a time: what several processes or hosts may begin at once but only one may do."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connection

PREPARE_LOCK = 7_364_250_811  # any number that is ours alone among the database's advisory locks
BETWEEN_TRIES = 0.2  # seconds

LIBPQ_WORDS = frozenset(
    {"dbname", "user", "password", "host", "port", "service", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey"}
)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold a file lock on this host's data directory and, on PostgreSQL, a lock that other hosts see.

    The lock lives on a connection of its own: it goes with the process, whatever becomes of it. Raises
    psycopg.OperationalError at once if the server cannot be reached.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        parameters = {name: value for name, value in connection.get_connection_params().items() if name in LIBPQ_WORDS}
        with psycopg.connect(**parameters, connect_timeout=5, autocommit=True) as guard:
            # Who waits within a statement holds a snapshot; a migration's CREATE INDEX CONCURRENTLY waits for its end.
            while guard.execute("SELECT pg_try_advisory_lock(%s)", [PREPARE_LOCK]).fetchone() != (True,):
                time.sleep(BETWEEN_TRIES)
            yield
