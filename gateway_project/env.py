"""Strict readers of the environment: a wrong value stops the start with a sentence that names it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def load_dotenv(path: Path) -> None:
    """Read ``.env`` into the environment, without overwriting what is set."""
    if path.is_file():
        environ.Env.read_env(str(path))


def text(name: str, default: str) -> str:
    return os.environ.get(name, "").strip() or default


def words(name: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def path(name: str, default: Path) -> Path:
    return Path(text(name, str(default))).expanduser().resolve()


def integer(name: str, default: int, *, low: int, high: int) -> int:
    raw = text(name, str(default))
    if not raw.lstrip("-").isascii() or not raw.lstrip("-").isdigit() or not low <= int(raw) <= high:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {raw!r}.")
    return int(raw)


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    raw = text(name, default).lower()
    if raw not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {raw!r}.")
    return raw


def database(name: str, sqlite_file: Path) -> dict[str, Any]:
    url = text(name, "")
    if url:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    else:
        sqlite_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(sqlite_file)}
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
        }
    else:
        config["OPTIONS"] = {"pool": {"min_size": 0, "max_size": 8, "timeout": 10}}
        config["CONN_MAX_AGE"] = 0
    return config


def secret_key(name: str, data_dir: Path) -> str:
    return text(name, "") or _kept(data_dir / "secret_key", lambda: secrets.token_urlsafe(50))


def encryption_keys(name: str, data_dir: Path) -> list[str]:
    return words(name) or [_kept(data_dir / "encryption_key", lambda: Fernet.generate_key().decode())]


def _kept(file: Path, make: Any) -> str:
    """The content of ``file``; made once, mode 600."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(make())
    return file.read_text().strip()
