"""The arithmetic of circuits, on a simulated clock; and a model check of the one probe among several workers."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import circuit
from routing.circuit import CLOSED, HALF_OPEN, OPEN, WELL, Circuit, Rule

RULE = Rule()


def failing(times: int, start: float = 0.0, step: float = 1.0) -> Circuit:
    now = WELL
    for number in range(times):
        now = circuit.failed(now, RULE, start + number * step, "down")
    return now


def test_three_failures_in_a_row_open_it_for_ten_seconds() -> None:
    assert failing(2).phase == CLOSED
    opened = failing(3)
    assert (opened.phase, opened.pause, opened.next_probe_at, opened.cause) == (OPEN, 10.0, 12.0, "down")


def test_a_success_between_them_starts_the_count_anew() -> None:
    assert circuit.succeeded(failing(2)) == WELL


def test_failures_more_than_a_minute_apart_do_not_add_up() -> None:
    assert failing(10, step=61.0).phase == CLOSED
    assert failing(3, step=60.0).phase == OPEN


def test_no_probe_before_the_pause_is_over_and_one_after_it() -> None:
    opened = failing(3)
    assert circuit.lease(opened, 11.9, "w1", 600) is None
    leased = circuit.lease(opened, 12.0, "w1", 600)
    assert leased is not None
    assert (leased.phase, leased.lease_holder) == (HALF_OPEN, "w1")
    assert circuit.lease(leased, 13.0, "w2", 600) is None


def test_a_probes_success_closes_it_and_forgets_everything() -> None:
    leased = circuit.lease(failing(3), 12.0, "w1", 600)
    assert leased is not None
    assert circuit.succeeded(leased, holder="w1") == WELL


def test_each_failed_probe_makes_the_pause_ten_seconds_longer_up_to_five_minutes() -> None:
    now, pauses = failing(3), []
    for number in range(8):
        assert now.next_probe_at is not None
        leased = circuit.lease(now, now.next_probe_at, f"w{number}", 600)
        assert leased is not None
        now = circuit.failed(leased, RULE, now.next_probe_at, "still down", holder=f"w{number}")
        pauses.append(now.pause)
    assert pauses == [20, 30, 40, 50, 60, 70, 80, 90]
    long_down = circuit.lease(Circuit(OPEN, 3, 0.0, 0.0, 295.0, 500.0), 500.0, "w", 600)
    assert long_down is not None
    assert circuit.failed(long_down, RULE, 501.0, "still down", holder="w").pause == 300
    assert now.opened_at == 2.0


def test_the_category_routers_rule_pauses_five_minutes_each_time() -> None:
    rule = Rule(3, 300, 300)
    now = WELL
    for moment in range(3):
        now = circuit.failed(now, rule, moment, "down")
    assert now.pause == 300
    leased = circuit.lease(now, 302, "w", 600)
    assert leased is not None
    assert circuit.failed(leased, rule, 303, "down", holder="w").pause == 300


def test_a_probe_whose_caller_left_leaves_the_probe_to_the_next() -> None:
    leased = circuit.lease(failing(3), 12.0, "w1", 600)
    assert leased is not None
    free = circuit.released(leased, 13.0, holder="w1")
    assert (free.phase, circuit.probe_due(free, 13.0)) == (OPEN, True)
    assert circuit.released(leased, 13.0, holder="other") == leased


def test_a_lease_that_nobody_ends_runs_out() -> None:
    leased = circuit.lease(failing(3), 12.0, "killed", 600)
    assert leased is not None
    assert circuit.lease(leased, 611.9, "w2", 600) is None
    assert circuit.lease(leased, 612.0, "w2", 600) is not None


def test_requests_that_were_under_way_when_it_opened_prove_nothing() -> None:
    opened = failing(3)
    assert circuit.failed(opened, RULE, 5.0, "late") == opened
    assert circuit.succeeded(opened) == opened


def test_what_an_operator_opened_stays_open_until_an_operator_closes_it() -> None:
    tripped = circuit.tripped(5.0, "maintenance")
    assert not circuit.probe_due(tripped, 1e12)
    assert circuit.wait(tripped, 6.0) is None


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["fail", "succeed", "lease", "release", "probe fails", "probe succeeds"]), st.floats(0, 90)
    ),
    max_size=60,
)


@given(EVENTS, st.integers(1, 5), st.floats(0.1, 60), st.floats(0.1, 600))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_it_stays_consistent(
    events: list[tuple[str, float]], failures: int, pause: float, longest: float
) -> None:
    rule, now, state = Rule(failures, pause, longest), 0.0, WELL
    for event, wait in events:
        now += wait
        before = state
        if event == "fail":
            state = circuit.failed(state, rule, now, "x")
        elif event == "succeed":
            state = circuit.succeeded(state)
        elif event == "lease":
            state = circuit.lease(state, now, "w", 30) or state
        elif event == "release":
            state = circuit.released(state, now, holder="w")
        elif event == "probe fails":
            state = circuit.failed(state, rule, now, "x", holder="w")
        else:
            state = circuit.succeeded(state, holder="w")
        if state.phase == CLOSED:
            assert state.failures < failures
        if state.phase == OPEN:
            assert state.next_probe_at is not None
            assert pause <= state.pause <= max(pause, longest)
        if state.phase == HALF_OPEN:
            assert state.lease_holder == "w"
            assert before.phase != CLOSED
        if before.phase == OPEN and state.phase == CLOSED:
            raise AssertionError("only a probe closes a circuit")


def test_in_no_interleaving_of_three_workers_are_two_probes_under_way() -> None:
    """Each worker: lease, then success, failure, its caller's leaving, or death. All orders, on a shared circuit."""
    ends = ("succeed", "fail", "leave", "die")
    for outcomes in itertools.product(ends, repeat=3):
        for order in set(itertools.permutations([0, 0, 1, 1, 2, 2])):
            _walk(outcomes, order)


def _walk(outcomes: tuple[str, ...], order: tuple[int, ...]) -> None:
    shared, now = failing(3), 12.0
    running: set[int] = set()
    begun: set[int] = set()
    for worker in order:
        now += 1.0
        name = f"w{worker}"
        if worker not in begun:
            begun.add(worker)
            leased = circuit.lease(shared, now, name, 600)
            if leased is not None:
                shared = leased
                running.add(worker)
        elif worker in running:
            if outcomes[worker] == "succeed":
                shared = circuit.succeeded(shared, holder=name)
            elif outcomes[worker] == "fail":
                shared = circuit.failed(shared, RULE, now, "down", holder=name)
            elif outcomes[worker] == "leave":
                shared = circuit.released(shared, now, holder=name)
            if outcomes[worker] != "die":
                running.discard(worker)
        assert len(running) <= 1
        if shared.phase == CLOSED:
            assert not running


def test_a_stream_that_began_lets_others_go_there_and_its_cut_opens_the_circuit_for_longer() -> None:
    leased = circuit.lease(failing(3), 12.0, "w1", 600)
    assert leased is not None
    begun = circuit.answered(leased, 13.0, holder="w1")
    assert begun.phase == CLOSED
    assert circuit.succeeded(begun) == WELL
    cut = circuit.failed(begun, RULE, 14.0, "cut", holder="w1")
    assert (cut.phase, cut.pause) == (OPEN, 20.0)


def test_a_cut_long_after_a_probe_counts_once() -> None:
    leased = circuit.lease(failing(3), 12.0, "w1", 600)
    assert leased is not None
    begun = circuit.answered(leased, 13.0, holder="w1")
    late = circuit.failed(begun, RULE, 100.0, "cut")
    assert (late.phase, late.failures, late.pause) == (CLOSED, 1, 0.0)
    assert circuit.answered(late, 101.0, holder="w1") == late
