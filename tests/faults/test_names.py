"""Host names become addresses once for all who ask at the same time; addresses need nobody's help."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from providers.transport.names import look_up
from tests.upstream import PATIENCE

HERE = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]


class Asking:
    """An exchange that waits; ``waits`` is set as soon as it does."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self.connect_seconds = seconds
        self.waits = threading.Event()
        self.handle: Any = None

    def connecting(self, handle: int | threading.Event) -> None:
        self.handle = handle
        self.waits.set()


class Resolver:
    """Answers when ``gate`` is set."""

    def __init__(self, answer: Any = HERE) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.gate = threading.Event()

    def __call__(self, host: str, port: int) -> list[Any]:
        self.asked.append(host)
        assert self.gate.wait(PATIENCE)
        if isinstance(self.answer, Exception):
            raise self.answer
        return list(self.answer)


def asked_by(count: int, resolver: Resolver, asking: Asking | None = None) -> list[Any]:
    """What ``count`` callers got who asked while the first question was open."""
    got: list[Any] = []

    def ask(one: Asking) -> None:
        try:
            got.append(look_up("upstream.test", 80, one, resolver))
        except (OSError, RuntimeError) as error:
            got.append(error)

    those = [asking or Asking() for _ in range(count)]
    threads = [threading.Thread(target=ask, args=(one,)) for one in those]
    for thread, one in zip(threads, those, strict=True):
        thread.start()
        assert one.waits.wait(PATIENCE)
    resolver.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    return got


def test_those_who_ask_at_the_same_time_share_one_question() -> None:
    resolver = Resolver()
    assert asked_by(20, resolver) == [HERE] * 20
    assert len(resolver.asked) <= 2  # the last to come may have found the first question answered
    look_up("upstream.test", 80, Asking(), resolver)
    assert len(resolver.asked) >= 2


@pytest.mark.parametrize("error", [socket.gaierror("no such name"), RuntimeError("unforeseen")])
def test_a_failure_reaches_all_who_wait_and_nobody_after_them(error: Exception) -> None:
    resolver = Resolver(error)
    assert set(asked_by(3, resolver)) == {error}
    resolver.answer = HERE
    assert look_up("upstream.test", 80, Asking(), resolver) == HERE


def test_who_gives_up_leaves_the_question_to_the_others() -> None:
    resolver = Resolver()
    with pytest.raises(TimeoutError):
        look_up("upstream.test", 80, Asking(0.01), resolver)
    assert asked_by(1, resolver) == [HERE]
    assert len(resolver.asked) == 1


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [("127.0.0.1", socket.AF_INET, ("127.0.0.1", 80)), ("[::1]", socket.AF_INET6, ("::1", 80, 0, 0))],
)
def test_an_address_asks_nobody(host: str, family: int, address: Any) -> None:
    asking = Asking()
    ((found, kind, _, _, where),) = look_up(host, 80, asking, Resolver())
    assert (found, kind, where) == (family, socket.SOCK_STREAM, address)
    assert not asking.waits.is_set()
