"""Gateways of four workers whose windows are kept in SQLite, PostgreSQL or Redis, and many callers at once."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import yaml

from tests.browser_session import BrowserSession
from tests.running import RunningGateway, running_gateway
from tests.services import service_url
from tests.switchboard import Switchboard

HI = [{"role": "user", "content": "Hi"}]
Answer = tuple[int, dict[str, str], bytes]
SECRETS = {"SECRET_KEY": "s" * 50, "GATEWAY_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}


@contextlib.contextmanager
def place(store: str) -> Iterator[dict[str, str]]:
    """The environment of a gateway whose windows are kept in ``store``. Skips where there is none."""
    if store == "redis":
        yield {"REDIS_URL": service_url("TEST_REDIS_URL", "Redis")}
    elif store == "sqlite":
        yield {}
    else:
        at = service_url("TEST_POSTGRES_URL", "PostgreSQL")
        name = f"gateway_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(at, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            try:
                yield {"DATABASE_URL": f"{at.rpartition('/')[0]}/{name}", **SECRETS}
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def configuration(board: Switchboard, providers: dict[str, dict[str, object]]) -> str:
    """``providers``: name → {"limit": its own, "a": that of its endpoint ``<name>-a``, "b": …}; a public model each."""
    document: dict[str, dict[str, object]] = {"providers": {}, "endpoints": {}, "models": {}}
    for name, limits in providers.items():
        said = {"kind": "openai-compatible", "base_url": board.base_url(name), "keyless": True, "models": {}}
        document["providers"][name] = {**said, **(limits.get("limit") or {})}  # type: ignore[dict-item]
        entries = []
        for letter in sorted(set(limits) - {"limit"}):
            place = {"provider": name, "upstream_model": letter, "base_url": board.base_url(f"{name}-{letter}")}
            document["endpoints"][f"{name}-{letter}"] = {**place, **limits[letter]}  # type: ignore[dict-item]
            entries.append({"endpoint": f"{name}-{letter}"})
        document["models"][f"model-{name}"] = {"entries": entries}
    return yaml.safe_dump({"version": 1, **document}, sort_keys=False)


@contextlib.contextmanager
def gateway(folder: Path, config: str, store: str, workers: int = 4, **environment: str) -> Iterator[RunningGateway]:
    with place(store) as there, running_gateway(folder, config, workers=workers, **there, **environment) as running:
        yield running


def crowd(gateway: RunningGateway, model: str, callers: int = 200, key: str = "", **more: object) -> list[Answer]:
    """The answers of so many callers at once."""
    body = {"model": model, "messages": HI, **more}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with ThreadPoolExecutor(callers) as pool:
        return [asked.result() for asked in [pool.submit(gateway.post, body, **headers) for _ in range(callers)]]


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(status for status, _, _ in answers)


def new_key(gateway: RunningGateway, name: str, **fields: str) -> str:
    """An API key made in the admin."""
    page = BrowserSession(gateway).send("/admin/routing/apikey/add/", "apikey_form", name=name, **fields)
    found = re.search(r'id="new-key-\d+">([^<]+)<', page)
    assert found, page
    return found[1]
