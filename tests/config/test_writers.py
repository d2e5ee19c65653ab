"""Writers take turns: on SQLite over processes, on PostgreSQL too where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITERS, CHANGES = 4, 6

WRITE = """
import sys, django
django.setup()
from routing.config.revisions import revision
from routing.models import PublicModel
for number in range(int(sys.argv[2])):
    with revision(sys.argv[1], "test"):
        PublicModel(name=f"{sys.argv[1]}-{number}").save()
"""

JUDGE = """
import sys, django
django.setup()
from routing.config.diff import diff
from routing.config.serialize import serialize
from routing.models import ConfigClock, ConfigRevision
rows = list(ConfigRevision.objects.filter(origin="test").order_by("number"))
every = list(ConfigRevision.objects.order_by("number"))
assert [row.number for row in every] == list(range(1, len(every) + 1)), "gaps or doubles"
for row in rows:
    assert len(row.diff) == 1, row.diff
    assert row.diff[0]["path"].startswith(f"models/{row.actor}-"), (row.actor, row.diff)
for before, after in zip(every, every[1:]):
    told = [change.as_json() for change in diff(before.canonical(), after.canonical())]
    assert told == after.diff, "a revision that does not follow from the one before it"
assert every[-1].canonical() == serialize()
print(len(rows), ConfigClock.objects.count(), ConfigClock.objects.get().value - len(every))
"""


def run(environment, code, *words):
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def outcome(process):
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err.decode()
    return out.decode().split()


def race(environment):
    """Migrate, let the writers race for the very first clock row, and judge what they left."""
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=100)
    writers = [run(environment, WRITE, f"writer{number}", str(CHANGES)) for number in range(WRITERS)]
    errors = [writer.communicate(timeout=100)[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS, errors
    assert outcome(run(environment, JUDGE)) == [str(WRITERS * CHANGES), "1", "0"]


@pytest.fixture
def environment(tmp_path):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "DATABASE_"))}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "gateway_project.settings",
        "GATEWAY_DATA_DIR": str(tmp_path),
        "GATEWAY_IGNORE_DOTENV": "yes",
        "SECRET_KEY": "x" * 50,
        "GATEWAY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }


def test_processes_on_sqlite_take_turns(environment):
    race(environment)


def test_processes_on_postgresql_take_turns(environment, postgres_url):
    name = f"test_writers_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            race(environment | {"DATABASE_URL": urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))})
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
