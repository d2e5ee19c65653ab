"""Several workers at once: real processes, real clocks, one store."""

from __future__ import annotations

from collections import Counter

from tests.windows.conftest import Place
from tests.windows.process import play


def admitted(place: Place, scenario: str, key: str) -> Counter[str]:
    """What four workers' callers got. On a machine so busy that a caller had no answer within its second, once more."""
    for turn in range(4):
        got = sum((Counter(told) for told in play(place, scenario, f"{key}-{turn}", together=4)), Counter[str]())
        if "NoneType" not in got:
            break
        assert got["Ticket"] <= 100
    return got


def test_four_workers_with_two_hundred_callers_admit_exactly_the_limit(place: Place, key: str) -> None:
    assert admitted(place, "crowd", key) == {"Ticket": 100, "Refusal": 300}


def test_workers_that_take_two_windows_in_different_orders_neither_deadlock_nor_exceed_either(
    place: Place, key: str
) -> None:
    assert admitted(place, "pairs", key) == {"Ticket": 60, "Refusal": 140}


def test_waiting_for_sqlites_lock_stalls_no_one_and_raises_nothing(sqlite: Place, key: str) -> None:
    [told] = play(sqlite, "locked", key)
    assert told["gap"] < 0.8  # a wait in the event loop would be 0.9 s at least (PATIENCE)
    assert set(told["got"]) <= {"NoneType", "Ticket"}
    assert told["after"] == "Ticket"


def test_a_forked_worker_begins_anew_and_shares_the_windows(place: Place, key: str) -> None:
    [told] = play(place, "forked", key)
    assert told == {"child": 0, "parent": ["Ticket", "Refusal"]}
