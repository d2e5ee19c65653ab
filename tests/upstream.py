"""A scriptable upstream on a real socket: each request it reads is answered by the next behaviour of its script.

A behaviour is a function of the ``Peer``; the last one repeats. It keeps the connection unless it closes it. Pauses are
``threading.Event`` objects that the test sets, never sleeps. Works in plain threads and under gevent's patch.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 20  # seconds until a pause that nobody ends is given up, so that a failing test ends


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, server: Upstream) -> None:
        self.sock = sock
        self.server = server
        self.file = sock.makefile("rb")
        self.open = True

    def read_request(self) -> Request | None:
        line = self.file.readline()
        if not line.strip():
            return None
        method, target, _ = line.decode().split(" ", 2)
        headers = {}
        while (line := self.file.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            name = name.strip().lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
        return Request(method, target, headers, self.file.read(int(headers.get("content-length", 0))))

    def send(self, *data: bytes) -> None:
        self.sock.sendall(b"".join(data))

    def wait_until_left(self) -> None:
        """Returns when the other side has hung up, which ``server.left`` then says, or when patience ends."""
        self.sock.settimeout(self.server.patience)
        try:
            while self.file.read(1):
                pass
            self.server.left.set()
        except TimeoutError:
            pass
        except OSError:
            self.server.left.set()
        self.close()

    def close(self, *, reset: bool = False) -> None:
        if not self.open:
            return
        self.open = False
        with contextlib.suppress(OSError):
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif not isinstance(self.sock, ssl.SSLSocket):
                self.sock.shutdown(socket.SHUT_WR)
        self.file.close()
        self.sock.close()


Behaviour = Callable[[Peer], None]


class Upstream:
    """``with Upstream(reply(...), reset()) as server: ...``. ``server.url`` is its origin.

    ``requests`` are those read so far; ``connections`` how many were accepted; ``left`` is set when a caller hung up on
    a behaviour that waited for it, or while it was being written to. ``patience``: seconds that such a wait may take.
    """

    patience: float = PATIENCE

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._script = list(script)
        self._tls = tls
        self._host = host
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self.requests: list[Request] = []
        self.connections = 0
        self.left = threading.Event()

    def __enter__(self) -> Upstream:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up_resting()
        for thread in self._threads:
            thread.join(PATIENCE)

    def hang_up_resting(self) -> None:
        """Close every open connection, as a server does with connections at rest."""
        for peer in self._peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)

    def _next(self, request: Request) -> Behaviour:
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def _run(self, function: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._run(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock, self)
        self._peers.append(peer)
        with contextlib.suppress(OSError, ValueError):
            while peer.open and (request := peer.read_request()):
                self.requests.append(request)
                try:
                    self._next(request)(peer)
                except OSError:
                    self.left.set()
                    break
        peer.close()


def pause(gate: threading.Event) -> None:
    assert gate.wait(PATIENCE), "nobody ended this pause"


def head(status: int = 200, media: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {media}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """``data`` as one piece of a chunked body; empty: the end of it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: Any) -> bytes:
    """A server-sent event; dicts as JSON."""
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


DONE = event(b"[DONE]")


def reply(body: Any = None, status: int = 200, media: str = "application/json", **headers: str) -> Behaviour:
    """A whole reply; ``body`` bytes, or anything else as JSON."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda peer: peer.send(head(status, media, Content_Length=str(len(payload)), **headers), payload)


def stream(*parts: bytes | threading.Event, end: str = "finish", media: str = "text/event-stream") -> Behaviour:
    """A chunked body of ``parts``; an Event among them is a pause.

    ``end``: "finish" (properly), "open" (then nothing until the caller leaves), "close" (in the middle) or "reset".
    """

    def behave(peer: Peer) -> None:
        peer.send(head(200, media, Transfer_Encoding="chunked"))
        for part in parts:
            if isinstance(part, threading.Event):
                pause(part)
            else:
                peer.send(chunk(part))
        if end == "finish":
            peer.send(chunk(b""))
        elif end == "open":
            peer.wait_until_left()
        else:
            peer.close(reset=end == "reset")

    return behave


def raw(*parts: bytes | threading.Event, end: str = "close") -> Behaviour:
    """Bytes as they are. ``end``: "close", "reset", "open" (until the caller leaves) or "keep" (the connection)."""

    def behave(peer: Peer) -> None:
        for part in parts:
            if isinstance(part, threading.Event):
                pause(part)
            else:
                peer.send(part)
        if end == "open":
            peer.wait_until_left()
        elif end != "keep":
            peer.close(reset=end == "reset")

    return behave


def silent() -> Behaviour:
    """Never answers."""
    return lambda peer: peer.wait_until_left()


def drip(start: bytes, drop: bytes, every: float = 0.02) -> Behaviour:
    """``start``, then ``drop`` again and again until the caller leaves."""

    def behave(peer: Peer) -> None:
        peer.send(start)
        never = threading.Event()
        for _ in range(int(peer.server.patience / every)):
            never.wait(every)
            peer.send(drop)

    return behave


def flood(start: bytes, piece: bytes, times: int) -> Behaviour:
    """``start``, then ``piece`` as fast as it is taken."""

    def behave(peer: Peer) -> None:
        peer.send(start)
        for _ in range(times):
            peer.send(piece)

    return behave
