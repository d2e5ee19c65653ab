"""Each setting's reader: right values are understood, a wrong one names itself and never repeats the value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway_project import env

FERNET = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="


def reading(name: str, reader: Callable[..., Any], *values: str, **options: Any) -> list[Any]:
    return [pytest.param(name, reader, value, options, id=f"{reader.__name__}-{value}") for value in values]


@pytest.mark.parametrize(
    ("name", "reader", "value", "options"),
    [
        *reading("PORT", env.integer, "abc", "0", "65536", "8 000", "8000.0", "٨", "-", default=1, low=1, high=65535),
        *reading("LOG_FORMAT", env.choice, "xml", default="text", allowed=("text", "json")),
        *reading("USE_ROUTER", env.flag, "yes", "1", "truthy"),
        *reading("HOST", env.host, "127.0.0.1:8000", "http://x", "1.2.3", "-x", "a b", default="127.0.0.1"),
        *reading("GATEWAY_PUBLIC_URL", env.origin, "gateway", "ftp://x", "https://x/y", "https://u:p@x", "http://x:y",
                 "https://x?q", example="https://x"),
        *reading("REDIS_URL", env.redis, "localhost:6379", "http://x", "redis://", "redis://a:b", "redis://a/name",
                 "redis://a/0/1", "unix://host"),
        *reading("OLLAMA_BASE_URL", env.url, "localhost:11434", "ftp://x", schemes=("http",), example="http://x"),
        *reading("GATEWAY_CORS_ORIGINS", env.origins, "app.example.com", "*,https://x", "https://x/path"),
        *reading("GATEWAY_ALLOWED_HOSTS", env.hosts, "https://x", "x:8000", "a b"),
        *reading("GATEWAY_TRUSTED_PROXIES", env.networks, "proxy", "10.0.0.1/8", "10.0.0.0/33", default=()),
        *reading("DATABASE_URL", env.database, "mysql://a:b@c/d", "postgresql://", "postgresql://u:p@h:x/d", "sqlite://",
                 "sqlite://:memory:", "gateway.db", sqlite_file=Path("/nowhere")),
        *reading("SECRET_KEY", env.secret_key, "short", "0123456789" * 3, data_dir=Path("/nowhere"), generate=True),
        *reading("GATEWAY_ENCRYPTION_KEYS", env.encryption_keys, "short", f"{FERNET},bad", FERNET[:-4],
                 data_dir=Path("/nowhere"), generate=True),
        *reading("GATEWAY_API_KEY", env.api_key, "short", "0123456789 0123456789", "é" * 30),
        *reading("GATEWAY_ADMIN_PASSWORD", env.password, "seven77"),
    ],
)  # fmt: skip
def test_a_wrong_value_stops_the_start_with_one_sentence_that_names_it(
    name: str, reader: Callable[..., Any], value: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        reader(name, **options)
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} must ")
    assert sentence.endswith((".", ")."))
    assert "\n" not in sentence


@pytest.mark.parametrize("read", [env.host, env.origin, env.url, env.origins, env.hosts, env.networks, env.database])
def test_the_sentence_never_repeats_what_may_be_a_secret(
    read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTING", "hunter2 hunter2")
    arguments = {
        env.host: ["x"],
        env.origin: ["x"],
        env.url: [["http"], "x"],
        env.networks: [()],
        env.database: [Path()],
    }
    with pytest.raises(ImproperlyConfigured) as caught:
        read("SETTING", *arguments.get(read, []))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (lambda name: env.integer(name, 1, low=1, high=9), " 7 ", 7),
        (lambda name: env.choice(name, "a", ("a", "b")), "B", "b"),
        (env.flag, " True ", True),
        (env.flag, "false", False),
        (env.flag, " ", None),
        (lambda name: env.host(name, "x"), "[::1]", "::1"),
        (lambda name: env.host(name, "x"), "gateway.internal", "gateway.internal"),
        (lambda name: env.origin(name, "x"), "https://x.example:8443/", "https://x.example:8443"),
        (env.origins, "*", ["*"]),
        (env.origins, "https://a.example, http://localhost:3000/", ["https://a.example", "http://localhost:3000"]),
        (env.hosts, ".example.com,[::1],*", [".example.com", "[::1]", "*"]),
        (lambda name: env.networks(name, ()), "10.0.0.0/8, ::1", ["10.0.0.0/8", "::1/128"]),
        (env.redis, "", ""),
        (env.redis, "redis://localhost", "redis://localhost"),
        (env.redis, "rediss://user:p%40ss@redis.example:6380/2", "rediss://user:p%40ss@redis.example:6380/2"),
        (env.redis, "unix:///run/redis.sock", "unix:///run/redis.sock"),
        (env.api_key, "sk-0123456789-0123456789", "sk-0123456789-0123456789"),
        (env.words, " a, ,b ", ["a", "b"]),
    ],
)
def test_a_right_value_is_understood(
    reader: Callable[[str], Any], value: str, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTING", value)
    assert reader("SETTING") == expected


@pytest.mark.parametrize(
    ("auth", "remote", "host", "required"),
    [
        ("", "", "0.0.0.0", True),
        ("required", "yes", "0.0.0.0", True),
        ("off", "", "127.0.0.1", False),
        ("off", "", "::1", False),
        ("off", "", "localhost", False),
        ("off", "yes", "0.0.0.0", False),
    ],
)
def test_authentication_is_on_unless_it_is_safely_or_expressly_off(
    auth: str, remote: str, host: str, required: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH", auth)
    monkeypatch.setenv("REMOTE", remote)
    assert env.auth_required("AUTH", "REMOTE", host) is required


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "gateway.internal", "::"])
def test_authentication_off_is_refused_where_other_machines_reach_the_gateway(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH", "off")
    monkeypatch.delenv("REMOTE", raising=False)
    with pytest.raises(ImproperlyConfigured, match="REMOTE=yes"):
        env.auth_required("AUTH", "REMOTE", host)


def test_generated_secrets_are_kept_for_their_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    data = tmp_path / "new"
    first = env.secret_key("SECRET_KEY", data, generate=True)
    assert env.secret_key("SECRET_KEY", data, generate=True) == first
    assert (data / "secret_key").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in data.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("read", [env.secret_key, env.encryption_keys])
def test_no_secret_is_generated_for_a_database_that_other_hosts_share(
    read: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SETTING", raising=False)
    with pytest.raises(ImproperlyConfigured, match="SETTING must be set when DATABASE_URL is not SQLite"):
        read("SETTING", tmp_path, generate=False)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match=f"{tmp_path}/file/data cannot be made: Not a directory"):
        env.secret_key("SECRET_KEY", tmp_path / "file" / "data", generate=True)


def test_options_in_the_database_url_are_kept_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p%40ss@h:5433/name?sslmode=require")
    config = env.database("DATABASE_URL", tmp_path / "x")
    assert (config["PASSWORD"], config["PORT"], config["CONN_MAX_AGE"]) == ("p@ss", 5433, 0)
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["pool"]["max_size"] == 8


def test_sqlite_is_the_default_and_writes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    config = env.database("DATABASE_URL", tmp_path / "a b" / "x.sqlite3")
    assert config["NAME"] == str(tmp_path / "a b" / "x.sqlite3")
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
