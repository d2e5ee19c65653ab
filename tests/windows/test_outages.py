"""A server that dies, hangs, or drops a connection costs callers a second at most, and is found again by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from routing.limits import Ticket, Window
from routing.windows import Windows
from tests.windows.conftest import Place, made_store
from tests.windows.proxy import Proxy


@pytest.fixture
def proxy(server: Place) -> Iterator[Proxy]:
    parts = urlsplit(server.get("REDIS_URL") or server["DATABASE_URL"])
    with Proxy(parts.hostname or "", parts.port or 0) as proxy:
        yield proxy


@pytest.fixture
def windows(server: Place, proxy: Proxy) -> Iterator[Windows]:
    name = "REDIS_URL" if "REDIS_URL" in server else "DATABASE_URL"
    parts = urlsplit(server[name])
    user = f"{parts.username}@" if parts.username else ""
    there = server | {name: parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()}
    with closing(Windows(lambda: made_store(there))) as windows:
        yield windows


def eventually(found: Callable[[], bool]) -> bool:
    """Whether it is so within ten seconds."""
    until = time.monotonic() + 10
    while not found() and time.monotonic() < until:
        time.sleep(0.02)
    return found()


def timed(windows: Windows, key: str) -> tuple[object, float]:
    started = time.monotonic()
    verdict = windows.take([Window(key, 100, 1000, 3600)], 10)
    return verdict, time.monotonic() - started


@pytest.mark.parametrize("fault", ["die", "hang"])
def test_a_server_that_is_gone_costs_one_wait_and_then_none_until_it_is_back(
    windows: Windows, proxy: Proxy, key: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = timed(windows, key)
    assert isinstance(first, Ticket)
    getattr(proxy, fault)()
    verdict, waited = timed(windows, key)
    assert verdict is None
    assert waited < 3
    assert eventually(lambda: len(caplog.records) > 0)
    at_once = [timed(windows, key) for _ in range(50)]
    assert {verdict for verdict, _ in at_once} == {None}
    assert sorted(waited for _, waited in at_once)[-3] < 0.5  # but for those who try whether it is back
    proxy.mend()
    assert eventually(lambda: isinstance(timed(windows, key)[0], Ticket))
    said = [(record.levelno, record.name) for record in caplog.records]
    assert said == [(logging.ERROR, "switchyard.limits"), (logging.WARNING, "switchyard.limits")]


def test_what_was_owed_during_an_outage_is_done_after_it(windows: Windows, proxy: Proxy, key: str) -> None:
    window = Window(key, 2, 1000, 3600)
    kept, given_back = windows.take([window], 10), windows.take([window], 10)
    assert isinstance(kept, Ticket)
    assert isinstance(given_back, Ticket)
    proxy.die()
    assert windows.take([window], 10) is None
    windows.settle(kept, 700)
    windows.cancel(given_back)
    proxy.mend()
    assert eventually(lambda: windows.read([window])[key].current_tokens == 700)
    assert windows.read([window])[key].current_requests == 1


def test_a_dropped_connection_is_opened_again_before_anyone_notices(
    windows: Windows, proxy: Proxy, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert isinstance(timed(windows, key)[0], Ticket)
        proxy.cut()
    assert isinstance(timed(windows, key)[0], Ticket)
    assert not caplog.records


def test_figures_that_cannot_be_read_are_left_out(windows: Windows, proxy: Proxy, key: str) -> None:
    window = Window(key, 2, None, 60)
    assert windows.read([window])[key].remaining_quota == 2
    proxy.die()
    assert windows.read([window]) == {}
