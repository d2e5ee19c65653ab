"""How callers fare while a store is quick, slow, sick or stuck; the store is a fake that does as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from routing.limits import Reading, Refusal, Ticket, Window
from routing.windows import Windows
from routing.windows.orders import Answer, Cancel, Order, Settle, Take

WINDOW = Window("acme|m|", 10, 1000, 60)
FREE = Window("api:app", None, None, 60)


class FakeStore:
    """Notes each batch; does what ``behave`` says before it admits everything."""

    def __init__(self) -> None:
        self.batches: list[list[Order]] = []
        self.behave: Callable[[], None] = lambda: None
        self.verdict: Callable[[Take], Answer] = lambda order: Ticket(order.id, order.windows, order.tokens)
        self.interrupted = threading.Event()
        self.closed = 0
        self.is_open = False

    def run(self, orders: Sequence[Order]) -> list[Answer]:
        self.is_open = True
        self.behave()
        self.batches.append(list(orders))
        return [self.verdict(order) if isinstance(order, Take) else None for order in orders]

    def read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        self.behave()
        return {}

    def interrupt(self) -> None:
        self.interrupted.set()

    def close(self) -> None:
        self.closed += 1
        self.is_open = False

    def did(self, kind: type) -> list[Order]:
        return [order for batch in self.batches for order in batch if isinstance(order, kind)]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def windows(store: FakeStore) -> Iterator[Windows]:
    with closing(Windows(lambda: store)) as windows:
        yield windows


def fail() -> None:
    raise OSError("gone")


@contextmanager
def held(store: FakeStore) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The store's next batch does not end before the block does. Yields: it has begun; let it end."""
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert go_on.wait(30)

    store.behave = wait
    try:
        yield begun, go_on
    finally:
        go_on.set()
        store.behave = lambda: None


def eventually(found: Callable[[], object]) -> bool:
    until = time.monotonic() + 10
    while not found() and time.monotonic() < until:
        time.sleep(0.005)
    return bool(found())


def test_callers_who_wait_meanwhile_are_asked_for_together(store: FakeStore, windows: Windows) -> None:
    with ThreadPoolExecutor(40) as callers, held(store) as (_, go_on):
        verdicts = [callers.submit(windows.take, [WINDOW], 5) for _ in range(40)]
        assert eventually(lambda: windows._pump and windows._pump._queue.qsize() >= 30)
        go_on.set()
        assert all(isinstance(verdict.result(), Ticket) for verdict in verdicts)
    assert len(store.batches) <= 5
    assert len({order.id for order in store.did(Take)}) == 40  # type: ignore[union-attr]


def test_a_caller_waits_a_second_at_most_and_what_comes_too_late_is_given_back(
    store: FakeStore, windows: Windows
) -> None:
    with held(store):
        started = time.monotonic()
        assert windows.take([WINDOW], 5) is None
        assert 0.9 < time.monotonic() - started < 5
    assert eventually(lambda: store.did(Cancel))
    assert [order.ticket.tokens for order in store.did(Cancel)] == [5]  # type: ignore[union-attr]
    assert isinstance(windows.take([WINDOW], 5), Ticket)


def test_who_gave_up_before_being_asked_for_is_not_asked_for(store: FakeStore, windows: Windows) -> None:
    with ThreadPoolExecutor(2) as callers, held(store) as (begun, _):
        first = callers.submit(windows.take, [WINDOW], 1)
        assert begun.wait(10)
        assert windows.take([WINDOW], 2) is None
        assert first.result() is None
    assert eventually(lambda: store.did(Cancel))
    assert len(store.did(Take)) == 1


def test_a_stuck_store_is_interrupted_and_meanwhile_nobody_waits_for_it(store: FakeStore, windows: Windows) -> None:
    with held(store):
        assert windows.take([WINDOW], 5) is None
        assert eventually(lambda: windows.take([WINDOW], 5) is None and store.interrupted.is_set())
        started = time.monotonic()
        assert [windows.take([WINDOW], 5) for _ in range(100)] == [None] * 100
        assert time.monotonic() - started < 0.9


def test_after_a_failure_callers_are_told_at_once_and_one_a_second_tries(
    store: FakeStore, windows: Windows, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []
    store.behave = lambda: tried.append(time.monotonic()) or fail()
    until = time.monotonic() + 2.5
    verdicts = 0
    while time.monotonic() < until:
        assert windows.take([WINDOW], 5) is None
        verdicts += 1
        time.sleep(0.001)
    assert len(tried) <= 4 < verdicts
    store.behave = lambda: None
    assert eventually(lambda: windows.take([WINDOW], 5) is not None)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "OSError: gone" in caplog.text


def test_a_dead_connection_is_replaced_within_the_same_question(
    store: FakeStore, windows: Windows, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(windows.take([WINDOW], 5), Ticket)
    faults = iter([fail])
    store.behave = lambda: next(faults, lambda: None)()
    assert isinstance(windows.take([WINDOW], 5), Ticket)
    assert store.closed == 1
    assert not caplog.records


def test_settling_and_cancelling_wait_for_nobody_and_outlast_an_outage(store: FakeStore, windows: Windows) -> None:
    one, other = windows.take([WINDOW], 5), windows.take([WINDOW, FREE], 6)
    assert isinstance(one, Ticket)
    assert isinstance(other, Ticket)
    store.behave = fail
    windows.settle(one, 50)
    windows.cancel(other)
    assert windows.take([WINDOW], 5) is None
    store.behave = lambda: None
    assert eventually(lambda: store.did(Cancel))
    assert store.did(Settle) == [Settle(one, 50)]
    assert store.did(Cancel) == [Cancel(other)]


def test_what_needs_no_settling_costs_no_question(store: FakeStore, windows: Windows) -> None:
    exact, untold = windows.take([WINDOW], 5), windows.take([FREE], 5)
    assert isinstance(exact, Ticket)
    assert isinstance(untold, Ticket)
    windows.settle(exact, 5)
    windows.settle(untold, 77)
    windows.close()
    assert not store.did(Settle)


def test_an_endpoint_without_limits_asks_nobody(store: FakeStore, windows: Windows) -> None:
    ticket = windows.take([], 5)
    assert isinstance(ticket, Ticket)
    windows.settle(ticket, 9)
    windows.cancel(ticket)
    assert windows.read([]) == {}
    assert not store.batches
    assert windows._pump is None


def test_a_hot_refusal_costs_no_question_until_a_cancelled_request_makes_room(
    store: FakeStore, windows: Windows
) -> None:
    ticket = windows.take([WINDOW, FREE], 5)
    assert isinstance(ticket, Ticket)
    store.verdict = lambda order: Refusal(order.windows[0], "requests", 30.0)
    assert windows.take([WINDOW, FREE], 5) == Refusal(WINDOW, "requests", 30.0)
    asked = len(store.did(Take))
    again = windows.take([FREE, WINDOW], 5)
    assert isinstance(again, Refusal)
    assert (again.window, again.what) == (WINDOW, "requests")
    assert 29 < (windows.refused(WINDOW, time.time()) or 0) <= 30
    assert windows.refused(FREE, time.time()) is None
    assert len(store.did(Take)) == asked
    windows.cancel(ticket)
    windows.take([WINDOW], 5)
    assert len(store.did(Take)) == asked + 1


def test_absurd_counts_of_tokens_are_bounded(store: FakeStore, windows: Windows) -> None:
    ticket = windows.take([WINDOW], 10**30)
    assert isinstance(ticket, Ticket)
    windows.settle(ticket, -5)
    windows.close()
    assert 0 < ticket.tokens < 2**53
    assert [order.tokens for order in store.did(Settle)] == [0]  # type: ignore[union-attr]


def test_figures_that_cannot_be_read_are_left_out(store: FakeStore, windows: Windows) -> None:
    store.behave = fail
    assert windows.read([WINDOW]) == {}


def test_closing_does_what_is_owed_first(store: FakeStore, windows: Windows) -> None:
    ticket = windows.take([WINDOW], 5)
    assert isinstance(ticket, Ticket)
    windows.settle(ticket, 50)
    windows.close()
    assert store.did(Settle) == [Settle(ticket, 50)]
    assert store.closed == 1
