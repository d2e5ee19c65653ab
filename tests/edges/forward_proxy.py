"""A forward proxy on a real socket: whole URLs are passed on, CONNECT becomes a tunnel. Every host is ``target``."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from base64 import b64encode
from http.client import HTTPConnection
from types import TracebackType


class ForwardProxy:
    """``asked``: (method, target) of each request; ``target``: the port of 127.0.0.1 that stands for every host.

    ``login``: "user:password" that must be presented, else 407.
    """

    def __init__(self, login: str = "") -> None:
        self.asked: list[tuple[str, str]] = []
        self.target = 0
        self._wanted = f"Basic {b64encode(login.encode()).decode()}" if login else ""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://{login}{'@' if login else ''}127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ForwardProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def refused(self) -> bool:
                proxy.asked.append((self.command, self.path))
                if proxy._wanted in ("", self.headers.get("Proxy-Authorization")):
                    return False
                self.send_error(407)
                return True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.refused():
                    return
                onward = HTTPConnection("127.0.0.1", proxy.target, timeout=20)
                path = "/" + self.path.split("/", 3)[3]
                kept = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
                onward.request("POST", path, body, kept)
                answer = onward.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                onward.close()

            def do_CONNECT(self) -> None:
                if self.refused():
                    return
                onward = socket.create_connection(("127.0.0.1", proxy.target), timeout=20)
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pump, args=(onward, self.connection), daemon=True)
                back.start()
                _pump(self.connection, onward)
                back.join(20)
                onward.close()
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
