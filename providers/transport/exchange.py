"""One request to an upstream and its reply, under deadlines and with a caller who may leave."""

from __future__ import annotations

import contextlib
import http.client
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from urllib3 import HTTPResponse

from providers.errors import CallerLeft, ConnectionBroken, MalformedReply, UpstreamError
from providers.transport import faults, watchdog
from providers.transport.line import NEVER, Line
from providers.wire import Limits, Trace

AT_ONCE = 0.001  # seconds: a read that took less did not wait
READY_PIECES = 4  # pieces that were ready, one after the other, before others get a turn
PIECE = 65536
WHOLE = 64 * 1024 * 1024
ERROR_BODY = 64 * 1024
ERROR_SECONDS = 5.0

_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


class Exchange(Line):
    """A reply as it arrives. ``status``; ``headers`` with lower-case names (repeated ones joined by ", ").

    Read it by ``piece`` (as it comes), ``read`` (whole) or ``read_error``; then ``close``, from the same thread.
    Reading raises UpstreamTimeout, CallerLeft, ConnectionBroken or MalformedReply.
    """

    __slots__ = ("_decoder", "_ready", "_reply", "ended", "headers", "status")

    def __init__(self, limits: Limits, gone: Callable[[], bool], trace: Trace) -> None:
        super().__init__(limits, gone, trace)
        self._reply: HTTPResponse | None = None
        self._decoder: Any = None
        self._ready = 0
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.ended = False

    # --- for the reader

    def piece(self) -> bytes:
        """The next bytes of the body as soon as there are any; b"" at its end (or after ``finish_within``).

        A fault lets go of the connection at once.
        """
        try:
            while not self.ended:
                data = self._receive()
                if self._decoder is not None:
                    data = self._decode(data)
                if data:
                    if self.trace.tape is not None:
                        self.trace.tape.receive(data)
                    return data
        except (UpstreamError, CallerLeft):
            self._let_go()
            raise
        return b""

    def read(self, cap: int = WHOLE) -> bytes:
        """The rest of the body. MalformedReply if it is longer than ``cap`` bytes. Silence before its first byte is
        waiting for the answer (``Limits.headers``), after it is silence within one (``Limits.idle``)."""
        if (self._http.length or 0) > cap:
            raise MalformedReply(f"the answer is longer than {cap >> 20} MB", status=self.status)
        pieces: list[bytes] = []
        size = 0
        self._phase, self._idle = "headers", self._limits.headers
        while data := self.piece():
            self._phase, self._idle = "idle", self._limits.idle
            pieces.append(data)
            size += len(data)
            if size > cap:
                raise MalformedReply(f"the answer is longer than {cap >> 20} MB", status=self.status)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read_error(self) -> bytes:
        """The first 64 KB of an error's body, or what of it arrives in 5 s without a fault: the status says enough.
        Raises CallerLeft only."""
        self._content_until = NEVER
        self.finish_within(ERROR_SECONDS)
        pieces: list[bytes] = []
        size = 0
        with contextlib.suppress(UpstreamError):
            while size < ERROR_BODY and (data := self.piece()):
                pieces.append(data)
                size += len(data)
        return b"".join(pieces)[:ERROR_BODY]

    def content_seen(self) -> None:
        """From here on ``Limits.idle`` rules instead of ``Limits.first_content``."""
        self._content_until = NEVER
        self._idle = self._limits.idle

    def finish_within(self, seconds: float) -> None:
        """Whatever may still come is optional: after ``seconds`` the body counts as ended."""
        self._grace_until = time.monotonic() + seconds

    def close(self) -> None:
        """Let go of the connection: to the pool if the body was read to its end, else closed. Idempotent."""
        if self.closed:
            return
        if self.status >= 200 and not self.ended and self._reason is None:
            self._take_waiting()
        self._let_go()

    # --- for open()

    def replied(self, reply: HTTPResponse) -> None:
        """The headers are in."""
        self._reply = reply
        self._phase = "idle"
        self._phase_until = NEVER
        self.trace.headers_at = time.monotonic()
        self.status = self.trace.status = reply.status
        self.headers = {name.lower(): value for name, value in reply.headers.items()}
        if self.trace.tape is not None:
            self.trace.tape.status, self.trace.tape.headers = reply.status, self.headers
        self._check()
        encoding = self.headers.get("content-encoding")
        if encoding is not None and encoding.lower() not in ("identity", ""):
            if encoding.lower() not in ("gzip", "x-gzip", "deflate") and self.status < 300:
                raise MalformedReply("the answer has a content-encoding that was not asked for", status=self.status)
            self._decoder = zlib.decompressobj(_ZLIB_OR_GZIP)

    # --- within

    @property
    def _http(self) -> http.client.HTTPResponse:
        assert self._reply is not None
        return cast(http.client.HTTPResponse, self._reply._original_response)

    def _receive(self) -> bytes:
        if self.closed:
            raise ConnectionBroken("the answer was given up", status=self.status)
        now = time.monotonic()
        self._phase_until = now + self._idle
        reply = self._http
        try:
            data = b"" if self._reason is not None else reply.read1(PIECE)
            self._give_way(now)
            self._phase_until = NEVER
            if self._reason is not None:
                return self._aborted()
            if not data and reply.length:
                raise http.client.IncompleteRead(b"", reply.length)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._phase_until = NEVER
            if self._reason is not None:
                return self._aborted()
            raise faults.while_reading(error, self.status) from error
        if not data or reply.length == 0:
            self._end()
        return data

    def _give_way(self, asked_at: float) -> None:
        """Data that is always ready never blocks its reader, so that under gevent nobody else would run: neither other
        requests nor the watchdog. In such a flood the reader pauses now and then, and looks at the clock itself."""
        now = time.monotonic()
        self._ready = self._ready + 1 if now - asked_at < AT_ONCE else 0
        if self._ready >= READY_PIECES:
            self._ready = 0
            reason = self.overdue(now)
            if reason is not None:
                self.abort(reason)
            time.sleep(0)

    def _decode(self, data: bytes) -> bytes:
        try:
            decoded = self._decoder.decompress(data, WHOLE)
        except zlib.error as error:
            raise faults.while_reading(error, self.status) from error
        if self._decoder.unconsumed_tail:
            raise MalformedReply("the answer unpacks to more than can be held", status=self.status)
        if self.ended and not self._decoder.eof:
            raise ConnectionBroken("the packed answer ended in the middle", status=self.status)
        return cast(bytes, decoded)

    def _end(self) -> None:
        """The body is complete: the connection can serve others while the caller still works on it."""
        self.ended = True
        self._let_go()

    def _take_waiting(self) -> None:
        """Often the end of a chunked body is there but unread, for nobody waits for it after the terminal event."""
        sock = self._sock
        if sock is None or self._http.will_close:
            return
        try:
            sock.settimeout(0)
            if not self._http.read1(PIECE) and not self._http.length:
                self.ended = True
            sock.settimeout(None)
        except (OSError, http.client.HTTPException, ValueError):
            self.ended = False

    def _let_go(self) -> None:
        self._off_line()
        watchdog.forget(self)
        reply = self._reply
        if reply is None:
            return
        if self.ended and self._reason is None:
            self._http.close()
            reply.release_conn()
        else:
            reply.close()

    def _aborted(self) -> bytes:
        if self._reason == "grace":
            self._decoder = None
            self._end()
            return b""
        raise self._verdict()
