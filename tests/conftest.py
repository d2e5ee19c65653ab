"""Fixtures that tests of several subjects share."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django.plugin import blocking_manager_key

from tests.services import postgres_url, redis_url

__all__ = ["postgres_url", "redis_url"]


def pytest_configure(config: pytest.Config) -> None:
    """With several processes, the tests of a file go to one: its gateways are started once. How fast the machine is
    makes no property true or false."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """A transactional test leaves empty tables behind; what the migrations had written comes back for the next test,
    whichever that is."""
    yield
    marker = item.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction") or nextitem is None:
        return
    assert marker.kwargs.get("serialized_rollback"), "a transactional test says serialized_rollback=True, too"
    with item.config.stash[blocking_manager_key].unblock():
        connection.creation.deserialize_db_from_string(connection._test_serialized_contents)
