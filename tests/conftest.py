"""Fixtures that tests of several subjects share."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django.plugin import blocking_manager_key
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.services import postgres_url, redis_url

__all__ = ["postgres_url", "redis_url"]


# Folders in the order in which they are begun: those whose tests run gateways, browsers and databases first, so that
# what is left at the end is short. Of those that share one gateway all tests go to one process.
SHARING = ("browser", "compat", "api", "corpus", "contract", "windows")
FIRST = (*SHARING, "faults", "config", "start", "importers", "admin", "edges")

XDIST = pytest.hookimpl(optionalhook=True)  # there are no such hooks where xdist is switched off


class Together(LoadFileScheduling):
    """With several processes, the tests of a file go to one, and those of a folder that shares a gateway."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return folder if (folder := _folder(file)) in SHARING else file


@XDIST
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


@XDIST
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait for processes and clocks."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """How fast the machine is makes no property true or false."""
    config.option.loadscopereorder = False  # the order of ``FIRST`` instead
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {folder: place for place, folder in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(_folder(item.nodeid), len(FIRST)))


def _folder(path: str) -> str:
    return path.removeprefix("tests/").partition("/")[0]


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
