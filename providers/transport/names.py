"""Host names → addresses, under the deadline of the exchange that asks. One question at a time for each name.

``getaddrinfo`` knows no deadline and runs in a thread (under gevent in one of few that all share): were each request to
ask by itself, a name whose server is silent would take all of them, and nobody could connect to anything meanwhile.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from urllib3.util.connection import allowed_gai_family

Resolve = Callable[[str, int], list[Any]]  # host, port → what ``getaddrinfo`` gives for streams


class Asking(Protocol):
    """What is needed of the exchange that waits for an answer."""

    @property
    def connect_seconds(self) -> float: ...

    def connecting(self, handle: int | threading.Event) -> None:
        """``handle``: an event to set on abort."""


@dataclass(slots=True)
class _Question:
    """One look-up under way. ``answer``: addresses or the error, once it is there; ``waiting``: whom to wake then."""

    answer: list[Any] | Exception | None = None
    waiting: list[threading.Event] = field(default_factory=list)


_questions: dict[tuple[str, int, Resolve], _Question] = {}
_guard = threading.Lock()


def system_addresses(host: str, port: int) -> list[Any]:
    """The system's resolver."""
    return list(socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM))


def look_up(host: str, port: int, exchange: Asking, resolve: Resolve = system_addresses) -> list[Any]:
    """What the name resolves to. Whoever asks while the same name is being looked up gets that answer; a look-up that
    is given up goes on until the resolver's own timeouts. Raises OSError, TimeoutError, UnicodeError."""
    host = host.strip("[]")
    literal = _literal(host, port)
    if literal is not None:
        return literal
    ready = threading.Event()
    exchange.connecting(ready)
    question = _ask(host, port, resolve, ready)
    ready.wait(exchange.connect_seconds)
    if question.answer is None:
        raise TimeoutError("name resolution")
    if isinstance(question.answer, Exception):
        raise question.answer
    return question.answer


def _literal(host: str, port: int) -> list[Any] | None:
    """An address needs no look-up; one with a zone (``fe80::1%eth0``) does."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if address.version == 4:
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]
        if "%" not in host:
            return [(socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0))]
    return None


def _ask(host: str, port: int, resolve: Resolve, ready: threading.Event) -> _Question:
    key = (host, port, resolve)
    with _guard:
        question = _questions.get(key)
        if question is not None:
            question.waiting.append(ready)
            return question
        question = _questions[key] = _Question(waiting=[ready])

    def find() -> None:
        answer: list[Any] | Exception
        try:
            answer = resolve(host, port)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            answer = error
        with _guard:
            question.answer = answer
            del _questions[key]
        for waiting in question.waiting:
            waiting.set()

    threading.Thread(target=find, name="upstream-look-up", daemon=True).start()
    return question
