"""The way of one request: its deadlines, the socket it is on, and how the watchdog ends it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

from providers.errors import CallerLeft
from providers.transport import faults
from providers.wire import Limits, Trace

NEVER = float("inf")

# Held for a few instructions while a descriptor is looked up and shut down, or given up: a number must not be shut
# down after its socket was closed and the number went to another.
# Entered again by whoever holds it: garbage may be collected at any line, and a collected pool closes its connections.
_guard = threading.RLock()


class Line:
    """What the connection and the watchdog see of an exchange. Moments are ``time.monotonic()``."""

    # fmt: off
    __slots__ = (
        "_content_until", "_gone", "_grace_until", "_handle", "_idle", "_limits", "_phase", "_phase_until", "_reason",
        "_sock", "_total_until", "_waiter", "began", "closed", "needs_fresh", "reused", "trace",
    )
    # fmt: on

    def __init__(self, limits: Limits, gone: Callable[[], bool], trace: Trace) -> None:
        now = time.monotonic()
        self._limits = limits
        self._gone = gone
        self.trace = trace
        self._phase = "connect"
        self._phase_until = now + limits.connect
        self._content_until = NEVER if limits.first_content is None else now + limits.first_content
        self._total_until = now + limits.total
        self._grace_until = NEVER
        # Until the first content the limit for that rules: a model that thinks in silence is not a stall.
        self._idle = limits.idle if limits.first_content is None else NEVER
        self._reason: str | None = None
        self._sock: socket.socket | None = None
        self._handle: int | None = None
        self._waiter: threading.Event | None = None
        self.needs_fresh = self.reused = self.began = self.closed = False

    # --- for the watchdog

    def overdue(self, now: float) -> str | None:
        passed = min(self._phase_until, self._content_until, self._total_until, self._grace_until)
        if now < passed:
            return None
        if passed == self._grace_until:
            return "grace"
        if passed == self._total_until:
            return "total"
        return "first_content" if passed == self._content_until else self._phase

    def caller_left(self) -> bool:
        return self._gone()

    def abort(self, reason: str) -> None:
        with _guard:
            if self.closed or self._reason is not None:
                return
            self._reason = reason
            if self._waiter is not None:
                self._waiter.set()
            if self._handle is not None:
                _shut_down(self._handle)
            elif self._sock is not None and self._sock.fileno() >= 0:
                _shut_down(self._sock.fileno())

    # --- for the connection

    @property
    def connect_seconds(self) -> float:
        return max(self._phase_until - time.monotonic(), 0.001)

    def connecting(self, handle: int | threading.Event) -> None:
        with _guard:
            self._drop_handle()
            if isinstance(handle, int):
                self._handle = handle
            else:
                self._waiter = handle
        self._check()

    def connected(self) -> None:
        with _guard:
            self._drop_handle()
            self._waiter = None

    def sending(self, sock: socket.socket, *, reused: bool) -> None:
        self._sock = sock
        self.reused = reused
        self._phase = "headers"
        self._phase_until = time.monotonic() + self._limits.headers
        self._check()

    def on_socket(self, sock: socket.socket) -> None:
        self._sock = sock

    def off_socket(self, sock: socket.socket | None) -> None:
        with _guard:
            if self._sock is sock:
                self._sock = None

    def reply_began(self) -> None:
        self.began = True

    # --- for open()

    def try_afresh(self) -> None:
        """The resting connection was closed by the other side before a byte of the reply: once more on a new one."""
        self.needs_fresh = True
        self._phase = "connect"
        self._phase_until = time.monotonic() + self._limits.connect

    def explain(self, error: BaseException) -> Exception:
        """``error`` in our words: the watchdog's reason if it was the cause."""
        if self._reason is not None:
            return self._verdict()
        if self._phase == "connect":
            return faults.while_connecting(error)
        return faults.while_reading(error, self.trace.status)

    @property
    def stale(self) -> bool:
        return self.reused and not self.began and not self.needs_fresh and self._reason is None

    # --- within

    def _off_line(self) -> None:
        with _guard:
            self.closed = True
            self._sock = None
            self._drop_handle()

    def _drop_handle(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _check(self) -> None:
        """The watchdog may have spoken while there was no socket to shut down."""
        if self._reason is not None:
            raise self._verdict()

    def _verdict(self) -> Exception:
        assert self._reason is not None
        if self._reason == "caller_left":
            return CallerLeft("the caller left")
        return faults.timed_out(self._reason, self.trace.status)


def _shut_down(descriptor: int) -> None:
    """Wake the reader of a socket that may be a plain, a TLS or a gevent one: beneath all of them."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as twin:
        twin.shutdown(socket.SHUT_RDWR)
