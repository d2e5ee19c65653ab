"""Streams to the caller, and knowing when the caller has left."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import ModuleType

from django.http import HttpRequest, StreamingHttpResponse

from gateway_project.api.account import Account, Result
from gateway_project.api.dialects.base import Failure
from gateway_project.api.errors import stream_failure
from providers.errors import CallerLeft
from routing.relay import Relay

CLOSE_WAIT = 8  # of Linux's tcp_states.h: the other side has closed, though bytes of it still wait to be read
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def caller_gone(request: HttpRequest) -> Callable[[], bool]:
    """A cheap question, asked from beside the request: has the caller closed the connection?

    A half-close counts as leaving. Peeks at gunicorn's client socket without waiting, whether gevent has wrapped it or
    not; without such a socket (Django's own test client) nobody ever leaves.
    """
    wrapped = request.environ.get("gunicorn.socket")  # type: ignore[attr-defined]  # every request is a WSGIRequest
    if wrapped is None:
        return lambda: False
    plain: socket.socket = getattr(wrapped, "_sock", wrapped)

    def gone() -> bool:
        try:
            waiting = plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            return waiting == b"" or plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == CLOSE_WAIT
        except BlockingIOError:
            return False
        except OSError:
            return True

    return gone


class EventStream:
    """Iterates the events of one answer. An object, not a generator: its ``close`` runs even if nothing was read.

    Closing it cancels the upstream where it still speaks, and writes the record.
    """

    def __init__(self, relay: Relay, dialect: ModuleType, account: Account) -> None:
        self._relay = relay
        self._dialect = dialect
        self._account = account
        self._include_usage = account.parsed is not None and account.parsed.include_usage
        self._content = account.content
        self._over = False

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        try:
            for chunk in self._relay:
                if self._content is not None:
                    self._content.note(chunk)
                event: bytes = self._dialect.render_chunk(chunk, self._include_usage)
                if event:
                    return event
        except CallerLeft:
            self._finish(None)
            raise StopIteration from None
        except Exception as error:  # noqa: BLE001 - whatever broke, the caller must see an error and never a clean end
            failure = stream_failure(error)
            self._finish(failure)
            return bytes(self._dialect.render_stream_error(failure))
        self._finish(None)
        return bytes(self._dialect.render_end())

    def close(self) -> None:
        """Called by the server after the last byte, or when the caller has left."""
        self._finish(None)

    def _finish(self, failure: Failure | None) -> None:
        """Before the last event leaves: once a caller has a whole answer, no kill can lose its record."""
        if self._over:
            return
        self._over = True
        self._relay.close()
        self._account.answer = self._relay.answer
        summary = self._relay.summary
        if self._account.parsed is not None:
            summary.estimate(self._account.parsed.call)
        self._account.finish(Result(200, self._relay.outcome, failure, summary))


def stream_response(stream: EventStream) -> StreamingHttpResponse:
    """An event stream as a response."""
    return StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8", headers=HEADERS)
