"""The services that some tests need: given by URL, else the test is skipped, or fails where they are required."""

from __future__ import annotations

import os

import pytest


def service_url(variable: str, what: str) -> str:
    """The URL in ``variable``; skips without it, unless ``GATEWAY_TEST_REQUIRE_SERVICES=1`` says it must be there."""
    url = os.environ.get(variable, "")
    if not url:
        reason = f"needs {what}: set {variable}"
        if os.environ.get("GATEWAY_TEST_REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return url


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL database that tests may fill, as ``postgresql://user:password@host:5432/name``."""
    return service_url("TEST_POSTGRES_URL", "PostgreSQL")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis database that tests may fill, as ``redis://host:6379/15``."""
    return service_url("TEST_REDIS_URL", "Redis")
