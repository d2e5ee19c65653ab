"""The only speaker of HTTP: pooled connections, deadlines that hold, callers who may leave, faults in our own words.

open ── lanes (one pooled requests adapter per origin, proxy, CA bundle) ── connection (tells its socket)
 └── Exchange (the reply as it arrives) ── watchdog (deadlines, departed callers) ── faults (exceptions → errors)
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException

from requests import RequestException
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from providers.errors import ConnectFailed, ConnectionBroken, MalformedReply, ServerFailed
from providers.transport import faults, lanes, watchdog
from providers.transport.connection import current
from providers.transport.exchange import Exchange
from providers.wire import Limits, Trace, WireRequest

__all__ = ["Exchange", "open"]

RAISED = (RequestException, HTTPError, HTTPException, OSError, ValueError)


def open(request: WireRequest, limits: Limits, gone: Callable[[], bool], trace: Trace) -> Exchange:
    """Send ``request`` and wait for the headers of the reply, whatever its status below 300 or from 400 on.

    ``gone`` is asked five times a second, from another thread, whether the caller left: it must not block. Fills
    ``trace.status`` and ``trace.headers_at``. Raises ConnectFailed, ConnectionBroken, UpstreamTimeout, MalformedReply,
    ServerFailed (a redirect: never followed, since it would carry the key elsewhere) or CallerLeft.
    """
    _check_headers(request)
    exchange = Exchange(limits, gone, trace)
    token = current.set(exchange)
    watchdog.watch(exchange)
    try:
        exchange.replied(_send(exchange, request))
        if exchange.status < 200:
            raise MalformedReply("the answer is not a final one", status=exchange.status)
        if 300 <= exchange.status < 400:
            raise ServerFailed("the upstream answered with a redirect, which is not followed", status=exchange.status)
    except BaseException:
        exchange.close()
        raise
    finally:
        current.reset(token)
    return exchange


def _send(exchange: Exchange, request: WireRequest) -> HTTPResponse:
    try:
        try:
            return _send_once(request)
        except RAISED:
            if not exchange.stale:
                raise
            exchange.try_afresh()
            return _send_once(request)
    except RAISED as error:
        cause = faults.innermost(error)
        failure = exchange.explain(cause)
        if isinstance(failure, ConnectionBroken):
            failure.resent = exchange.needs_fresh
        raise failure from cause


def _send_once(request: WireRequest) -> HTTPResponse:
    origin, path = lanes.split(request.url)
    lane = lanes.lane(origin, request.proxy, request.ca_bundle)
    return lane.send_on(request.method, path, dict(request.headers), request.body)


def _check_headers(request: WireRequest) -> None:
    """http.client would refuse these too, but quote the value, which may be a key."""
    for name, value in request.headers.items():
        if not (value.isascii() and value.isprintable() and name.isascii() and name.isprintable()):
            raise ConnectFailed("a header or key to be sent holds a character that no header can hold")
