"""Fetching what a caller points at: real TLS sockets, hostile servers, hostile names."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from providers.chat import Call
from providers.errors import CallerLeft, RequestRejected, UpstreamError
from providers.pictures import Album
from providers.transport.addresses import is_public
from providers.transport.pictures import Reach, fetch
from providers.upstream import send
from providers.wire import Credential, Limits, Target, Trace
from tests import certificates
from tests.upstream import PATIENCE, Upstream, drip, flood, head, raw, reply, silent, stream

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
MB = 1 << 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificates.make(tmp_path_factory.mktemp("authority"), "pics.test", "127.0.0.1")


class Names:
    """A resolver that says something else each time it is asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[Any]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return socket.getaddrinfo(answer, port, 0, socket.SOCK_STREAM)


def local(authority: tuple[Path, ssl.SSLContext], **more: Any) -> Reach:
    """The local server stands for the open internet: 127.0.0.1 alone is allowed."""
    given: dict[str, Any] = {"allowed": lambda address: address == "127.0.0.1", "resolve": Names("127.0.0.1")}
    return Reach(**{"ca_bundle": str(authority[0]), **given, **more})


def get(url: str, reach: Reach, seconds: float = 10, most: int = MB, gone: Callable[[], bool] = lambda: False) -> bytes:
    return fetch(url, most, time.monotonic() + seconds, gone, reach)


def pics(server: Upstream) -> str:
    return f"https://pics.test:{server.port}/a.png"


def test_a_picture_is_fetched_by_name_over_tls_without_any_key(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(PNG, media="image/png"), tls=authority[1]) as server:
        assert get(f"{pics(server)}?size=big", local(authority)) == PNG
        (request,) = server.requests
    assert (request.method, request.target, request.body) == ("GET", "/a.png?size=big", b"")
    assert request.headers["host"] == f"pics.test:{server.port}"
    assert set(request.headers) == {"host", "accept", "accept-encoding", "user-agent", "connection"}


def test_the_certificate_must_be_the_names(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(PNG), tls=authority[1]) as server:
        with pytest.raises(UpstreamError):
            get(f"https://other.test:{server.port}/a.png", local(authority))
        with pytest.raises(UpstreamError):
            get(pics(server), local(authority, ca_bundle=None))
        assert server.requests == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
    ],
)
def test_this_machine_is_never_connected_to_however_it_is_written(host: str, tmp_path: Path) -> None:
    bundle, context = certificates.make(tmp_path, "127.0.0.1")
    with Upstream(reply(PNG), tls=context) as server:
        with pytest.raises(UpstreamError):
            get(f"https://{host}:{server.port}/a.png", Reach(ca_bundle=str(bundle)))
        assert server.connections == 0


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "gopher", "data"])
def test_only_https_is_spoken(scheme: str, authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(PNG)) as server:
        with pytest.raises(UpstreamError):
            get(f"{scheme}://127.0.0.1:{server.port}/a.png", local(authority))
        assert server.connections == 0


def test_a_name_with_one_private_address_among_public_ones_is_refused(authority: tuple[Path, ssl.SSLContext]) -> None:
    def both(host: str, port: int) -> list[Any]:
        return [entry for place in ("127.0.0.1", "127.0.0.2") for entry in Names(place)(host, port)]

    with Upstream(reply(PNG), tls=authority[1]) as server:
        with pytest.raises(UpstreamError):
            get(pics(server), local(authority, resolve=both))
        assert server.connections == 0


def test_a_name_that_means_another_place_the_second_time_is_asked_once(authority: tuple[Path, ssl.SSLContext]) -> None:
    names = Names("127.0.0.1", "127.0.0.2")
    with Upstream(reply(PNG), tls=authority[1]) as server:
        assert get(pics(server), local(authority, resolve=names)) == PNG
    assert names.asked == ["pics.test"]


def test_redirects_are_followed_and_checked_anew(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(b"", 302, Location="/b.png"), reply(PNG), tls=authority[1]) as server:
        assert get(pics(server), local(authority)) == PNG
        assert [request.target for request in server.requests] == ["/a.png", "/b.png"]


@pytest.mark.parametrize(
    "place", ["https://127.0.0.2:{port}/x", "http://pics.test:{port}/x", "https://inner.test:{port}/x"]
)
def test_a_redirect_to_a_private_place_is_refused(place: str, authority: tuple[Path, ssl.SSLContext]) -> None:
    def names(host: str, port: int) -> list[Any]:
        return Names("127.0.0.3" if host == "inner.test" else "127.0.0.1")(host, port)

    with Upstream(tls=authority[1]) as server:
        server._script = [reply(b"", 307, Location=place.format(port=server.port)), reply(PNG)]
        with pytest.raises(UpstreamError):
            get(pics(server), local(authority, resolve=names))
        assert server.connections == 1


@pytest.mark.parametrize("place", ["https://[half", "//[", "https://a]b/", "https://:99999/"])
def test_a_redirect_to_what_is_no_address_is_refused_like_any_other(
    place: str, authority: tuple[Path, ssl.SSLContext]
) -> None:
    with Upstream(reply(b"", 302, Location=place), tls=authority[1]) as server:
        with pytest.raises(UpstreamError):
            get(pics(server), local(authority))
        assert len(server.requests) == 1


def test_redirects_that_never_end_are_given_up(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(b"", 302, Location="/again"), tls=authority[1]) as server:
        with pytest.raises(UpstreamError):
            get(pics(server), local(authority))
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    "behaviour",
    [
        flood(head(200, "image/png"), bytes(65536), 1000),
        reply(bytes(2 * MB)),
        reply(PNG, 404),
        reply(PNG, 206),
        reply(PNG, Content_Encoding="gzip"),
        raw(head(200, Content_Length="1000"), b"half"),
        raw(end="reset"),
    ],
    ids=["endless", "too long", "404", "206", "packed", "half", "reset"],
)
def test_what_is_no_picture_of_the_right_size_is_refused(
    behaviour: Any, authority: tuple[Path, ssl.SSLContext]
) -> None:
    with Upstream(behaviour, tls=authority[1]) as server, pytest.raises(UpstreamError):
        get(pics(server), local(authority))


@pytest.mark.parametrize(
    "behaviour",
    [
        silent(),
        drip(head(200, "image/png"), b"x"),
        drip(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
        stream(PNG, end="open"),
    ],
    ids=["silence", "dripping body", "dripping headers", "stall"],
)
def test_time_is_bounded_whatever_the_server_does(behaviour: Any, authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(behaviour, tls=authority[1]) as server:
        with pytest.raises(UpstreamError):
            get(pics(server), local(authority), seconds=0.3)
        assert server.left.wait(PATIENCE)


def test_a_caller_who_leaves_ends_the_fetching(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(silent(), tls=authority[1]) as server:
        with pytest.raises(CallerLeft):
            get(pics(server), local(authority), gone=lambda: bool(server.requests))
        assert server.left.wait(PATIENCE)


ANSWER = {"candidates": [{"content": {"parts": [{"text": "A cat."}]}, "finishReason": "STOP"}]}


def ask(vendor: Upstream, url: str, album: Album) -> Any:
    part = {"type": "image_url", "image_url": {"url": url}}
    target = Target("g", "google", "gemini", vendor.url, "gemini-2.5-flash", "x-goog-api-key", "none", proxy="none")
    call = Call("chat", {"messages": [{"role": "user", "content": [part]}]})
    return send(target, Credential("g/k", "secret"), call, Limits(), lambda: False, Trace(), album)


def test_gemini_is_sent_the_picture_itself(authority: tuple[Path, ssl.SSLContext]) -> None:
    with Upstream(reply(PNG), tls=authority[1]) as server, Upstream(reply(ANSWER)) as vendor:
        album = Album(partial(fetch, reach=local(authority)))
        for _ in range(2):
            assert ask(vendor, pics(server), album).body["choices"][0]["message"]["content"] == "A cat."
        assert len(server.requests) == 1
        assert vendor.requests[0].json["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "image/png"


def test_a_private_place_and_one_that_does_not_exist_are_told_in_the_same_words() -> None:
    with Upstream(reply(PNG)) as inner, Upstream(reply(ANSWER)) as vendor:
        said = set()
        for url in (
            f"https://127.0.0.1:{inner.port}/",
            "https://127.0.0.1:9/",
            "http://127.0.0.1:9/",
            "https://no.invalid/",
        ):
            with pytest.raises(RequestRejected) as caught:
                ask(vendor, url, Album(fetch))
            said.add((caught.value.message, caught.value.param, caught.value.status))
        assert len(said) == 1
        assert vendor.requests == []
        assert inner.connections == 0


def test_nothing_but_the_open_internet_is_reached_by_default() -> None:
    assert Reach().allowed is is_public
