"""The table of faults: what the primary does, and what must happen."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from tests.faults import checks, scripts
from tests.faults.callers import Heard, leave, question
from tests.faults.checks import Check, all_of, answered, cut_honestly, exactly, refused, soon, spaced, within
from tests.faults.scripts import always, cut, each, half, held, limited, once, saying
from tests.faults.stage import LONG, WAITING, Cell, Row, Script, Stage, together
from tests.upstream import raw, silent

STREAMED, WHOLE, BOTH = ("streamed",), ("whole",), ("streamed", "whole")
FIRST = {"first_content_timeout": 10.0}  # the default, so that it can be scaled
IDLE = {"idle_timeout": 30.0}
CIRCUIT = {"circuit_pause": 10.0, "circuit_pause_max": 300.0}
NOWHERE = "http://127.0.0.1:1"  # nobody listens at the first port of all
TOTAL = {"total_timeout": 10.0}  # what bounds an answer that is not streamed; 600 by default
PASSED_OVER = answered("fallback", 2)
LOST = answered("fallback", 3)  # a try that loses a connection which had rested goes out once more on a new one
RESUMED = answered("", 1)


def row(fault: str, must: str, primary: Script, check: Check, **more: object) -> Row:
    settings = {"fallback": scripts.healthy, **more}
    return Row(fault, must, primary, check, **settings)  # type: ignore[arg-type]


def _leaving(when: Callable[[Cell, str, socket.socket], None]) -> Callable[[Stage, Cell], list[Heard]]:
    def one(stage: Stage, cell: Cell, caller: str) -> Heard:
        body = question(cell.name, caller, cell.streamed)
        heard = Heard(caller)
        return leave(stage.gateway.port, stage.gateway.key, body, heard, lambda line: when(cell, caller, line))

    return lambda stage, cell: together(stage, cell, lambda caller: one(stage, cell, caller))


def _asked(cell: Cell, caller: str, line: socket.socket) -> None:
    cell.await_try(caller)


def _answering(cell: Cell, caller: str, line: socket.socket) -> None:
    while b"w3" not in line.recv(65536):
        pass


def _every_four_seconds(stage: Stage, cell: Cell) -> list[Heard]:
    """Twenty requests, and then more at the same pace until the primary answers again or its time is over."""
    heard: list[Heard] = []
    pace, until = 4 * cell.scale, 60 * cell.scale
    for number in range(60):
        threading.Event().wait(max(0.0, cell.began + number * pace - time.monotonic()))
        heard.append(stage.ask(cell, f"c{number}"))
        gone = time.monotonic() - cell.began - until
        if number >= 19 and (gone > 30 * cell.scale + checks.HASTE or heard[-1].answered_by == "primary"):
            break
    return heard


def _twice_and_more(stage: Stage, cell: Cell) -> list[Heard]:
    """All at once; then, alone, more of them one after the other, so that either worker gets some."""
    heard = together(stage, cell)
    if cell.alone:
        heard += [stage.ask(cell, f"later{number}") for number in range(8)]
    return heard


DOWN = saying(503, "The service is down")
LIMITED = saying(429, "Rate limit reached")
TOO_LONG = saying(400, "This model's maximum context length is 8000 tokens; too many tokens", "context_length_exceeded")
FILTERED = saying(400, "The request was flagged by our content policy", "content_policy_violation")
MISSING = saying(404, "The model m-primary does not exist", "model_not_found")
ROLE_ONLY = held(lambda turn: turn.wire.begin(turn.model))
AFTER_TEN = held(lambda turn: scripts.tokens(turn, 10))
STALLED = each(held(lambda turn: scripts.tokens(turn, 20)), half("open"))

ROWS: tuple[Row, ...] = (
    row("429 with Retry-After 2 once", "retried on the primary after ≥ 1.8 s, answered; no hammering",
        once(limited(2)), all_of(answered("primary", 2), exactly(2), spaced(1.8))),
    row("429 always, no header", "fallback answers; ≤ 2 tries on the primary", LIMITED, all_of(PASSED_OVER, soon(5))),
    row("500 once", "same endpoint retried, answered", once(saying(500, "oops")),
        all_of(answered("primary", 2), exactly(2))),
    row("503 always", "fallback answers; ≤ 2 tries", DOWN, all_of(PASSED_OVER, soon(5))),
    row("connection reset before headers, once", "answered", once(always(raw(end="reset"))), answered("", 2)),
    row("connection reset before headers, always", "answered", always(raw(end="reset")), LOST),
    row("accepts and never answers", "one try, fallback answers within first-token limit + 1 s", always(silent()),
        all_of(answered("fallback", 1), within(11)), settings=FIRST, whole_settings=TOTAL, pace=WAITING),
    row("headers at once, first token after 20 s", "fallback answers within 15 s", scripts.late(20),
        all_of(answered("fallback", 1), within(15)), modes=STREAMED, settings=FIRST, pace=WAITING),
    row("cut after 40 of 60 tokens", "clean error event, no [DONE]", cut(40, "close"), cut_honestly(40)),
    row("cut after 40 of 60 tokens by a reset", "clean error event, no [DONE]", cut(40, "reset"), cut_honestly(40)),
    row("cut after 40 of 60 tokens, resume", "the complete answer, once, no duplicate and no gap", cut(40, "close"),
        RESUMED, modes=STREAMED, policy="resume"),
    row("stalls after 20 tokens", "detected within the idle limit; error event, no [DONE]", STALLED,
        all_of(cut_honestly(20), within(33)), settings=IDLE, modes=STREAMED, pace=WAITING),
    row("stalls in the middle of a whole answer", "fallback answers", STALLED,
        all_of(answered("fallback", 1), within(33)), settings=IDLE, modes=WHOLE, pace=WAITING),
    row("stalls after 20 tokens, resume", "the complete answer", STALLED, all_of(RESUMED, within(33)), settings=IDLE,
        modes=STREAMED, policy="resume", pace=WAITING),
    row("the tenth event is malformed JSON", "clean error event; never garbage, never a silent gap", scripts.garbled,
        cut_honestly(9), modes=STREAMED),
    row("the tenth event is malformed JSON, resume", "the complete answer", scripts.garbled, RESUMED, modes=STREAMED,
        policy="resume"),
    row("finish reason, but no [DONE], and the line stays open", "finalised at once, usage reported, [DONE]",
        scripts.unfinished, all_of(answered("primary", 1), soon(3)), modes=STREAMED),
    row("closes cleanly without finish reason", "a cut: error event, no [DONE]", cut(40, "finish"), cut_honestly(40)),
    row("closes cleanly without finish reason, resume", "the complete answer", cut(40, "finish"), RESUMED,
        modes=STREAMED, policy="resume"),
    row("404 model not found there", "next candidate answers; the endpoint rests and is flagged", MISSING,
        checks.rests_and_is_flagged, play=_twice_and_more),
    row("400 context_length_exceeded", "no retry there; a larger-window candidate answers", TOO_LONG,
        answered("fallback", 1), models=("m-small", "m-large")),
    row("400 context_length_exceeded, no larger window", "passed on", TOO_LONG,
        refused(400, "context length", code="context_length_exceeded"), models=("m-small", "m-smaller")),
    row("400 content_policy_violation", "returned to the caller; no fallback", FILTERED,
        all_of(refused(400, "content policy"), exactly(1))),
    row("cut, and the fallback refuses assistant prefill, resume", "clean resume; never that 400", cut(40, "close"),
        answered("", 1, fallback=2), fallback=scripts.refuses_prefill(scripts.healthy), modes=STREAMED,
        policy="resume"),
    row("cut, no prefill, and another answer at the fallback, resume", "the honest error; never that 400",
        cut(40, "close"), checks.cut_or_otherwise(40),
        fallback=scripts.refuses_prefill(scripts.says_otherwise), modes=STREAMED, policy="resume"),
    row("down 60 s, then well; a request every 4 s", "all answered; ≤ 10 tries while down; in use within 30 s",
        scripts.down(60), checks.recovered, settings=CIRCUIT, play=_every_four_seconds, crowd=False, pace=LONG),
    row("503 always: accounting", "reply and record name the model that answered; failed tries carry no usage", DOWN,
        checks.accounted),
    row("200 with an error body", "fallback answers",
saying(200, "overloaded"), all_of(PASSED_OVER, soon(5))),
    row("HTML instead of JSON", "fallback answers", scripts.web_page, all_of(PASSED_OVER, soon(5))),
    row("gzip garbage", "fallback answers", scripts.gzip_garbage, all_of(PASSED_OVER, soon(5))),
    row("wrong content type", "fallback answers", scripts.picture, all_of(PASSED_OVER, soon(5))),
    row("1 GB body", "fallback answers; memory and time bounded", scripts.huge, all_of(PASSED_OVER, soon(15)),
        settings=FIRST),
    row("1 GB body in chunks", "fallback answers; memory and time bounded", scripts.huge_chunked,
        all_of(PASSED_OVER, soon(15)), crowd=False),
    row("endless headers", "fallback answers", scripts.endless_headers, all_of(PASSED_OVER, soon(5))),
    row("slow-drip bytes", "fallback answers", each(scripts.dripping, scripts.dripping_whole),
        all_of(answered("fallback", 1), within(11)), settings=FIRST, whole_settings=TOTAL, pace=WAITING),
    row("slow-drip headers", "fallback answers", scripts.dripping_headers,
        all_of(answered("fallback", 1), within(11)), settings=FIRST, whole_settings=TOTAL, pace=WAITING),
    row("TLS failure", "fallback answers", DOWN, all_of(PASSED_OVER, exactly(0), soon(5)),
        base=lambda stage: stage.url.replace("http:", "https:")),
    row("DNS failure", "fallback answers", DOWN, all_of(PASSED_OVER, exactly(0), soon(8)),
        base=lambda stage: "http://no-such-host.invalid"),
    row("connection refused", "fallback answers", DOWN, all_of(PASSED_OVER, exactly(0), soon(5)),
        base=lambda stage: NOWHERE),
    row("all limited", "429 “All configured services are rate limited”, Retry-After", limited(30), checks.all_limited,
        fallback=limited(30)),
    row("all down", "503 “All configured services are unavailable”, attempts", DOWN, checks.all_down, fallback=DOWN),
    row("caller leaves before headers", "upstream closed within 1 s; cancelled; no circuit counts it", always(silent()),
        checks.away, play=_leaving(_asked)),
    row("caller leaves before first token", "the same", ROLE_ONLY, checks.away, modes=STREAMED, play=_leaving(_asked)),
    row("caller leaves mid-stream", "the same", AFTER_TEN, checks.away, modes=STREAMED, play=_leaving(_answering)),
    row("caller leaves in the middle of a whole answer", "the same", half("open"), checks.away, modes=WHOLE,
        play=_leaving(_asked)),
)  # fmt: skip
