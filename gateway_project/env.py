"""Strict readers of the environment: a wrong value stops the start with one sentence that names it.

The value itself is never repeated: it may be a secret in the wrong place.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
}
SHORTEST_SECRET_KEY = 32
SHORTEST_API_KEY = 20
API_KEY = re.compile(f"[!-~]{{{SHORTEST_API_KEY},200}}")


def text(name: str, default: str) -> str:
    """What the variable says, stripped; the default where it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def words(name: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def path(name: str, default: Path) -> Path:
    """An absolute path; ``~`` is the home directory."""
    try:
        return Path(text(name, str(default))).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} must be a path that can be read.") from error


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number within limits."""
    raw = text(name, str(default))
    if not re.fullmatch(r"-?[0-9]{1,15}", raw) or not low <= int(raw) <= high:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}.")
    return int(raw)


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """One of the allowed words, in any case."""
    raw = text(name, default).lower()
    if raw not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}.")
    return raw


def flag(name: str) -> bool | None:
    """``true`` or ``false``, in any case; None where unset."""
    raw = text(name, "").lower()
    if raw not in ("", "true", "false"):
        raise ImproperlyConfigured(f"{name} must be true or false.")
    return raw == "true" if raw else None


def site_app(directory: Path) -> list[str]:
    """``["gateway_site"]``, which can then be imported from ``directory``, where that package is there; else []."""
    package = directory / "gateway_site"
    if not package.is_dir():
        return []
    for file in (package / "__init__.py", package / "migrations" / "__init__.py"):
        if not file.is_file():
            raise ImproperlyConfigured(f"{file} is missing: without it the site's migrations would not be seen.")
    if str(directory) not in sys.path:
        sys.path.append(str(directory))
    return [package.name]


def host(name: str, default: str) -> str:
    """An IP address (IPv6 with or without brackets) or a host name, without a port."""
    raw = text(name, default).removeprefix("[").removesuffix("]")
    if is_address(raw) or (HOST_NAME.fullmatch(raw) and not raw.replace(".", "").isdigit()):
        return raw
    raise ImproperlyConfigured(f"{name} must be an address or a host name without a port, such as 127.0.0.1.")


def is_address(value: str) -> bool:
    """Whether ``value`` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def is_loopback(value: str) -> bool:
    """Whether only this machine reaches what listens at ``value``."""
    return value == "localhost" or (is_address(value) and ipaddress.ip_address(value).is_loopback)


def url(name: str, schemes: Sequence[str], example: str) -> str:
    """An absolute URL of one of the schemes, without a slash at its end; "" where unset."""
    raw = text(name, "").rstrip("/")
    if raw and not _is_url(raw, schemes):
        raise ImproperlyConfigured(f"{name} must be a URL such as {example}.")
    return raw


def redis(name: str) -> str:
    """``redis://user:password@host:6379/0``, ``rediss://…`` (TLS) or ``unix:///path/to/socket``; "" where unset."""
    raw = url(name, ("redis", "rediss", "unix"), "redis://localhost:6379/0")
    parts = urlsplit(raw)
    if raw and not (
        parts.path if parts.scheme == "unix" else parts.hostname and re.fullmatch(r"(/\d{0,4})?", parts.path)
    ):
        raise ImproperlyConfigured(f"{name} must end with the number of a database, as redis://localhost:6379/0 does.")
    return raw


def origin(name: str, example: str) -> str:
    """Scheme, host and port of a web address, without path, query or credentials; "" where unset."""
    raw = text(name, "").rstrip("/")
    if raw and not _is_origin(raw):
        raise ImproperlyConfigured(f"{name} must be an address such as {example}, without path or credentials.")
    return raw


def origins(name: str) -> list[str]:
    """Web origins separated by commas, in small letters as browsers send them, or ``*`` alone for all."""
    raw = [word.rstrip("/").lower() for word in words(name)]
    if raw != ["*"] and not all(_is_origin(word) for word in raw):
        raise ImproperlyConfigured(f"{name} must list origins such as https://app.example.com, or be * alone.")
    return raw


def hosts(name: str) -> list[str]:
    """Names and addresses as browsers send them; a leading dot matches subdomains, ``*`` everything."""
    raw = words(name)
    for word in raw:
        bare = word.removeprefix(".").removeprefix("[").removesuffix("]")
        if word != "*" and not is_address(bare) and not HOST_NAME.fullmatch(bare):
            raise ImproperlyConfigured(f"{name} must list host names such as gateway.example.com, without ports.")
    return raw


def networks(name: str, default: Sequence[str]) -> list[str]:
    """Addresses and networks such as 10.0.0.0/8."""
    raw = words(name) or list(default)
    try:
        return [str(ipaddress.ip_network(word)) for word in raw]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list addresses or networks such as 10.0.0.0/8.") from error


def database(name: str, sqlite_file: Path) -> dict[str, Any]:
    """``postgresql://user:password@host:5432/name`` or ``sqlite:////path/to/file`` → Django's database settings."""
    raw = text(name, "") or f"sqlite:///{sqlite_file}"
    try:
        if not re.match(r"(postgres|postgresql|sqlite)://", raw):
            raise ValueError("unknown scheme")
        config: dict[str, Any] = environ.Env.db_url_config(raw)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise _database_sentence(name) from error
    options = dict(config.get("OPTIONS", {}))
    if config["ENGINE"].endswith("sqlite3"):
        if config["NAME"] in ("", ":memory:"):
            raise _database_sentence(name)
        file = Path(config["NAME"]).resolve()
        _directory(file.parent)
        return config | {"NAME": str(file), "OPTIONS": SQLITE_OPTIONS | options}
    if not config["NAME"]:
        raise _database_sentence(name)
    pool = {"min_size": 0, "max_size": 8, "timeout": 10}
    return config | {"OPTIONS": options | {"pool": pool}, "CONN_MAX_AGE": 0}


def auth_required(name: str, remote: str, host: str) -> bool:
    """False only where ``name`` is ``off`` and nobody but this machine, or expressly the network, is let in."""
    if choice(name, "required", ("required", "off")) == "required":
        return True
    if choice(remote, "no", ("yes", "no")) == "no" and not is_loopback(host):
        raise ImproperlyConfigured(
            f"{name}=off lets everyone who reaches HOST in: set HOST to 127.0.0.1, or {remote}=yes if that is meant."
        )
    return False


def secret_key(name: str, data_dir: Path, *, generate: bool) -> str:
    """The signing key; where unset, the one kept in the data directory, made at the first start."""
    key = text(name, "")
    if not key:
        _refuse_generating(name, generate)
        key = _kept(data_dir / "secret_key", lambda: secrets.token_urlsafe(50))
    if len(key) < SHORTEST_SECRET_KEY:
        raise ImproperlyConfigured(f"{name} must have at least {SHORTEST_SECRET_KEY} characters.")
    return key


def encryption_keys(name: str, data_dir: Path, *, generate: bool) -> list[str]:
    """Fernet keys: the first encrypts, all decrypt."""
    keys = words(name)
    if not keys:
        _refuse_generating(name, generate)
        keys = [_kept(data_dir / "encryption_key", lambda: Fernet.generate_key().decode())]
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must list Fernet keys (32 random bytes in URL-safe base64), separated by commas."
        ) from error
    return keys


def api_key(name: str) -> str:
    """A key for the first application, as it will be sent; "" where unset."""
    raw = text(name, "")
    if raw and not API_KEY.fullmatch(raw):
        raise ImproperlyConfigured(f"{name} must be {SHORTEST_API_KEY} to 200 printable characters without spaces.")
    return raw


def password(name: str) -> str:
    """A password of at least 8 characters; "" where unset."""
    raw = os.environ.get(name, "")
    if raw and len(raw) < 8:
        raise ImproperlyConfigured(f"{name} must have at least 8 characters.")
    return raw


def _is_url(raw: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(raw)
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname or parts.path) and not re.search(r"[\s\x00-\x1f]", raw)


def _is_origin(raw: str) -> bool:
    if not _is_url(raw, ("http", "https")):
        return False
    parts = urlsplit(raw)
    return bool(parts.hostname) and not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)


def _database_sentence(name: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} must be postgresql://user:password@host:5432/name or sqlite:////path/to/file"
        " (a password's special characters percent-encoded)."
    )


def _refuse_generating(name: str, generate: bool) -> None:
    if not generate:
        raise ImproperlyConfigured(
            f"{name} must be set when DATABASE_URL is not SQLite: every host needs the same one, so none is generated."
        )


def _kept(file: Path, make: Callable[[], str]) -> str:
    """The content of ``file``; made once, mode 600, whole from the start even where two processes begin together."""
    _directory(file.parent)
    try:
        if not file.exists():
            draft = file.with_name(f".{file.name}.{os.getpid()}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(make())
            try:
                os.link(draft, file)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{file} cannot be read or written: {error.strerror}.") from error


def _directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"The directory {directory} cannot be made: {error.strerror}.") from error
