"""Windows in PostgreSQL: a batch is one call of the function that migration 0002 made.

The connection is this pump's own and lasts: neither a page of the admin nor a batch of records can make admission wait
for a place in the pool.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import psycopg

from routing.limits import MICROSECONDS, Reading, Refusal, Ticket, Window, reading
from routing.windows.orders import Answer, Clock, Order, Settle, Take

_CALL = "SELECT switchyard_windows_1(%s::text::jsonb, %s::text[], %s::bigint)"
_NOW = "coalesce(%(given)s::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"
_READ = f"""
SELECT asked.key, count(hit.id), coalesce(sum(hit.tokens), 0)::bigint, now - min(hit.at)
FROM unnest(%(keys)s::text[], %(lengths)s::bigint[]) AS asked (key, length)
CROSS JOIN (SELECT {_NOW} AS now) AS clock
LEFT JOIN routing_limitwindow win ON win.key = asked.key
LEFT JOIN routing_limithit hit ON hit.window_id = win.id AND hit.at > now - asked.length
GROUP BY asked.key, now
"""  # noqa: S608 - nothing of anybody's in it


class PostgresStore:
    """``parameters``: what ``psycopg.connect`` takes."""

    def __init__(self, parameters: Mapping[str, Any], given: Clock | None = None) -> None:
        self._parameters = {"connect_timeout": 2, "tcp_user_timeout": 5000} | dict(parameters)
        self._given: Callable[[], int | None] = given or (lambda: None)
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def run(self, orders: Sequence[Order]) -> list[Answer]:
        if self._connection is None:
            self._connection = self._connect()
        keys = sorted({window.key for order in orders for window in _windows(order)})
        places = {key: place for place, key in enumerate(keys, 1)}
        written = orjson.dumps([_written(order, places) for order in orders]).decode()
        row = self._connection.execute(_CALL, (written, keys, self._given())).fetchone()
        assert row is not None
        return [_answer(order, said) for order, said in zip(orders, orjson.loads(row[0]), strict=True)]

    def read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        known = {window.key: window for window in windows}
        lengths = [window.length for window in known.values()]
        with contextlib.closing(self._connect()) as connection:
            found = connection.execute(_READ, {"keys": list(known), "lengths": lengths, "given": self._given()})
            return {key: reading(known[key], requests, tokens, age) for key, requests, tokens, age in found.fetchall()}

    def interrupt(self) -> None:
        """Shut the socket down: whoever waits for an answer over it gets an error instead."""
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                connection.close()

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(**self._parameters, autocommit=True)


def _windows(order: Order) -> Sequence[Window]:
    return order.windows if isinstance(order, Take) else order.ticket.windows


def _written(order: Order, places: Mapping[str, int]) -> dict[str, Any]:
    if isinstance(order, Take):
        return {
            "take": order.tokens,
            "windows": [(places[w.key], w.requests, w.tokens, w.length) for w in order.windows],
        }
    hits = zip(order.ticket.windows, order.ticket.id.split(","), strict=True)
    if isinstance(order, Settle):
        return {"settle": order.tokens, "hits": [(places[w.key], hit) for w, hit in hits if w.tokens is not None]}
    return {"cancel": True, "hits": [(places[w.key], hit) for w, hit in hits]}


def _answer(order: Order, said: dict[str, Any] | None) -> Answer:
    if said is None or not isinstance(order, Take):
        return None
    if "hits" in said:
        return Ticket(",".join(map(str, said["hits"])), order.windows, order.tokens)
    return Refusal(order.windows[said["refused"]], said["what"], said["wait"] / MICROSECONDS)
