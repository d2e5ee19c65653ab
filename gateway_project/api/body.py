"""Reading a request's body: whole, within size and time, whatever its framing.

Django trusts CONTENT_LENGTH, so a body sent in chunks would arrive empty: both kinds are read from ``wsgi.input``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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
_PIECE = 1 << 16


def read_json(request: HttpRequest) -> Any:
    """The decoded body. Raises 400 (not JSON), 408 (too slow), 413 (too large), 415 (encoded)."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiError(415, f"Content-Encoding '{encoding[:40]}' is not supported: send the body as it is.")
    with _time_limit():
        raw = _read(request)
    if not raw:
        raise ApiError(400, "The request body is empty: expected a JSON object.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}.", code="invalid_json") from error
    if too_deep(value, raw):
        raise ApiError(400, f"The request body is nested more than {DEEPEST} levels deep.", code="invalid_json")
    return value


def _read(request: HttpRequest) -> bytes:
    stream = request.environ["wsgi.input"]  # type: ignore[attr-defined]  # every request here is a WSGIRequest
    declared = request.META.get("CONTENT_LENGTH") or ""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if not chunked:
        if not declared.isdigit():
            return b""
        length = int(declared)
        if length > settings.MAX_BODY_BYTES:
            raise _too_large(stream)
        body: bytes = _piece(stream, length)
        if len(body) < length:
            raise CallerLeft
        return body
    pieces, size = [], 0
    while piece := _piece(stream, _PIECE):
        size += len(piece)
        if size > settings.MAX_BODY_BYTES:
            raise _too_large(stream)
        pieces.append(piece)
    return b"".join(pieces)


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
def _time_limit() -> Iterator[None]:
    """A body that takes longer than 30 s to arrive is refused. Without gevent there is no server to hold up."""
    if not is_module_patched("socket"):
        yield
        return
    with Timeout(BODY_SECONDS) as timeout:
        try:
            yield
        except Timeout as expired:
            if expired is not timeout:
                raise
            raise ApiError(
                408, f"The request body did not arrive within {BODY_SECONDS} s.", headers={"Connection": "close"}
            ) from None


def _too_large(stream: Any) -> ApiError:
    """Read on for a while: a connection that is closed while its caller still sends loses the answer with it."""
    left = settings.MAX_BODY_BYTES
    while left > 0 and (piece := _piece(stream, _PIECE)):
        left -= len(piece)
    limit = settings.MAX_BODY_BYTES // (1024 * 1024)
    return ApiError(
        413,
        f"The request body is larger than {limit} MB (GATEWAY_MAX_BODY_MB).",
        code="request_too_large",
        headers={"Connection": "close"},
    )
