"""Pictures given by address, put into a request itself for the vendors that do not fetch them. ◇

Who does the fetching is handed in (``providers.transport.pictures``); here is what is asked for, how much of it, and
what the caller is told where it cannot be had: always the same, for an answer that tells faults apart would tell
strangers what can be reached from here.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from providers.chat import Call
from providers.errors import RequestRejected, UpstreamError

MOST = 20  # pictures a request
MOST_BYTES = 20 << 20  # a picture
TOTAL_BYTES = 40 << 20  # all pictures of a request
SECONDS = 20.0  # for all of them
TOO_MUCH = f"is too much: at most {MOST} pictures, {TOTAL_BYTES >> 20} MB in all, are fetched"

Gone = Callable[[], bool]
Fetch = Callable[[str, int, float, Gone], bytes]


class Album:
    """The pictures of one request: each is fetched once, however many upstreams are tried.

    ``fetch``: address, most bytes, deadline (``time.monotonic()``), whether the caller left → the bytes; raises
    ``UpstreamError`` or ``CallerLeft``.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._known: dict[str, str] = {}

    def inlined(self, call: Call, needed: Callable[[str], bool], gone: Gone) -> Call:
        """``call`` with data URLs in place of those addresses that are ``needed`` inline; itself where none is.

        Raises ``RequestRejected`` (400) naming the picture that cannot be had, or is one too many; ``CallerLeft``.
        """
        found = [(place, url) for place, url in _addresses(call.body.get("messages")) if needed(url)]
        if not found:
            return call
        if len(found) > MOST:
            raise _refusal(found[MOST][0], TOO_MUCH)
        until = time.monotonic() + SECONDS
        room = TOTAL_BYTES
        for place, url in found:
            if room <= 0:
                raise _refusal(place, TOO_MUCH)
            if url not in self._known:
                self._known[url] = self._data_url(place, url, min(room, MOST_BYTES), until, gone)
            room -= len(self._known[url]) * 3 // 4
        places = {place: self._known[url] for place, url in found}
        messages = [_message(message, index, places) for index, message in enumerate(call.body["messages"])]
        return replace(call, body={**call.body, "messages": messages})

    def _data_url(self, place: tuple[int, int], url: str, most: int, until: float, gone: Gone) -> str:
        try:
            data = self._fetch(url, most, until, gone)
        except UpstreamError as error:
            raise _refusal(place) from error
        media = media_type(data)
        if media is None:
            raise _refusal(place)
        return f"data:{media};base64,{base64.b64encode(data).decode()}"


def media_type(data: bytes) -> str | None:
    """What kind of picture these bytes are by their first ones; None for anything else."""
    for start, media in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg")):
        if data.startswith(start):
            return media
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _addresses(messages: Any) -> Iterator[tuple[tuple[int, int], str]]:
    """The web addresses of pictures with their places: (message, part)."""
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        for number, part in enumerate(content if isinstance(content, list) else ()):
            url = _url(part)
            if url is not None and url[:8].lower().startswith(("http://", "https://")):
                yield (index, number), url


def _url(part: Any) -> str | None:
    if not isinstance(part, dict) or part.get("type") != "image_url":
        return None
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    return url if isinstance(url, str) else None


def _message(message: Any, index: int, places: Mapping[tuple[int, int], str]) -> Any:
    if not any(place[0] == index for place in places):
        return message
    parts = [_part(part, places.get((index, number))) for number, part in enumerate(message["content"])]
    return {**message, "content": parts}


def _part(part: Any, url: str | None) -> Any:
    if url is None:
        return part
    image = part["image_url"]
    return {**part, "image_url": {**(image if isinstance(image, dict) else {}), "url": url}}


def _refusal(place: tuple[int, int], why: str = "") -> RequestRejected:
    param = f"messages[{place[0]}].content[{place[1]}].image_url.url"
    kinds = f"it must be a PNG, JPEG, GIF or WebP picture of at most {MOST_BYTES >> 20} MB at a public https address"
    message = f"'{param}' {why or f'could not be fetched: {kinds}'}."
    return RequestRejected(message, status=400, type="invalid_request_error", code="invalid_image_url", param=param)
