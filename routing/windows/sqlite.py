"""Windows in SQLite: a batch is one BEGIN IMMEDIATE in a native thread of its own, over a raw lasting connection.

IMMEDIATE takes the write lock first, so what is read cannot change before the commit: admission is exact across
processes. The wait for that lock happens in the native thread, where it holds up nobody else.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence

from metrics import native
from routing.limits import (
    MICROSECONDS,
    SCANNED,
    Reading,
    Refusal,
    Ticket,
    Window,
    leaves_after,
    reading,
    requests_over,
    tokens_over,
)
from routing.windows.orders import PATIENCE, Answer, Clock, Order, Settle, Take


def _now() -> int:
    return time.time_ns() // 1000


class SqliteStore:
    """Windows in the SQLite file ``name`` (a path, or ``file:`` URI)."""

    def __init__(self, name: str, given: Clock | None = None) -> None:
        self._name = name
        self._clock = given or _now
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def run(self, orders: Sequence[Order]) -> list[Answer]:
        return native.run_in_thread("windows", self._run, orders)

    def _run(self, orders: Sequence[Order]) -> list[Answer]:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            batch = _Batch(self._connection, self._clock())
            answers = [batch.answer(order) for order in orders]
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return answers

    def read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        return native.run(self._read, windows)

    def _read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        with contextlib.closing(self._connect()) as connection:
            now = self._clock()
            return {window.key: _reading(connection, window, now) for window in windows}

    def interrupt(self) -> None:
        """Nothing to do: waiting for a lock ends by itself."""

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._name,
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,  # it is closed by the pump, which may be another; never two at once
            uri=self._name.startswith("file:"),
        )
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection


def _reading(connection: sqlite3.Connection, window: Window, now: int) -> Reading:
    requests, tokens, oldest = connection.execute(
        "SELECT count(*), coalesce(sum(h.tokens), 0), min(h.at) FROM routing_limithit h"
        " JOIN routing_limitwindow w ON w.id = h.window_id WHERE w.key = ? AND h.at > ?",
        (window.key, now - window.length),
    ).fetchone()
    return reading(window, requests, tokens, None if oldest is None else now - oldest)


class _Batch:
    """Orders within one transaction, at one moment."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._execute = connection.execute
        self._now = now

    def answer(self, order: Order) -> Answer:
        if isinstance(order, Take):
            return self._take(order)
        for row, window in zip(order.ticket.id.split(","), order.ticket.windows, strict=True):
            if not isinstance(order, Settle):
                self._cancel(int(row))
            elif window.tokens is not None:
                self._settle(int(row), order.tokens)
        return None

    def _take(self, order: Take) -> Ticket | Refusal:
        rows = []
        refusals = []
        for window in order.windows:
            row, requests, tokens = self._current(window)
            rows.append(row)
            if over := requests_over(window, requests):
                refusals.append(Refusal(window, "requests", self._until_requests(row, window, over)))
            if over := tokens_over(window, tokens, order.tokens):
                refusals.append(Refusal(window, "tokens", self._until_tokens(row, window, over)))
        if refusals:
            return max(refusals, key=lambda refusal: refusal.wait)
        hits = [self._hit(row, window, order.tokens) for row, window in zip(rows, order.windows, strict=True)]
        return Ticket(",".join(map(str, hits)), order.windows, order.tokens)

    def _current(self, window: Window) -> tuple[int, int, int]:
        """(row, requests, tokens) after what has left the window was taken out. Each hit is taken out once."""
        found = self._execute(
            "SELECT id, requests, tokens FROM routing_limitwindow WHERE key = ?", (window.key,)
        ).fetchone()
        if found is None:
            cursor = self._execute(
                "INSERT INTO routing_limitwindow (key, requests, tokens, fades_at) VALUES (?, 0, 0, 0)", (window.key,)
            )
            return cursor.lastrowid or 0, 0, 0
        row, requests, tokens = found
        edge = (row, self._now - window.length)
        gone, freed = self._execute(
            "SELECT count(*), coalesce(sum(tokens), 0) FROM routing_limithit WHERE window_id = ? AND at <= ?", edge
        ).fetchone()
        if gone:
            self._execute("DELETE FROM routing_limithit WHERE window_id = ? AND at <= ?", edge)
            self._add(row, -gone, -freed)
        return row, requests - gone, tokens - freed

    def _until_requests(self, row: int, window: Window, over: int) -> float:
        found = self._execute(
            "SELECT at FROM routing_limithit WHERE window_id = ? ORDER BY at, id LIMIT 1 OFFSET ?", (row, over - 1)
        ).fetchone()
        return self._until(found[0] if found else None, window)

    def _until_tokens(self, row: int, window: Window, over: int) -> float:
        hits = self._execute(
            "SELECT at, tokens FROM routing_limithit WHERE window_id = ? ORDER BY at, id LIMIT ?", (row, SCANNED)
        )
        return self._until(leaves_after(hits, over), window)

    def _until(self, moment: int | None, window: Window) -> float:
        """Seconds until what was admitted at ``moment`` leaves; a limit of 0 never admits, however long one waits."""
        return (window.length if moment is None else moment + window.length - self._now) / MICROSECONDS

    def _hit(self, row: int, window: Window, tokens: int) -> int:
        reserved = 0 if window.tokens is None else tokens
        self._execute(
            "UPDATE routing_limitwindow SET requests = requests + 1, tokens = tokens + ?, fades_at = max(fades_at, ?)"
            " WHERE id = ?",
            (reserved, self._now + window.length, row),
        )
        cursor = self._execute(
            "INSERT INTO routing_limithit (window_id, at, tokens) VALUES (?, ?, ?)", (row, self._now, reserved)
        )
        return cursor.lastrowid or 0

    def _settle(self, hit: int, tokens: int) -> None:
        found = self._execute("SELECT window_id, tokens FROM routing_limithit WHERE id = ?", (hit,)).fetchone()
        if found is not None:
            self._execute("UPDATE routing_limithit SET tokens = ? WHERE id = ?", (tokens, hit))
            self._add(found[0], 0, tokens - found[1])

    def _cancel(self, hit: int) -> None:
        found = self._execute("SELECT window_id, tokens FROM routing_limithit WHERE id = ?", (hit,)).fetchone()
        if found is not None:
            self._execute("DELETE FROM routing_limithit WHERE id = ?", (hit,))
            self._add(found[0], -1, -found[1])

    def _add(self, row: int, requests: int, tokens: int) -> None:
        self._execute(
            "UPDATE routing_limitwindow SET requests = requests + ?, tokens = tokens + ? WHERE id = ?",
            (requests, tokens, row),
        )
