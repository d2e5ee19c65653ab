"""Connections to upstreams: a pool per (origin, proxy, CA bundle), each a ``requests`` adapter without a Session.

``HTTPAdapter.send`` on a hand-built request skips what a Session does per request (cookies, redirects, environment,
hooks). What it still does per request that is constant for a lane (finding the pool, naming the CA file, wrapping the
reply) is overridden here, by the hooks ``requests`` documents for subclasses.
"""

from __future__ import annotations

import os
import queue
import ssl
import time
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, Timeout
from urllib3.util import Url, parse_url
from urllib3.util.ssl_ import create_urllib3_context

from providers.errors import ConnectFailed
from providers.transport.connection import PlainConnection, TlsConnection, current
from providers.wire import FileBody

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

IDLE_SECONDS = 60.0
NO_PROXY = "none"

# Deadlines are the watchdog's: a socket without a timeout costs no poll() per recv and no gevent.Timeout per wait.
UNTIMED = Timeout(connect=None, read=None)


class IdleConnections:
    """urllib3's ``QueueCls``: the connections at rest, last in first out, without locks and without an upper bound.

    The oldest is closed when it has rested ``IDLE_SECONDS``; a look at one per return is enough to drain a burst.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self._resting: deque[tuple[float, HTTPConnection]] = deque()

    def get(self, block: bool = False, timeout: float | None = None) -> HTTPConnection:
        try:
            return self._resting.pop()[1]
        except IndexError:
            raise queue.Empty from None

    def put(self, connection: HTTPConnection | None, block: bool = False) -> None:
        if connection is None:
            return
        now = time.monotonic()
        self._resting.append((now, connection))
        try:
            oldest = self._resting.popleft()
        except IndexError:
            return
        if now - oldest[0] > IDLE_SECONDS:
            oldest[1].close()
        else:
            self._resting.appendleft(oldest)

    def qsize(self) -> int:
        return len(self._resting)


class _FreshOnDemand(HTTPConnectionPool):
    QueueCls: Any = IdleConnections

    def _get_conn(self, timeout: float | None = None) -> Any:
        """A resting connection unless the exchange asks for a new one (its first try met a stale one)."""
        return self._new_conn() if current.get().needs_fresh else super()._get_conn(timeout)


class PlainPool(_FreshOnDemand):
    ConnectionCls = PlainConnection


class TlsPool(_FreshOnDemand, HTTPSConnectionPool):
    ConnectionCls: Any = TlsConnection


class Lane(HTTPAdapter):
    """The way to one origin. ``send_on`` is the only method meant for callers."""

    def __init__(self, origin: str, proxy: str | None, context: ssl.SSLContext) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        manager: Any = self.poolmanager
        tls: dict[str, Any] = {"ssl_context": context}
        if proxy:
            manager = self.proxy_manager_for(proxy, proxy_ssl_context=context, **tls)
            tls = {}
        manager.connection_pool_kw.update(tls)
        manager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}
        self._pool = manager.connection_from_url(origin)
        # A forwarding proxy is told the whole URL; a tunnel or the origin itself only the path.
        self._prefix = origin if proxy and origin.startswith("http:") and not proxy.startswith("socks") else ""

    def send_on(self, method: str, path: str, headers: dict[str, str], body: bytes | FileBody) -> HTTPResponse:
        """Send and return once the reply's headers are in. Adds to ``headers``; raises what the libraries raise."""
        headers["Content-Length"] = str(len(body))  # in these very letters, else requests sends the body chunked
        request = PreparedRequest()
        request.method, request.url, request.headers, request.body = method, path, headers, body  # type: ignore[assignment]
        return self.send(request, stream=True, timeout=UNTIMED)  # type: ignore[arg-type, return-value]

    def get_connection_with_tls_context(self, *_args: Any, **_kwargs: Any) -> Any:
        return self._pool

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing: the pool's SSL context verifies; reading the CA file per connection would cost 10 ms each."""

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        return f"{self._prefix}{request.url}"

    def build_response(self, req: PreparedRequest, resp: Any) -> Any:
        """urllib3's own response: no cookie jar, no second header dict."""
        return resp


@lru_cache(maxsize=64)
def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    bundle = ca_bundle or DEFAULT_CA_BUNDLE_PATH
    try:
        context.load_verify_locations(**{"capath" if os.path.isdir(bundle) else "cafile": bundle})
    except OSError as error:
        raise ConnectFailed("the CA bundle cannot be read") from error
    return context


@lru_cache(maxsize=256)
def lane(origin: str, proxy: str | None, ca_bundle: str | None) -> Lane:
    """The lane to ``origin`` (``scheme://host:port``). ``proxy``: a URL, ``"none"``, or None for the environment's.

    The environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) is read when a lane is made and not again. Raises
    ConnectFailed for an unreadable CA bundle, ValueError or urllib3's errors for an address that cannot be used.
    """
    if proxy is None:
        proxy = select_proxy(origin, get_environ_proxies(origin))
    elif proxy == NO_PROXY:
        proxy = None
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return Lane(origin, proxy, tls_context(ca_bundle))


@lru_cache(maxsize=1024)
def split(url: str) -> tuple[str, str]:
    """An absolute URL as (origin, path with query); user names, passwords and fragments are left out."""
    parts = parse_url(url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError("not an absolute http(s) URL")
    return Url(scheme=parts.scheme, host=parts.host, port=parts.port).url, parts.request_uri


os.register_at_fork(after_in_child=lane.cache_clear)
