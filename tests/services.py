"""The services that some tests need: where they answer the tests run; elsewhere they skip, or fail if required."""

from __future__ import annotations

import os
import socket
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

FULL = os.environ.get("GATEWAY_TEST_FULL") == "1"
DATABASES = ("sqlite", "postgresql") if FULL else ("sqlite",)  # of suites that run many gateways: see `make stores`

LOCAL = {
    "TEST_POSTGRES_URL": "postgresql://postgres@127.0.0.1:5432/test",
    "TEST_REDIS_URL": "redis://127.0.0.1:6379/15",
}


def service_url(variable: str, what: str) -> str:
    """The URL in ``variable``, or this machine's own service where one answers.

    Skips without either, unless ``GATEWAY_TEST_REQUIRE_SERVICES=1`` says it must be there.
    """
    url = os.environ.get(variable) or LOCAL[variable]
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        missing(f"needs {what}: set {variable}")
    return url


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where ``GATEWAY_TEST_REQUIRE_SERVICES=1`` says that everything must be there."""
    if os.environ.get("GATEWAY_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL database that tests may fill, as ``postgresql://user:password@host:5432/name``."""
    return service_url("TEST_POSTGRES_URL", "PostgreSQL")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis database that tests may fill, as ``redis://host:6379/15``."""
    return service_url("TEST_REDIS_URL", "Redis")
