"""Which connection a request takes, and that the watchdog finds the socket wherever it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.errors import CallerLeft, UpstreamTimeout
from providers.transport import Exchange, lanes, line
from providers.wire import Limits, Trace
from tests import certificates
from tests.faults.test_transport import ask, failure, phase, whole
from tests.upstream import PATIENCE, Upstream, head, raw, reply, stream


@pytest.fixture(autouse=True)
def _no_lanes_left() -> Iterator[None]:
    yield
    lanes.lane.cache_clear()


def test_the_second_try_takes_a_new_connection_though_another_rests() -> None:
    gate = threading.Event()
    with Upstream(stream(b"x", gate), stream(b"x", gate), raw(end="reset"), reply(b"two")) as server:
        both = [ask(server), ask(server)]
        gate.set()
        assert [exchange.read() for exchange in both] == [b"x", b"x"]
        assert whole(server) == b"two"
        assert server.connections == 3


def test_a_reply_that_ends_with_its_connection_is_under_the_deadlines_too() -> None:
    with Upstream(raw(head(), b"half", end="open")) as server:
        assert phase(server, Limits(idle=0.2)) == "idle"
        assert server.left.wait(PATIENCE)


def test_a_caller_who_leaves_ends_a_handshake_that_has_all_the_time_it_wants() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert isinstance(failure(url, Limits(connect=600), gone=lambda: True), CallerLeft)


def test_a_proxy_may_speak_tls_under_the_providers_bundle(tmp_path: Path) -> None:
    bundle, context = certificates.make(tmp_path, "127.0.0.1")
    with Upstream(reply(b"body"), tls=context) as proxy:
        assert whole("http://localhost:4433/v1/chat", proxy=proxy.url, ca_bundle=str(bundle)) == b"body"
        assert proxy.requests[0].target == "http://localhost:4433/v1/chat"


def test_a_body_that_nobody_reads_any_more_cannot_be_taken_for_its_end() -> None:
    with Upstream(stream(b"half", end="open")) as server:
        exchange = ask(server, Limits(idle=0.2))
        assert exchange.piece() == b"half"
        with pytest.raises(UpstreamTimeout):
            exchange.piece()
        with pytest.raises(Exception, match="given up"):
            exchange.piece()


def test_a_pool_that_is_collected_in_the_middle_of_a_connect_may_close_its_connections() -> None:
    exchange = Exchange(Limits(), lambda: False, Trace())

    class Collected:
        """What closes a connection when it goes, as a pool does."""

        def __del__(self) -> None:
            exchange.off_socket(None)

    def connect() -> None:
        garbage = [Collected()]
        with line._guard:
            garbage.clear()

    connecting = threading.Thread(target=connect, daemon=True)
    connecting.start()
    connecting.join(PATIENCE)
    assert not connecting.is_alive()
