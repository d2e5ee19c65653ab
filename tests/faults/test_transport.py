"""What an upstream can do to us on the wire, and what becomes of it. Real sockets, plain threads.

``test_gevent.py`` runs this file again under gevent's patch.
"""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from providers import transport
from providers.errors import (
    CallerLeft,
    ConnectFailed,
    ConnectionBroken,
    MalformedReply,
    ServerFailed,
    UpstreamError,
    UpstreamTimeout,
)
from providers.transport import lanes, watchdog
from providers.wire import Limits, Trace, WireRequest
from tests import certificates
from tests.upstream import PATIENCE, Upstream, chunk, drip, flood, head, raw, reply, silent, stream

SOON = Limits(connect=5, headers=5, idle=5, total=5)


@pytest.fixture(autouse=True)
def _no_lanes_left() -> Iterator[None]:
    yield
    lanes.lane.cache_clear()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificates.make(tmp_path_factory.mktemp("authority"), "127.0.0.1", "localhost")


def ask(server: Upstream | str, limits: Limits = SOON, **more: Any) -> transport.Exchange:
    url = server if isinstance(server, str) else f"{server.url}/v1/chat"
    gone = more.pop("gone", lambda: False)
    trace = more.pop("trace", Trace())
    headers = more.pop("headers", {"authorization": "Bearer sk-secret", "accept-encoding": "identity"})
    request = WireRequest("POST", url, headers, b'{"a": 1}', more.pop("proxy", "none"), **more)
    return transport.open(request, limits, gone, trace)


def whole(server: Upstream | str, limits: Limits = SOON, **more: Any) -> bytes:
    exchange = ask(server, limits, **more)
    try:
        return exchange.read()
    finally:
        exchange.close()


def failure(server: Upstream | str, limits: Limits = SOON, **more: Any) -> Exception:
    with pytest.raises((UpstreamError, CallerLeft)) as caught:
        whole(server, limits, **more)
    return caught.value


def phase(server: Upstream, limits: Limits, **more: Any) -> str:
    error = failure(server, limits, **more)
    assert isinstance(error, UpstreamTimeout), error
    return error.phase


# --- what goes right


def test_a_whole_reply_is_read_and_its_moments_are_noted() -> None:
    with Upstream(reply({"x": 1}, 201, X_Vendor="v")) as server:
        trace = Trace()
        exchange = ask(server, trace=trace)
        assert (exchange.status, exchange.headers["x-vendor"], exchange.read()) == (201, "v", b'{"x": 1}')
        assert trace.status == 201
        assert trace.headers_at is not None
        assert trace.headers_at <= time.monotonic()
        sent = server.requests[0]
        assert (sent.method, sent.target, sent.body) == ("POST", "/v1/chat", b'{"a": 1}')
        assert sent.headers["authorization"] == "Bearer sk-secret"
        assert sent.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "behaviour",
    [reply(b"body"), stream(b"bo", b"dy"), raw(head(Content_Encoding="gzip"), gzip.compress(b"body"))],
    ids=["by length", "in chunks", "until the end, packed"],
)
def test_every_framing_of_a_body_is_understood(behaviour: Any) -> None:
    with Upstream(behaviour) as server:
        assert whole(server) == b"body"
        assert whole(server) == b"body"


def test_pieces_come_as_they_are_sent() -> None:
    gates = [threading.Event(), threading.Event()]
    with Upstream(stream(b"one", gates[0], b"two", gates[1], b"three")) as server:
        exchange = ask(server)
        assert exchange.piece() == b"one"
        gates[0].set()
        assert exchange.piece() == b"two"
        gates[1].set()
        assert [exchange.piece(), exchange.piece(), exchange.piece()] == [b"three", b"", b""]
        exchange.close()


@pytest.mark.parametrize("behaviour", [reply(b"body"), stream(b"bo", b"dy")])
def test_a_connection_read_to_its_end_serves_the_next_request(behaviour: Any) -> None:
    with Upstream(behaviour) as server:
        assert [whole(server) for _ in range(3)] == [b"body"] * 3
        assert server.connections == 1


def test_a_stream_left_before_its_end_closes_its_connection() -> None:
    with Upstream(stream(b"one", end="open"), reply(b"next")) as server:
        exchange = ask(server)
        exchange.piece()
        exchange.close()
        exchange.close()
        assert server.left.wait(PATIENCE)
        assert whole(server) == b"next"
        assert server.connections == 2


def test_an_end_that_has_arrived_but_was_not_read_keeps_the_connection() -> None:
    with Upstream(
        raw(head(Transfer_Encoding="chunked"), chunk(b"[DONE]") + chunk(b""), end="keep"), reply(b"")
    ) as server:
        exchange = ask(server)
        assert exchange.piece() == b"[DONE]"
        exchange.close()
        whole(server)
        assert server.connections == 1


def test_cookies_of_an_upstream_are_not_kept() -> None:
    with Upstream(reply(b"", Set_Cookie="a=b")) as server:
        whole(server)
        whole(server)
        assert "cookie" not in server.requests[1].headers


def test_many_at_once_need_no_warning_and_all_connections_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    gate = threading.Event()
    with Upstream(stream(b"x", gate)) as server:
        exchanges = [ask(server, Limits()) for _ in range(60)]
        gate.set()
        assert [exchange.read() for exchange in exchanges] == [b"x"] * 60
        for exchange in exchanges:
            exchange.close()
        with ThreadPoolExecutor(8) as crowd:
            assert list(crowd.map(whole, [server] * 80)) == [b"x"] * 80
        assert server.connections == 60
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# --- connections that do not hold


def test_a_resting_connection_that_the_upstream_closed_is_replaced_unseen() -> None:
    with Upstream(reply(b"body")) as server:
        whole(server)
        server.hang_up_resting()
        assert whole(server) == b"body"
        assert server.connections == 2


def test_a_resting_connection_that_closes_on_the_request_is_tried_again_once() -> None:
    with Upstream(reply(b"one"), raw(end="close"), reply(b"two")) as server:
        assert [whole(server), whole(server)] == [b"one", b"two"]
        assert (len(server.requests), server.connections) == (3, 2)


def test_the_second_try_is_the_last_and_on_a_new_connection() -> None:
    with Upstream(reply(b"one"), raw(end="reset")) as server:
        whole(server)
        lost = failure(server)
        assert isinstance(lost, ConnectionBroken)
        assert lost.resent
        assert (len(server.requests), server.connections) == (3, 2)


def test_a_new_connection_that_closes_is_not_tried_again() -> None:
    with Upstream(raw(end="close")) as server:
        lost = failure(server)
        assert isinstance(lost, ConnectionBroken)
        assert not lost.resent
        assert len(server.requests) == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_reply_that_began_is_never_asked_for_twice(end: str) -> None:
    with Upstream(reply(b"one"), raw(b"HTTP/1.1 2", end=end)) as server:
        whole(server)
        assert isinstance(failure(server), (ConnectionBroken, MalformedReply))
        assert len(server.requests) == 2


def test_bytes_that_nobody_asked_for_end_a_resting_connection() -> None:
    gate = threading.Event()
    late = raw(head(Content_Length="2") + b"ok", gate, head(Content_Length="5") + b"stray", end="open")
    with Upstream(late, reply(b"mine")) as server:
        assert whole(server) == b"ok"
        gate.set()
        resting = next(iter(lanes.lane(server.url, "none", None)._pool.pool._resting))[1]
        while resting.is_connected:
            time.sleep(0)
        assert whole(server) == b"mine"


def test_a_refused_connection_is_a_failed_connect_that_names_nothing() -> None:
    with Upstream(silent()) as server:
        url = f"{server.url}/v1?key=sk-in-url"
    error = failure(url, ca_bundle=None)
    assert isinstance(error, ConnectFailed)
    shown = "".join(traceback.format_exception(error))
    assert not any(word in f"{error!r}{error}{shown}" for word in ("127.0.0.1", "sk-in-url", "sk-secret"))


def test_an_unknown_host_is_a_failed_connect() -> None:
    error = failure("http://nowhere.invalid/v1", Limits(connect=3))
    assert isinstance(error, ConnectFailed) or (isinstance(error, UpstreamTimeout) and error.phase == "connect")
    assert "nowhere" not in str(error)


@pytest.mark.parametrize("url", ["ftp://x/", "nothing", "http://", "http://a..b/", "http://[::1/"])
def test_an_address_that_cannot_be_used_is_a_failed_connect(url: str) -> None:
    assert isinstance(failure(url), ConnectFailed)


def test_a_host_name_is_resolved() -> None:
    with Upstream(reply(b"body"), host="localhost") as server:
        assert whole(server) == b"body"


@pytest.mark.parametrize("value", ["Bearer sk-secret\nx: y", "Bearer sk-secret\u2028"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_quoted(value: str) -> None:
    with Upstream(silent()) as server:
        error = failure(server, headers={"authorization": value})
        assert isinstance(error, ConnectFailed)
        assert "sk-secret" not in "".join(traceback.format_exception(error))
        assert server.requests == []


# --- deadlines


def test_a_connection_that_is_never_accepted_ends_with_the_connect_limit() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filling = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            filling.append(filler)
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/", Limits(connect=0.2))
        for filler in filling:
            filler.close()
    assert isinstance(error, UpstreamTimeout)
    assert error.phase == "connect"


def test_a_handshake_that_never_ends_counts_as_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = failure(f"https://127.0.0.1:{listener.getsockname()[1]}/", Limits(connect=0.2))
    assert isinstance(error, UpstreamTimeout)
    assert error.phase == "connect"


def test_a_caller_who_leaves_during_the_handshake_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert isinstance(failure(url, Limits(), gone=lambda: True), CallerLeft)


@pytest.mark.parametrize(
    "behaviour",
    [silent(), drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"), drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    ids=["silence", "a header that never ends", "interim answers for ever"],
)
def test_the_headers_limit_holds(behaviour: Any) -> None:
    with Upstream(behaviour) as server:
        assert phase(server, Limits(headers=0.3)) == "headers"
        assert server.left.wait(PATIENCE)


def test_silence_before_the_first_byte_of_a_whole_reply_is_waiting_for_it() -> None:
    with Upstream(raw(head(Content_Length="5"), end="open")) as server:
        assert phase(server, Limits(headers=0.3, idle=0.1)) == "headers"


def test_silence_within_a_whole_reply_ends_with_the_idle_limit() -> None:
    with Upstream(raw(head(Content_Length="5"), b"abc", end="open")) as server:
        assert phase(server, Limits(idle=0.2)) == "idle"


def test_silence_within_a_stream_ends_with_the_idle_limit() -> None:
    with Upstream(stream(b"one", end="open")) as server:
        exchange = ask(server, Limits(idle=0.2))
        assert exchange.piece() == b"one"
        with pytest.raises(UpstreamTimeout) as caught:
            exchange.piece()
        assert caught.value.phase == "idle"
        exchange.close()
        assert server.left.wait(PATIENCE)


def test_dripping_bytes_satisfy_the_idle_limit_but_not_the_total() -> None:
    with Upstream(drip(head(Transfer_Encoding="chunked"), chunk(b":"))) as server:
        assert phase(server, Limits(idle=0.2, total=0.6)) == "total"


def test_a_stream_without_content_ends_with_its_own_limit_and_not_the_idle_one() -> None:
    with Upstream(stream(b": still thinking", end="open")) as server:
        exchange = ask(server, Limits(first_content=0.4, idle=0.1))
        exchange.piece()
        with pytest.raises(UpstreamTimeout) as caught:
            exchange.piece()
        assert caught.value.phase == "first_content"


def test_after_the_first_content_only_the_idle_limit_rules() -> None:
    gate = threading.Event()
    with Upstream(stream(b"content", gate, b"more")) as server:
        exchange = ask(server, Limits(first_content=0.2, idle=5))
        exchange.piece()
        exchange.content_seen()
        threading.Timer(0.4, gate.set).start()
        assert exchange.piece() == b"more"
        exchange.close()


def test_time_that_the_caller_takes_between_pieces_is_not_silence_of_the_upstream() -> None:
    with Upstream(stream(b"one", b"two")) as server:
        exchange = ask(server, Limits(idle=0.1))
        assert exchange.piece() == b"one"
        threading.Event().wait(0.3)
        assert exchange.read() == b"two"
        exchange.close()


def test_a_body_that_nobody_takes_from_us_ends_with_the_headers_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        request = WireRequest("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, b"x" * 30_000_000, "none")
        with pytest.raises(UpstreamTimeout) as caught:
            transport.open(request, Limits(headers=0.3), lambda: False, Trace())
    assert caught.value.phase == "headers"


def test_over_tls_deadlines_hold_too(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(silent(), stream(b"one", end="open"), tls=authority[1]) as server:
        assert phase(server, Limits(headers=0.2), ca_bundle=str(authority[0])) == "headers"
        exchange = ask(server, Limits(idle=0.2), ca_bundle=str(authority[0]))
        assert exchange.piece() == b"one"
        with pytest.raises(UpstreamTimeout):
            exchange.piece()
        exchange.close()


def test_deadlines_hold_again_after_a_rest() -> None:
    with Upstream(reply(b"")) as server:
        whole(server)
    while not watchdog._watchdog._parked:
        time.sleep(0.05)
    with Upstream(silent()) as server:
        assert phase(server, Limits(headers=0.2)) == "headers"


# --- callers who leave


def test_a_caller_who_leaves_before_the_headers_cancels_the_upstream() -> None:
    with Upstream(silent()) as server:
        assert isinstance(failure(server, Limits(), gone=lambda: bool(server.requests)), CallerLeft)
        assert server.left.wait(PATIENCE)


def test_a_caller_who_leaves_a_silent_stream_cancels_the_upstream() -> None:
    left = threading.Event()
    with Upstream(stream(b"one", end="open")) as server:
        exchange = ask(server, Limits(), gone=left.is_set)
        assert exchange.piece() == b"one"
        left.set()
        with pytest.raises(CallerLeft):
            exchange.piece()
        exchange.close()
        assert server.left.wait(PATIENCE)


def test_a_check_of_the_caller_that_fails_is_said_once_and_counts_as_present(caplog: pytest.LogCaptureFixture) -> None:
    watchdog._begin_anew()
    asked: list[int] = []

    def broken() -> bool:
        asked.append(1)
        raise RuntimeError("no such socket")

    with Upstream(silent()) as server:
        assert phase(server, Limits(headers=0.9), gone=broken) == "headers"
    assert len(asked) > 1
    assert len([record for record in caplog.records if "caller" in record.message]) == 1


# --- replies that are no replies


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(head(Content_Length="10"), b"half"),
        raw(head(Content_Length="10"), b"half", end="reset"),
        stream(b"half", end="close"),
        stream(b"half", end="reset"),
        raw(head(Transfer_Encoding="chunked"), b"a\r\nhalf"),
        raw(head(Content_Encoding="gzip", Content_Length="12"), gzip.compress(b"half" * 99)[:12], end="keep"),
    ],
    ids=["length", "length, reset", "chunked", "chunked, reset", "within a chunk", "packed"],
)
def test_a_body_that_breaks_off_is_a_broken_connection(behaviour: Any) -> None:
    with Upstream(behaviour) as server:
        assert isinstance(failure(server), ConnectionBroken)


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(b"what is this\r\n\r\n"),
        flood(b"HTTP/1.1 200 OK\r\n", b"X-Endless: header\r\n", 100_000),
        flood(b"HTTP/1.1 200 OK\r\nX-Endless: ", b"a" * 65536, 100),
        flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 100_000),
        reply(b"garbage", Content_Encoding="gzip"),
        reply(b"brotli?", Content_Encoding="br"),
        raw(head(Content_Length="1000000000"), end="open"),
        flood(head(Transfer_Encoding="chunked"), chunk(b"\0" * 1_000_000), 1000),
        reply(gzip.compress(b"\0" * 100_000_000), Content_Encoding="gzip"),
    ],
    ids=[
        "no HTTP",
        "headers",
        "a header",
        "100 without end",
        "garbage",
        "brotli",
        "1 GB said",
        "1 GB sent",
        "1 GB unpacked",
    ],
)
def test_a_reply_that_no_one_should_send_is_malformed_and_ends_the_connection(behaviour: Any) -> None:
    with Upstream(behaviour, reply(b"next")) as server:
        assert isinstance(failure(server), MalformedReply)
        assert whole(server) == b"next"


def test_interim_replies_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + b"HTTP/1.1 100 Continue\r\n\r\n"
    with Upstream(raw(early, head(Content_Length="4"), b"done", end="keep")) as server:
        assert whole(server) == b"done"


def test_a_redirect_is_not_followed_and_not_quoted() -> None:
    with Upstream(reply(b"", 307, Location="http://evil.example/steal")) as server:
        error = failure(server)
        assert isinstance(error, ServerFailed)
        assert error.status == 307
        assert "evil" not in str(error)
        assert "redirect" in str(error)
        assert len(server.requests) == 1


def test_an_errors_body_is_read_up_to_a_limit() -> None:
    with Upstream(reply(b"e" * 300_000, 500), reply(b"e", 400)) as server:
        exchange = ask(server)
        assert (exchange.status, exchange.read_error()) == (500, b"e" * 65536)
        exchange.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(head(429, Content_Length="10"), b"half", end="open"),
        raw(head(429, Content_Length="10"), b"half", end="reset"),
    ],
)
def test_an_error_whose_body_does_not_come_is_still_that_error(behaviour: Any) -> None:
    with Upstream(behaviour) as server:
        exchange = ask(server, Limits(idle=0.2))
        assert exchange.read_error() in (b"half", b"")
        assert exchange.status == 429
        exchange.close()


# --- TLS and proxies


def test_a_certificate_is_verified_and_a_bundle_makes_it_known(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(b"body"), tls=authority[1]) as server:
        assert isinstance(failure(server), ConnectFailed)
        assert whole(server, ca_bundle=str(authority[0])) == b"body"
        assert len(server.requests) == 1


def test_a_certificate_for_another_name_is_refused_without_naming_it(tmp_path: Path) -> None:
    bundle, context = certificates.make(tmp_path, "other.example")
    with Upstream(reply(b"body"), tls=context) as server:
        error = failure(server, ca_bundle=str(bundle))
        assert isinstance(error, ConnectFailed)
        assert "another name" in str(error)
        assert "127.0.0.1" not in str(error)


def test_a_server_that_speaks_no_tls_is_a_failed_connect() -> None:
    with Upstream(reply(b"body")) as server:
        assert isinstance(failure(f"https://127.0.0.1:{server.port}/"), ConnectFailed)


def test_a_bundle_that_is_not_there_is_a_failed_connect(tmp_path: Path) -> None:
    assert "CA bundle" in str(failure("https://127.0.0.1:9/", ca_bundle=str(tmp_path / "absent.pem")))


def test_the_environments_proxy_is_used_unless_the_provider_says_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with Upstream(reply(b"by proxy")) as proxy, Upstream(reply(b"direct")) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:pass@"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert whole(server, proxy=None) == b"by proxy"
        assert proxy.requests[0].target == f"{server.url}/v1/chat"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
        assert whole(server, proxy="none") == b"direct"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert whole(server, proxy=None) == b"by proxy", "the environment is read once"
        lanes.lane.cache_clear()
        assert whole(server, proxy=None) == b"direct"


def test_tls_goes_through_a_proxys_tunnel(authority: tuple[Path, ssl.SSLContext]) -> None:
    def tunnel(peer: Any) -> None:
        peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        peer.sock = authority[1].wrap_socket(peer.sock, server_side=True)
        peer.file = peer.sock.makefile("rb")

    with Upstream(tunnel, reply(b"body")) as proxy:
        url = "https://localhost:4433/v1/chat"
        assert whole(url, proxy=proxy.url, ca_bundle=str(authority[0])) == b"body"
        assert whole(url, proxy=proxy.url, ca_bundle=str(authority[0])) == b"body"
        assert [request.method for request in proxy.requests] == ["CONNECT", "POST", "POST"]
        assert "authorization" not in proxy.requests[0].headers


@pytest.mark.parametrize("behaviour", [reply(b"", 407), raw(end="close")])
def test_a_proxy_that_refuses_is_a_failed_connect(behaviour: Any) -> None:
    with Upstream(behaviour) as proxy:
        error = failure("https://localhost:4433/", proxy=proxy.url.replace("//", "//user:pass@"))
        assert isinstance(error, ConnectFailed)
        assert "pass" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "nonsense://x", "http://"])
def test_a_proxy_that_is_not_there_is_a_failed_connect(proxy: str) -> None:
    assert isinstance(failure("http://localhost:4433/", proxy=proxy), ConnectFailed)
