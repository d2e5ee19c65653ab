"""gunicorn's gevent worker, with an orderly end.

Ctrl-C reaches every process of the terminal's group; the master alone decides what it means. Idle kept-alive
connections would hold the worker for the whole keep-alive time, so they are closed as soon as draining begins.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

DRAIN_PAUSE = 1.5  # seconds: by then the worker has stopped accepting


class IdleWait(gevent.Timeout):
    """The time a connection may take to bring its next request; known while it waits."""

    def __init__(self, seconds: float, waiting: dict[IdleWait, Any]) -> None:
        super().__init__(seconds, False)
        self.waiting = waiting

    def __enter__(self) -> IdleWait:
        self.waiting[self] = gevent.getcurrent()
        super().__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        self.waiting.pop(self, None)
        return super().__exit__(kind, error, trace)


class GatewayWorker(GeventWorker):
    """Serves like gunicorn's own; on SIGTERM it finishes what is in flight and lets idle connections go."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[IdleWait, Any] = {}

    def timeout_ctx(self) -> IdleWait:
        return IdleWait(self.cfg.keepalive, self.waiting)

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        gevent.spawn_later(DRAIN_PAUSE, self.let_idle_connections_go)

    def let_idle_connections_go(self) -> None:
        """End each wait for a next request as if its time were up."""
        for wait, greenlet in list(self.waiting.items()):
            gevent.kill(greenlet, wait)
