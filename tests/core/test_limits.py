"""The arithmetic of windows, and the memory of refusals, held against what one would say in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routing.limits import Memory, Reading, Refusal, Window, leaves_after, reading, requests_over, tokens_over

counts = st.integers(0, 50)
limits = st.none() | st.integers(0, 50)


def window(requests: int | None = None, tokens: int | None = None, seconds: float = 60) -> Window:
    return Window("acme|m|", requests, tokens, seconds)


@given(limit=limits, used=counts)
def test_as_many_requests_must_leave_as_make_room_for_one(limit: int | None, used: int) -> None:
    over = requests_over(window(requests=limit), used)
    if limit is None or used < limit:
        assert over == 0
    else:
        assert used - over == limit - 1


@given(limit=limits, used=counts, asked=counts)
def test_as_many_tokens_must_leave_as_make_room_for_what_is_asked(limit: int | None, used: int, asked: int) -> None:
    over = tokens_over(window(tokens=limit), used, asked)
    if limit is None or used + asked <= limit:
        assert over == 0
    elif 0 < limit < asked:
        assert over == used  # admitted once it is alone
    else:
        assert used - over + asked == limit


@given(hits=st.lists(st.tuples(st.integers(0, 10**6), counts), min_size=1).map(sorted), over=st.integers(1, 500))
def test_tokens_have_left_with_the_hit_that_frees_the_last_of_them(hits: list[tuple[int, int]], over: int) -> None:
    moment = leaves_after(hits, over)
    if sum(tokens for _, tokens in hits) < over:
        assert moment == hits[-1][0]
    else:
        assert moment is not None
        assert sum(tokens for at, tokens in hits if at <= moment) >= over
        assert sum(tokens for at, tokens in hits if at < moment) < over


def test_an_empty_history_frees_nothing() -> None:
    assert leaves_after([], 1) is None


def test_a_reading_says_what_is_left_and_when_the_first_leaves() -> None:
    assert reading(window(3, 100), 2, 40, 20_000_000) == Reading(2, 40, 1, 60, False, 40.0)
    assert reading(window(2, None), 3, 0, 1) == Reading(3, 0, 0, None, True, 59.999999)
    assert reading(window(None, 10), 3, 10, 60_000_000) == Reading(3, 10, None, 0, True, 0.0)
    assert reading(window(1, 1), 0, 0, None) == Reading(0, 0, 1, 1, False, 0.0)


def test_a_refusal_is_remembered_until_the_window_admits_and_a_second_at_most() -> None:
    memory = Memory()
    short, long = window(1), window(2)
    memory.note(Refusal(short, "requests", 0.25), 100.0)
    memory.note(Refusal(long, "requests", 30.0), 100.0)
    assert memory.wait(short, 100.0) == 0.25
    assert memory.wait(short, 100.125) == 0.125
    assert memory.wait(short, 100.25) is None
    assert memory.wait(long, 100.5) == 29.5
    assert memory.wait(long, 101.0) is None


def test_a_changed_limit_a_refusal_for_tokens_and_a_clock_set_back_are_not_remembered() -> None:
    memory = Memory()
    memory.note(Refusal(window(1), "requests", 30.0), 100.0)
    assert memory.wait(window(2), 100.0) is None
    memory.note(Refusal(window(5, 5), "tokens", 30.0), 100.0)
    assert memory.wait(window(5, 5), 100.0) is None
    assert memory.wait(window(1), 50.0) is None
    assert memory.wait(window(1), 100.0) is None


def test_a_cancelled_request_makes_its_windows_worth_asking_again() -> None:
    memory = Memory()
    memory.note(Refusal(window(1), "requests", 30.0), 100.0)
    memory.forget([window(1), window(9)])
    assert memory.wait(window(1), 100.0) is None


def test_limits_changed_ever_so_often_do_not_fill_the_memory() -> None:
    memory = Memory()
    for limit in range(25_000):
        memory.note(Refusal(window(limit), "requests", 0.5), float(limit))
    assert len(memory._noted) <= 10_000
    assert memory.wait(window(24_999), 24_999.0) == 0.5
