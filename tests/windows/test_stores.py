"""Every store admits, refuses, settles and reads as a plain list would, at every moment of a simulated clock."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.limits import Refusal, Ticket, Window
from routing.windows.orders import Cancel, Order, Settle, Store, Take
from tests.windows.conftest import Place, made_store
from tests.windows.model import SECOND, Hit, Model

LENGTH = 10.0
QUARTERS = st.integers(0, 6).map(lambda number: number * SECOND * 5 // 2)  # windows last 5, 10 and 15 seconds
passing = st.tuples(st.just("pass"), st.builds(max, st.just(0), st.builds(int.__add__, QUARTERS, st.integers(-1, 1))))
taking = st.tuples(st.just("take"), st.sets(st.integers(0, 2), min_size=1), st.integers(0, 60))
ending = st.tuples(st.sampled_from(["settle", "cancel"]), st.integers(0, 100), st.integers(0, 60))
histories = st.lists(passing | taking | taking | ending, max_size=40)
figures = st.tuples(st.none() | st.integers(1, 5), st.none() | st.integers(1, 100))


class Time:
    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def time() -> Time:
    return Time()


@pytest.fixture(scope="module")
def store(place: Place, time: Time) -> Iterator[Store]:
    with closing(made_store(place, time)) as store:
        yield store


def take(store: Store, windows: list[Window], tokens: int = 0) -> object:
    [answer] = store.run([Take(uuid.uuid4().hex, tuple(windows), tokens)])
    return answer


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, limits=st.tuples(figures, figures, figures))
def test_a_store_does_what_a_list_of_all_admissions_would(
    store: Store, time: Time, history: list[tuple], limits: tuple
) -> None:
    name = uuid.uuid4().hex
    windows = [Window(f"test:{name}-{n}", *pair, LENGTH * (n + 1) / 2) for n, pair in enumerate(limits)]
    model = Model()
    tickets: list[tuple[Ticket, list[Hit]]] = []
    for step, first, *rest in history:
        if step == "pass":
            time.now += first
        elif step == "take":
            compare_take(store, model, [windows[n] for n in sorted(first)], rest[0], time.now, tickets)
        elif tickets:
            end(store, step, *tickets[first % len(tickets)], rest[0])
        assert store.read(windows) == {w.key: model.reading(w, time.now) for w in windows}
    for window in windows:
        for asked in (0, model.reading(window, time.now).remaining_tokens or 0, 1):  # the sums that are kept are right
            compare_take(store, model, [window], asked, time.now, tickets)
        if window.requests is not None:
            assert model.most_within(window) <= window.requests


def compare_take(store, model, windows, asked, now, tickets) -> None:  # type: ignore[no-untyped-def]
    """The same verdict as the model's; a refusal names the window that lasts longest, and how long that is."""
    lasting = {window: model.until(window, asked, now) - now for window in windows}
    refusing = {window: model.refuses(window, asked, now) for window in windows}
    expected = model.take(windows, asked, now)
    answer = take(store, windows, asked)
    if expected is not None:
        assert isinstance(answer, Ticket)
        tickets.append((answer, expected))
        return
    assert isinstance(answer, Refusal)
    assert answer.what in refusing[answer.window]
    assert answer.wait * SECOND == pytest.approx(max(lasting.values()), abs=1)


def end(store: Store, step: str, ticket: Ticket, hits: list[Hit], tokens: int) -> None:
    order: Order = Settle(ticket, tokens) if step == "settle" else Cancel(ticket)
    assert store.run([order, order]) == [None, None]  # what is owed may be said twice
    for hit, window in zip(hits, ticket.windows, strict=True):
        if step == "cancel":
            hit.cancelled = True
        elif window.tokens is not None:
            hit.tokens = tokens


def test_places_come_free_one_by_one_each_exactly_when_its_time_is_over(store: Store, time: Time, key: str) -> None:
    windows = [Window(key, 3, None, 60)]
    for _ in range(3):
        assert isinstance(take(store, windows), Ticket)
        time.now += 10 * SECOND
    refusal = take(store, windows)
    assert refusal == Refusal(windows[0], "requests", 30.0)
    for _ in range(2):
        time.now += 30 * SECOND - 1 if _ == 0 else 10 * SECOND - 1
        assert isinstance(take(store, windows), Refusal)
        time.now += 1
        assert isinstance(take(store, windows), Ticket)
        assert isinstance(take(store, windows), Refusal)


def test_a_batch_is_decided_in_turn(store: Store, key: str) -> None:
    window = Window(key, 2, None, 60)
    answers = store.run([Take(f"{key}-{n}", (window,), 0) for n in range(4)])
    assert [type(answer) for answer in answers] == [Ticket, Ticket, Refusal, Refusal]
    freed, taken = store.run([Cancel(answers[0]), Take(f"{key}-again", (window,), 0)])  # type: ignore[arg-type]
    assert freed is None
    assert isinstance(taken, Ticket)


def test_a_refusal_of_one_window_takes_no_place_in_the_other(store: Store, key: str) -> None:
    wide, narrow = Window(f"{key}-wide", 10, 100, 60), Window(f"{key}-narrow", 1, None, 60)
    assert isinstance(take(store, [wide, narrow], 5), Ticket)
    for _ in range(3):
        assert take(store, [wide, narrow], 5) == Refusal(narrow, "requests", 60.0)
    assert store.read([wide])[wide.key].current_requests == 1
    assert store.read([wide])[wide.key].current_tokens == 5


def test_a_request_larger_than_the_whole_limit_waits_until_it_is_alone(store: Store, time: Time, key: str) -> None:
    window = Window(key, None, 100, 60)
    assert isinstance(take(store, [window], 30), Ticket)
    assert take(store, [window], 500) == Refusal(window, "tokens", 60.0)
    time.now += 60 * SECOND
    assert isinstance(take(store, [window], 500), Ticket)
    assert isinstance(take(store, [window], 1), Refusal)


def test_a_limit_of_zero_admits_nothing(store: Store, key: str) -> None:
    assert take(store, [Window(key, 0, None, 60)]) == Refusal(Window(key, 0, None, 60), "requests", 60.0)
    assert take(store, [Window(key, None, 0, 60)], 1) == Refusal(Window(key, None, 0, 60), "tokens", 60.0)


def test_a_changed_limit_holds_for_what_is_in_the_window_already(store: Store, time: Time, key: str) -> None:
    for _ in range(4):
        assert isinstance(take(store, [Window(key, 4, None, 60)]), Ticket)
        time.now += SECOND
    assert take(store, [Window(key, 2, None, 60)]) == Refusal(Window(key, 2, None, 60), "requests", 58.0)
    assert isinstance(take(store, [Window(key, 5, None, 60)]), Ticket)


def test_many_admissions_leave_at_once(store: Store, time: Time, key: str) -> None:
    window = Window(key, 3000, 3000, 60)
    assert all(
        isinstance(answer, Ticket) for answer in store.run([Take(f"{key}-{n}", (window,), 1) for n in range(3000)])
    )
    assert isinstance(take(store, [window], 1), Refusal)
    time.now += 60 * SECOND
    assert isinstance(take(store, [window], 1), Ticket)
    assert store.read([window])[key].current_tokens == 1


def test_keys_of_any_shape_are_windows_of_their_own(store: Store, key: str) -> None:
    names = [
        f"{key}|m|https://h/v1?a=%41",
        f"{key}|m|https://h/v1?a=%42",
        f'{key} "quoted", ünïcödé \\ {{}}',
        key + "x" * 800,
    ]
    for name in names:
        assert isinstance(take(store, [Window(name, 1, 10, 60)], 3), Ticket)
    for name in names:
        assert isinstance(take(store, [Window(name, 1, 10, 60)], 3), Refusal)
