"""Pictures by address: which addresses are public, which vendors get them inlined, what a request may ask for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import ConnectFailed, RequestRejected
from providers.pictures import MOST, MOST_BYTES, TOTAL_BYTES, Album, media_type
from providers.transport.addresses import is_public
from providers.wire import Target

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
WORDING = "it must be a PNG, JPEG, GIF or WebP picture of at most 20 MB at a public https address"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "192.0.0.192", "192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "168.63.129.16"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:808:808::1", "2001::1", "100::1", "3fff::1"),
        *("2001:4860::1%eth0", "", "localhost", "127.1"),
    ],
)
def test_what_is_not_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5", "64:ff9b::808:808"])
def test_the_open_internet_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("wire", "kind", "url", "inlined"),
    [
        ("gemini", "google", "https://pics.test/a.png", True),
        ("gemini", "google", "https://generativelanguage.googleapis.com/v1beta/files/x", False),
        ("gemini", "google", "https://www.youtube.com/watch?v=x", False),
        ("openai", "ollama", "https://pics.test/a.png", True),
        ("openai", "openai", "https://pics.test/a.png", False),
        ("openai", "openai-compatible", "https://pics.test/a.png", False),
        ("anthropic", "anthropic", "https://pics.test/a.png", False),
        ("cohere", "cohere", "https://pics.test/a.png", False),
    ],
)
def test_only_vendors_that_do_not_fetch_get_pictures_inlined(wire: str, kind: str, url: str, inlined: bool) -> None:
    target = Target("p", kind, wire, "https://vendor.test", "m")
    assert ADAPTERS[wire].inlines(url, target) is inlined


def call(*urls: Any) -> Call:
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    words = [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": [{"type": "text", "text": "!"}, *parts]},
    ]
    return Call("chat", {"messages": words})


def fetcher(data: bytes | Exception, asked: list[Any] | None = None) -> Callable[..., bytes]:
    def fetch(url: str, most: int, until: float, gone: Callable[[], bool]) -> bytes:
        if asked is not None:
            asked.append((url, most))
        if isinstance(data, Exception):
            raise data
        return data

    return fetch


def inlined(album: Album, given: Call, needed: bool = True) -> Call:
    return album.inlined(given, lambda url: needed, lambda: False)


def test_pictures_become_data_urls_and_nothing_given_is_changed() -> None:
    given = call("https://pics.test/a.png", "data:image/png;base64,AAAA")
    before = repr(given)
    first, second = inlined(Album(fetcher(PNG)), given).body["messages"][1]["content"][1:]
    assert first["image_url"] == {"url": "data:image/png;base64," + base64.b64encode(PNG).decode(), "detail": "low"}
    assert second["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert repr(given) == before


def test_each_picture_is_fetched_once_for_all_tries() -> None:
    asked: list[Any] = []
    album = Album(fetcher(PNG, asked))
    given = call("https://pics.test/a.png", "https://pics.test/a.png", "https://pics.test/b.png")
    assert inlined(album, given) == inlined(album, given)
    assert [url for url, _ in asked] == ["https://pics.test/a.png", "https://pics.test/b.png"]


def test_nothing_is_fetched_for_vendors_that_fetch_themselves() -> None:
    asked: list[Any] = []
    given = call("https://pics.test/a.png")
    assert inlined(Album(fetcher(PNG, asked)), given, needed=False) is given
    assert asked == []


@pytest.mark.parametrize("data", [b"<html>no</html>", b"", ConnectFailed("refused: 10.0.0.1"), b"RIFF....WAVE"])
def test_what_cannot_be_had_is_named_in_one_wording(data: Any) -> None:
    with pytest.raises(RequestRejected) as caught:
        inlined(Album(fetcher(data)), call("data:image/png;base64,AAAA", "https://pics.test/a.png"))
    where = "messages[1].content[2].image_url.url"
    assert (caught.value.status, caught.value.param) == (400, where)
    assert caught.value.message == f"'{where}' could not be fetched: {WORDING}."


def test_the_number_and_the_sum_of_pictures_are_bounded() -> None:
    many = call(*(f"https://pics.test/{number}.png" for number in range(MOST + 1)))
    with pytest.raises(RequestRejected) as caught:
        inlined(Album(fetcher(PNG)), many)
    assert caught.value.param == f"messages[1].content[{MOST + 1}].image_url.url"
    asked: list[Any] = []
    big = PNG + bytes(15 << 20)
    with pytest.raises(RequestRejected, match="too much"):
        inlined(Album(fetcher(big, asked)), call(*["https://pics.test/a.png"] * 4))
    with pytest.raises(RequestRejected, match="too much"):
        inlined(Album(fetcher(big, asked)), call(*(f"https://pics.test/{number}" for number in range(4))))
    assert asked[1][1] == MOST_BYTES
    assert asked[3][1] < TOTAL_BYTES - 2 * len(big) + 10


@pytest.mark.parametrize(
    ("start", "media"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"<svg xmlns", None),
    ],
)
def test_pictures_are_known_by_their_first_bytes(start: bytes, media: str | None) -> None:
    assert media_type(start) == media
