"""Windows in Redis: a batch is one call of a script, which Redis runs alone. Keys begin with ``switchyard:``.

One server, or a primary with its replicas; a cluster that spreads keys is not spoken to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from routing.limits import MICROSECONDS, Reading, Refusal, Ticket, Window, reading
from routing.windows.orders import PATIENCE, Answer, Clock, Order, Settle, Take

SCRIPT = (Path(__file__).parent / "windows.lua").read_text(encoding="utf-8")


class RedisStore:
    """``url``: ``redis://``, ``rediss://`` or ``unix://``, as ``redis.from_url`` takes it."""

    def __init__(self, url: str, given: Clock | None = None) -> None:
        self._url = url
        self._given = given
        self._client: redis.Redis | None = None
        self._digest = ""

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def run(self, orders: Sequence[Order]) -> list[Answer]:
        if self._client is None:
            self._client = self._connect()
        said = self._call(self._client, [_written(order) for order in orders])
        return [_answer(order, answer) for order, answer in zip(orders, said, strict=True)]

    def read(self, windows: Sequence[Window]) -> dict[str, Reading]:
        with contextlib.closing(self._connect()) as client:
            [said] = self._call(client, [{"read": True, "windows": [_figures(window) for window in windows]}])
        return {
            window.key: reading(window, requests, tokens, None if age < 0 else round(age))
            for window, (requests, tokens, age) in zip(windows, said["read"], strict=True)
        }

    def interrupt(self) -> None:
        """Nothing to do: its sockets have a timeout."""

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                client.close()

    def _connect(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),  # the pump decides what is tried again
            single_connection_client=True,
        )

    def _call(self, client: redis.Redis, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        arguments = (orjson.dumps(orders), "" if self._given is None else str(self._given()))
        try:
            said: Any = client.evalsha(self._digest, 0, *arguments) if self._digest else None
        except NoScriptError:
            said = None
        if said is None:
            self._digest = str(client.script_load(SCRIPT))
            said = client.evalsha(self._digest, 0, *arguments)
        answers: list[dict[str, Any]] = orjson.loads(said)
        return answers


def _figures(window: Window) -> tuple[str, int | None, int | None, int]:
    return (window.key, window.requests, window.tokens, window.length)


def _written(order: Order) -> dict[str, Any]:
    if isinstance(order, Take):
        return {"take": order.tokens, "id": order.id, "windows": [_figures(window) for window in order.windows]}
    hits = [(window.key, order.ticket.id) for window in order.ticket.windows]
    return {"settle": order.tokens, "hits": hits} if isinstance(order, Settle) else {"cancel": True, "hits": hits}


def _answer(order: Order, said: dict[str, Any]) -> Answer:
    if not isinstance(order, Take):
        return None
    if "hits" in said:
        return Ticket(order.id, order.windows, order.tokens)
    return Refusal(order.windows[said["refused"]], said["what"], said["wait"] / MICROSECONDS)
