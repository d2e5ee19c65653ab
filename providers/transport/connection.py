"""urllib3 connections that tell the exchange they serve which socket it is on: the watchdog shuts that down."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, cast

from urllib3.connection import HTTPConnection, HTTPSConnection

from providers.transport.names import look_up

MAX_INTERIM = 20  # 1xx replies before the real one
_COALESCE = 65536  # up to here, copying the body behind the headers is cheaper than a second send and packet


class Serving(Protocol):
    """What a connection needs of the exchange it serves."""

    @property
    def needs_fresh(self) -> bool: ...

    @property
    def connect_seconds(self) -> float: ...

    def connecting(self, handle: int | threading.Event) -> None:
        """``handle``: a file descriptor the exchange now owns, or an event to set on abort."""

    def connected(self) -> None: ...

    def sending(self, sock: socket.socket, *, reused: bool) -> None: ...

    def on_socket(self, sock: socket.socket) -> None: ...

    def off_socket(self, sock: socket.socket | None) -> None:
        """``sock`` is about to be closed: its descriptor must not be touched any more."""

    def reply_began(self) -> None: ...


current: ContextVar[Serving] = ContextVar("exchange")


class _Reply(http.client.HTTPResponse):
    _interim = 0

    def _read_status(self) -> Any:
        """Notes the first byte: a reused connection that ended before it may be tried again."""
        if cast(Any, self.fp).peek(1):
            current.get().reply_began()
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if 100 <= status < 200 and status != http.client.SWITCHING_PROTOCOLS:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise http.client.HTTPException("too many interim replies")
            return version, http.client.CONTINUE, reason  # the base class reads on after this one only
        return version, status, reason


# The mixin's base is a lie told to the type checker: at run time it is put before HTTPConnection or HTTPSConnection.
if TYPE_CHECKING:
    _Base = HTTPConnection
else:
    _Base = object


class _Watched(_Base):
    response_class: Any = _Reply
    _pieces: list[bytes] | None = None
    _used = False

    def _new_conn(self) -> socket.socket:
        exchange = current.get()
        failure: OSError | None = None
        for family, kind, protocol, _, address in self._find(exchange):
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                # A duplicate, since TLS takes the descriptor over and closes it itself when the handshake fails.
                exchange.connecting(os.dup(sock.fileno()))
                sock.settimeout(exchange.connect_seconds)
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure or OSError("no address")

    def _find(self, exchange: Serving) -> list[Any]:
        """Where to connect to, as ``getaddrinfo`` says it."""
        return look_up(self._dns_host, self.port, exchange)

    def connect(self) -> None:
        self._used = False
        try:
            super().connect()
        finally:
            current.get().connected()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        current.get().sending(self.sock, reused=self._used)
        self._used = True
        self._pieces = []
        try:
            super().request(*args, **kwargs)
            self._flush()
        finally:
            self._pieces = None

    def send(self, data: Any) -> None:
        """Small pieces wait to go out together; what does not fit with them goes out as it comes."""
        if self._pieces is None:
            super().send(data)
            return
        self._pieces.append(data)
        if sum(map(len, self._pieces)) > _COALESCE:
            self._flush()

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces or [], None
        if sum(map(len, pieces)) <= _COALESCE:
            pieces = [b"".join(pieces)]
        for piece in pieces:
            super().send(piece)

    def getresponse(self) -> Any:
        sock = self.sock
        response = super().getresponse()
        # http.client lets go of the socket of a reply that ends with the connection; it is still being read.
        current.get().on_socket(sock)
        return response

    def close(self) -> None:
        exchange = current.get(None)
        if exchange is not None:
            exchange.off_socket(self.sock)
        super().close()

    @property
    def is_connected(self) -> bool:
        """Whether a resting connection is still usable: neither closed by the other side nor with bytes nobody asked
        for. A non-blocking peek beneath TLS and gevent, where urllib3's own check polls."""
        if self.sock is None:
            return False
        sock = getattr(self.sock, "socket", self.sock)  # TLS within TLS wraps the socket once more
        inner = getattr(sock, "_sock", None)  # gevent's
        flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
        try:
            inner.recv(1, flags) if inner is not None else socket.socket.recv(cast(Any, sock), 1, flags)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


class PlainConnection(_Watched, HTTPConnection):
    """``http``, and ``https`` to a forwarding proxy."""


class TlsConnection(_Watched, HTTPSConnection):
    """``https``."""
