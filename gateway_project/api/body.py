"""Reading a request's body within size and time, whatever its framing: JSON whole, a form with its file on disk.

Django trusts CONTENT_LENGTH, so a body sent in chunks would arrive empty: both kinds are read from ``wsgi.input``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest
from gevent import Timeout
from gevent.monkey import is_module_patched

from gateway_project.api.errors import ApiError
from providers.chat import DEEPEST, too_deep
from providers.errors import CallerLeft

BODY_SECONDS = 30
PIECE = 1 << 16
TAIL = 1024


def read_json(request: HttpRequest) -> Any:
    """The decoded body. Raises 400 (not JSON), 408 (too slow), 413 (too large), 415 (encoded)."""
    with time_limit(BODY_SECONDS):
        raw = b"".join(iter(partial(Incoming(request).read, PIECE), b""))
    if not raw:
        raise ApiError(400, "The request body is empty: expected a JSON object.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}.", code="invalid_json") from error
    if too_deep(value, raw):
        raise ApiError(400, f"The request body is nested more than {DEEPEST} levels deep.", code="invalid_json")
    return value


class Incoming:
    """A request's body, to be read in pieces. Raises ``ApiError`` 413 (too large), 415 (encoded), 400 (badly framed),
    and ``CallerLeft`` where less comes than was declared. ``tail``: the last bytes read."""

    def __init__(self, request: HttpRequest) -> None:
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise ApiError(415, f"Content-Encoding '{encoding[:40]}' is not supported: send the body as it is.")
        self._stream = request.environ["wsgi.input"]  # type: ignore[attr-defined]  # every request is a WSGIRequest
        declared = request.META.get("CONTENT_LENGTH") or ""
        self._chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        self._left = int(declared) if declared.isdigit() and not self._chunked else 0
        self._size = 0
        self.tail = b""
        if self._left > settings.MAX_BODY_BYTES:
            raise _too_large(self._stream)

    def read(self, size: int | None = None, /) -> bytes:
        """At most ``size`` bytes (64 KB where none is said); b"" at the end."""
        size = PIECE if size is None else size
        size = size if self._chunked else min(size, self._left)
        piece = _piece(self._stream, size) if size else b""
        self._size += len(piece)
        if self._size > settings.MAX_BODY_BYTES:
            raise _too_large(self._stream)
        if not self._chunked:
            self._left -= len(piece)
            if self._left and len(piece) < size:
                raise CallerLeft
        self.tail = (self.tail + piece)[-TAIL:] if len(piece) < TAIL else piece[-TAIL:]
        return piece


def _piece(stream: Any, size: int) -> bytes:
    try:
        piece: bytes = stream.read(size)
    except OSError as error:
        raise CallerLeft from error
    except Exception as error:
        if type(error).__module__.startswith("gunicorn.http"):
            raise ApiError(400, "The request body is not framed as its headers say.") from error
        raise
    return piece


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """A body that takes longer to arrive is refused. Without gevent there is no server to hold up."""
    if not is_module_patched("socket"):
        yield
        return
    with Timeout(seconds) as timeout:
        try:
            yield
        except Timeout as expired:
            if expired is not timeout:
                raise
            raise ApiError(
                408, f"The request body did not arrive within {seconds} s.", headers={"Connection": "close"}
            ) from None


def _too_large(stream: Any) -> ApiError:
    """Read on for a while: a connection that is closed while its caller still sends loses the answer with it."""
    left = settings.MAX_BODY_BYTES
    while left > 0 and (piece := _piece(stream, PIECE)):
        left -= len(piece)
    limit = settings.MAX_BODY_BYTES // (1024 * 1024)
    return ApiError(
        413,
        f"The request body is larger than {limit} MB (GATEWAY_MAX_BODY_MB).",
        code="request_too_large",
        headers={"Connection": "close"},
    )
