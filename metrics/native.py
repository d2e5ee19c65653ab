"""Where database work runs, so that waiting for a lock never stalls the event loop of a gevent worker.

SQLite waits for a lock inside C and holds up every greenlet meanwhile. Under gevent's monkey patch ``run`` therefore
hands the work to the one native thread of this process, and ``run_request`` hands whole browser requests (the admin)
to four others, so that a slow page does not delay the records. Both keep their SQLite connection for the next time.

psycopg waits cooperatively, so PostgreSQL needs no thread, and must not have one: a connection pool that was first
opened in an idle native thread cannot grow, because its workers live in that thread's loop. There ``run`` uses a
greenlet of its own and closes its connection afterwards: a greenlet that ends without doing so takes a pooled
connection with it for good. ``run_request`` stays in the request's greenlet, whose connection Django closes itself.

Without the monkey patch, and within a native thread, everything is called directly.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import gevent
from django.conf import settings
from django.db import connections
from gevent import monkey
from gevent.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


SIZES = {"database": 1, "browser": 4, "windows": 1, "exposition": 1}

_pools: dict[str, Any] = {}
_native_threads: set[int] = set()
_ident = monkey.get_original("_thread", "get_ident")


def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``function(*args, **kwargs)`` apart from the event loop: its result, or the exception that it raised."""
    if _direct():
        return function(*args, **kwargs)
    if _on_sqlite():
        return _in_thread("database", lambda: function(*args, **kwargs))
    result: T | _Raised = gevent.spawn(_attempt, lambda: function(*args, **kwargs), connections.close_all).get()
    return _outcome(result)


def run_within(seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``run``, but waiting at most ``seconds``. Raises TimeoutError; the work itself goes on to its end."""
    if _direct():
        return function(*args, **kwargs)
    with gevent.Timeout(seconds, TimeoutError("the database took too long")):
        return run(function, *args, **kwargs)


def run_request(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A whole browser request apart from the event loop; its response must be rendered when ``function`` returns."""
    if _direct() or not _on_sqlite():
        return function(*args, **kwargs)
    return _in_thread("browser", lambda: function(*args, **kwargs))


def run_in_thread(name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In the native threads called ``name`` (see ``SIZES``), whatever the database: for work that brings its own
    connection, or needs none, and must neither wait for others' work nor hold it up."""
    if _direct():
        return function(*args, **kwargs)
    return _in_thread(name, lambda: function(*args, **kwargs))


def real_lock() -> Any:
    """A lock of the operating system's threads, whatever is patched. Never yield to a greenlet while holding it."""
    return monkey.get_original("_thread", "allocate_lock")()


def _direct() -> bool:
    return not monkey.is_module_patched("threading") or _ident() in _native_threads


def _on_sqlite() -> bool:
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3")


def _in_thread(name: str, work: Callable[[], T]) -> T:
    if name not in _pools:
        _pools[name] = ThreadPool(SIZES[name])
    result: T | _Raised = _pools[name].apply(_marked, (work,))
    return _outcome(result)


def _marked(work: Callable[[], T]) -> T | _Raised:
    _native_threads.add(_ident())
    return _attempt(work, lambda: None)


def _attempt(work: Callable[[], T], finish: Callable[[], None]) -> T | _Raised:
    """Exceptions travel as values: gevent would print those that it carries itself."""
    try:
        return work()
    except BaseException as error:  # noqa: BLE001 - raised again in the caller's greenlet
        return _Raised(error)
    finally:
        finish()


def _outcome(result: T | _Raised) -> T:
    if isinstance(result, _Raised):
        raise result.error
    return result


def _forget_threads() -> None:
    """A forked child has none of its parent's threads."""
    _pools.clear()
    _native_threads.clear()


os.register_at_fork(after_in_child=_forget_threads)
