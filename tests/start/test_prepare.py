"""``manage.py prepare`` as a process: done once, told once, quick and silent afterwards."""

from __future__ import annotations

import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
Prepare = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def environment(data: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GATEWAY_IGNORE_DOTENV": "yes",
        "GATEWAY_DATA_DIR": str(data),
        "GATEWAY_CONFIG_DIR": str(data.parent),
    }


@pytest.fixture
def prepare(environment: dict[str, str]) -> Prepare:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *(arguments or ("prepare",))]
        return subprocess.run(command, cwd=ROOT, env=environment | more, capture_output=True, text=True, timeout=100)

    return run


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data / "gateway.sqlite3")) as database, database:
        return database.execute(query).fetchall()


def test_a_first_start_makes_everything_once_and_a_second_nothing(prepare: Prepare, data: Path) -> None:
    first = prepare()
    assert first.returncode == 0, first.stderr
    login = data / "first-login.txt"
    told = login.read_text()
    assert login.stat().st_mode & 0o777 == 0o600
    key = re.search(r"^API key: +(sk-sy-\S+)$", told, re.MULTILINE)
    password = re.search(r"^Password: +(\S+)$", told, re.MULTILINE)
    assert key
    assert password
    assert key[1] not in first.stdout + first.stderr
    assert password[1] not in first.stdout + first.stderr
    assert rows(data, "SELECT username, is_superuser FROM auth_user") == [("admin", 1)]
    assert rows(data, "SELECT name, scopes FROM routing_apikey") == [("first", '["inference", "admin", "metrics"]')]
    revisions = rows(data, "SELECT number, origin FROM routing_configrevision")
    assert revisions[0] == (1, "installation")
    collected = (data / "static" / "staticfiles.json").stat().st_mtime_ns
    login.unlink()

    second = prepare()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert not login.exists()
    assert (data / "static" / "staticfiles.json").stat().st_mtime_ns == collected
    assert rows(data, "SELECT number, origin FROM routing_configrevision") == revisions
    assert len(rows(data, "SELECT id FROM routing_apikey")) == 1


def test_what_the_environment_says_is_used_and_told_nowhere(prepare: Prepare, data: Path) -> None:
    done = prepare(
        GATEWAY_ADMIN_USER="root",
        GATEWAY_ADMIN_PASSWORD="a password of mine",
        GATEWAY_API_KEY="key-0123456789-0123456789",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (data / "first-login.txt").exists()
    assert rows(data, "SELECT username FROM auth_user") == [("root",)]
    assert rows(data, "SELECT prefix FROM routing_apikey") == [("key-012345",)]
    assert "password" not in done.stdout
    assert "key-0123456789" not in done.stdout


def test_a_key_that_was_deleted_does_not_come_back(prepare: Prepare, data: Path) -> None:
    prepare(GATEWAY_API_KEY="key-0123456789-0123456789")
    rows(data, "DELETE FROM routing_apikey")
    again = prepare(GATEWAY_API_KEY="key-0123456789-0123456789")
    assert (again.returncode, again.stderr) == (0, "")
    assert rows(data, "SELECT id FROM routing_apikey") == []


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("http://gpu.internal:11434", "http://gpu.internal:11434/v1"),
        ("http://gpu.internal/ollama/v1/", "http://gpu.internal/ollama/v1"),
    ],
)
def test_ollama_is_taken_into_service_until_somebody_changes_it(
    url: str, stored: str, prepare: Prepare, data: Path
) -> None:
    query = "SELECT base_url, enabled FROM providers_provider WHERE name = 'ollama'"
    prepare()
    assert rows(data, query)[0][1] == 0
    prepare(OLLAMA_BASE_URL=url)
    assert rows(data, query) == [(stored, 1)]
    rows(data, "UPDATE providers_provider SET enabled = 0 WHERE name = 'ollama'")
    prepare(OLLAMA_BASE_URL=url)
    assert rows(data, query) == [(stored, 0)]


def test_on_a_terminal_the_login_is_shown_once_and_kept_in_no_file(environment: dict[str, str], data: Path) -> None:
    def on_terminal() -> str:
        master, slave = pty.openpty()
        command = [sys.executable, "manage.py", "prepare"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=slave, stderr=slave) as process:
            os.close(slave)
            shown = b""
            while True:
                try:
                    piece = os.read(master, 4096)
                except OSError:  # how Linux says that the other side has closed
                    break
                shown += piece
        os.close(master)
        assert process.returncode == 0, shown
        return shown.decode()

    assert re.search(r"API key: +sk-sy-\S{40}", on_terminal())
    assert not (data / "first-login.txt").exists()
    assert on_terminal() == ""


def test_processes_that_begin_together_make_one_installation(environment: dict[str, str], data: Path) -> None:
    command = [sys.executable, "manage.py", "prepare"]
    together = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    ended = [(process.communicate(timeout=100), process.returncode) for process in together]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert rows(data, "SELECT count(*) FROM auth_user") == [(1,)]
    assert rows(data, "SELECT count(*) FROM routing_apikey") == [(1,)]


@pytest.mark.parametrize("command", ["prepare", "check"])
def test_a_wrong_setting_is_one_sentence_and_status_two(command: str, prepare: Prepare, data: Path) -> None:
    done = prepare(command, PORT="eighty")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "PORT must be a whole number from 1 to 65535.\n")
    assert not data.exists()


def test_a_database_that_cannot_be_reached_is_one_sentence(prepare: Prepare) -> None:
    done = prepare(
        DATABASE_URL="postgresql://user:s3cret@127.0.0.1:1/name",
        SECRET_KEY="0123456789" * 5,
        GATEWAY_ENCRYPTION_KEYS="dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "The database of DATABASE_URL cannot be used" in done.stderr
    assert "s3cret" not in done.stderr


def test_hosts_that_begin_together_make_one_installation_on_postgresql(
    environment: dict[str, str], tmp_path: Path, postgres_url: str
) -> None:
    name = f"prepare_{os.getpid()}"
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    secrets = {
        "SECRET_KEY": "0123456789" * 5,
        "GATEWAY_ENCRYPTION_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
    }
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            hosts = [
                environment | secrets | {"DATABASE_URL": url, "GATEWAY_DATA_DIR": str(tmp_path / f"host{number}")}
                for number in range(3)
            ]
            command = [sys.executable, "manage.py", "prepare"]
            together = [
                subprocess.Popen(command, cwd=ROOT, env=host, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for host in hosts
            ]
            ended = [(process.communicate(timeout=100), process.returncode) for process in together]
            assert [code for _, code in ended] == [0, 0, 0], ended
            with psycopg.connect(url) as database:
                assert database.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)
                assert database.execute("SELECT count(*) FROM routing_apikey").fetchone() == (1,)
            assert len(list(tmp_path.glob("host*/first-login.txt"))) == 1
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
