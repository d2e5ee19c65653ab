"""What must have happened in a cell: functions that raise AssertionError. Bounds are in the table's seconds.

Alone, a caller's answer and the number of tries are exact. Among twenty, what one caller's failure teaches (a rest, an
open circuit) may spare others the try, so that they are answered by the fallback at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from tests.faults.callers import Heard
from tests.faults.scripts import OTHER, REFUSAL
from tests.faults.stage import Cell
from tests.faults.wires import ANSWER_TOKENS, PROMPT_TOKENS, TEXT, TOKENS

Check = Callable[[Cell], None]
HASTE = 4.0  # seconds that a busy machine may add where the table's seconds are scaled down


def whole(heard: Heard, cell: Cell, by: str = "") -> None:
    """The complete answer, once, with one finish reason, usage and the end that its form has."""
    assert heard.status == 200, (heard.status, heard.body[:500], heard.broke)
    assert not heard.broke, heard.broke
    assert heard.error is None, heard.error
    assert heard.text == TEXT
    assert heard.finishes == ["stop"]
    assert [usage["total_tokens"] for usage in heard.usages] == [PROMPT_TOKENS + ANSWER_TOKENS]
    assert heard.done == cell.streamed
    assert not by or heard.answered_by == by, heard.answered_by


def answered(by: str, tries: int, *, fallback: int = 1) -> Check:
    """Everybody has the answer; alone it came from ``by``. At most ``tries`` a caller at the primary, and at most one
    at the fallback."""

    def check(cell: Cell) -> None:
        assert len(cell.heard) == cell.callers
        for heard in cell.heard:
            whole(heard, cell, by if cell.alone else "")
            assert len(cell.of(heard.caller)) <= tries
            assert len(cell.of(heard.caller, "fallback")) <= fallback
        if cell.alone and by == "primary":
            assert cell.tries["fallback"] == []
        _recorded_as(cell, {"success"})

    return check


def exactly(tries: int) -> Check:
    """Alone, so many tries at the primary."""

    def check(cell: Cell) -> None:
        assert not cell.alone or len(cell.tries["primary"]) == tries, len(cell.tries["primary"])

    return check


def all_of(*checks: Check) -> Check:
    def check(cell: Cell) -> None:
        for one in checks:
            one(cell)

    return check


def spaced(seconds: float) -> Check:
    """Between two tries of a caller at the primary there is at least so much time."""

    def check(cell: Cell) -> None:
        for heard in cell.heard:
            for first, second in pairwise(cell.of(heard.caller)):
                assert second.at - first.at >= seconds * cell.scale, second.at - first.at

    return check


def within(seconds: float) -> Check:
    """Everybody was answered in so much time."""

    def check(cell: Cell) -> None:
        bound = seconds * cell.scale + (0 if cell.scale == 1 else HASTE)
        assert max(heard.seconds for heard in cell.heard) <= bound, sorted(heard.seconds for heard in cell.heard)

    return check


def soon(seconds: float) -> Check:
    """The same with seconds that no setting scales."""

    def check(cell: Cell) -> None:
        bound = seconds + (0 if cell.scale == 1 else HASTE)
        assert max(heard.seconds for heard in cell.heard) <= bound

    return check


def cut_honestly(count: int) -> Check:
    """A stream ends after ``count`` tokens with an error event and no [DONE]; whole, the fallback answers unseen."""

    def one(cell: Cell, heard: Heard) -> None:
        assert heard.status == 200
        assert heard.text == "".join(TOKENS[:count])
        assert heard.finishes == []
        assert set(heard.error) == {"message", "type", "param", "code"}
        assert b"[DONE]" not in heard.body
        assert not heard.broke
        assert cell.of(heard.caller, "fallback") == []

    def check(cell: Cell) -> None:
        if not cell.streamed:
            answered("fallback", 2)(cell)
            return
        assert len(cell.heard) == cell.callers
        for heard in cell.heard:
            if heard.answered_by == "primary":
                one(cell, heard)
            else:
                assert not cell.alone
                whole(heard, cell)
            assert len(cell.of(heard.caller)) <= 1
        broken = [heard for heard in cell.heard if heard.answered_by == "primary"]
        assert broken
        outcomes = [record["outcome"] for record in cell.records]
        assert sum(outcome not in ("success", "cancelled") for outcome in outcomes) == len(broken)

    return check


def cut_or_otherwise(count: int) -> Check:
    """The honest error, though a fallback was asked: its 400 and its other answer never reach the caller."""

    def check(cell: Cell) -> None:
        assert len(cell.heard) == cell.callers
        for heard in cell.heard:
            assert REFUSAL.encode() not in heard.body
            if heard.answered_by == "primary":
                assert heard.text == "".join(TOKENS[:count])
                assert heard.error
                assert b"[DONE]" not in heard.body
            else:
                assert not cell.alone
                assert heard.text == OTHER
        assert any(heard.answered_by == "primary" for heard in cell.heard)
        asked = [one for one in cell.tries["fallback"] if cell.wire.begun(one.request.json) is not None]
        assert asked or cell.wire.name == "gemini", "nobody was asked to continue"

    return check


def refused(status: int, words: str, *, fallback: int = 0, code: str = "") -> Check:
    """Everybody gets this status; ``words`` is a pattern of the message. The fallback was asked so often by each."""

    def check(cell: Cell) -> None:
        assert len(cell.heard) == cell.callers
        for heard in cell.heard:
            assert heard.status == status, (heard.status, heard.body[:500], heard.broke)
            assert re.search(words, heard.error["message"]), heard.error
            assert not code or heard.error["code"] == code, heard.error
            assert len(cell.of(heard.caller, "fallback")) <= fallback
            assert b"127.0.0.1" not in heard.body
        assert all(record["usage_source"] == "none" for record in cell.records)

    return check


def all_limited(cell: Cell) -> None:
    refused(429, "^All configured services are rate limited$", fallback=1)(cell)
    for heard in cell.heard:
        assert 1 <= int(heard.headers["retry-after"]) <= 30
        assert len(cell.of(heard.caller)) <= 1


def all_down(cell: Cell) -> None:
    refused(503, "^All configured services are unavailable", fallback=2)(cell)
    for heard in cell.heard:
        assert heard.headers["x-should-retry"] == "false"
        assert len(cell.of(heard.caller)) <= 2
        assert heard.error["attempts"]
    if cell.alone:
        assert [tried["status"] for tried in cell.heard[0].error["attempts"]] == [503] * 4


def rests_and_is_flagged(cell: Cell) -> None:
    """After the first answer, each worker may learn of it by one try of its own, and no more."""
    for heard in cell.heard:
        whole(heard, cell, "fallback" if cell.alone else "")
    at_most = 2 if cell.alone else len({one.caller for one in cell.tries["primary"]})
    assert 1 <= len(cell.tries["primary"]) <= at_most, len(cell.tries["primary"])
    state = cell.circuits["primary"]
    assert (state["rest_code"], state["cause"], state["failures"]) == ("model_missing", "model missing upstream", 0)
    if cell.alone:
        assert "model_missing" in cell.records[-1]["skipped"]


def accounted(cell: Cell) -> None:
    """The reply and the record name the model that answered; what failed counts no tokens."""
    answered("fallback", 2)(cell)
    for heard in cell.heard:
        assert heard.models == {"m-fallback"}
    for record in cell.records:
        assert (record["answered_model"], record["upstream_model"]) == ("m-fallback", "m-fallback")
        assert record["endpoint"] == f"{cell.name} fallback"
        assert (record["prompt_tokens"], record["completion_tokens"]) == (PROMPT_TOKENS, ANSWER_TOKENS)
        assert record["usage_source"] == "vendor"
        tried = [attempt for attempt in cell.attempts if attempt["request"] == record["id"]]
        assert record["tries"] == len(tried)
        assert [attempt["outcome"] for attempt in tried[:-1]] == ["server_failed"] * (len(tried) - 1)
        assert tried[-1]["outcome"] == "success"


def away(cell: Cell) -> None:
    """Cancelled upstream within a second; recorded as cancelled; no circuit counts it."""
    for heard in cell.heard:
        assert not heard.broke, heard.broke
        (tried,) = cell.of(heard.caller)
        assert heard.left_at is not None
        assert tried.ended is not None, "the upstream was not cancelled"
        assert tried.ended - heard.left_at <= (1.0 if cell.scale == 1 else HASTE), tried.ended - heard.left_at
    assert cell.tries["fallback"] == []
    assert len(cell.heard) == cell.callers
    _recorded_as(cell, {"cancelled"})
    state = cell.circuits.get("primary")
    assert state is None or (state["failures"], state["phase"]) == (0, "closed")


def recovered(cell: Cell) -> None:
    """Every request was answered; few tries while it was down; in use again in time."""
    for heard in cell.heard:
        whole(heard, cell)
    until = cell.began + 60 * cell.scale
    while_down = [one for one in cell.tries["primary"] if one.at < until]
    # Scaled, two requests come within the second in which workers tell each other: one of them may not know yet.
    assert len(while_down) <= (10 if cell.scale == 1 else 12), len(while_down)
    again = [one.at - until for one in cell.tries["primary"] if one.at >= until]
    assert again, "the primary was not used again"
    assert again[0] <= 30 * cell.scale + (0 if cell.scale == 1 else HASTE), again[0]
    assert cell.heard[-1].answered_by == "primary"


def _recorded_as(cell: Cell, outcomes: set[str]) -> None:
    assert {record["outcome"] for record in cell.records} == outcomes
    assert len(cell.records) == len(cell.heard)
