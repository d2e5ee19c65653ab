"""Pictures that callers give by address, fetched for the vendors that take them only inlined.

The address is a caller's, so that nothing of it is trusted: https only, each name looked up once, every address it has
must be the open internet's, and the connection goes to these very addresses while the certificate is verified by the
name. Redirects are followed by hand, each under the same rules. Nothing of the caller or of a provider is sent along.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from urllib3.util import parse_url

from providers.errors import ConnectFailed, MalformedReply
from providers.transport import RAISED, faults, lanes, watchdog
from providers.transport.addresses import is_public
from providers.transport.connection import Serving, TlsConnection, current
from providers.transport.exchange import Exchange
from providers.transport.names import Resolve, look_up, system_addresses
from providers.wire import Limits, Trace

HOPS = 4  # the first address and three redirects
CONNECT_SECONDS = 5.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"accept": "image/*", "accept-encoding": "identity", "user-agent": "switchyard", "connection": "close"}


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses may be connected to, how names become addresses, whose certificates are trusted.

    Tests hand in their own. There is no setting for it on purpose.
    """

    allowed: Callable[[str], bool] = is_public
    resolve: Resolve = system_addresses
    ca_bundle: str | None = None


INTERNET = Reach()


def fetch(url: str, most: int, until: float, gone: Callable[[], bool], reach: Reach = INTERNET) -> bytes:
    """The bytes behind ``url``, at most ``most``, by ``until`` (``time.monotonic()``).

    ``gone``: see ``transport.open``. Raises ``UpstreamError`` of any kind, which must not be told in detail: it would
    say what is reachable from here; ``CallerLeft``.
    """
    for _ in range(HOPS):
        answer = _get(url, most, until, gone, reach)
        if isinstance(answer, bytes):
            return answer
        try:
            url = urljoin(url, answer)
        except ValueError as error:
            raise ConnectFailed("moved to what is no address") from error
    raise ConnectFailed("too many redirects")


class _Connection(TlsConnection):
    """To the addresses that were checked, and to no others."""

    def __init__(self, *args: Any, reach: Reach, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reach = reach

    def _find(self, exchange: Serving) -> list[Any]:
        found = look_up(self._dns_host, self.port, exchange, self._reach.resolve)
        if not found or not all(self._reach.allowed(place[4][0]) for place in found):
            raise ConnectFailed("not an address of the open internet")
        return found


class _Pool(lanes.TlsPool):
    ConnectionCls: Any = _Connection


def _get(url: str, most: int, until: float, gone: Callable[[], bool], reach: Reach) -> bytes | str:
    """A picture, or where it has moved to."""
    left = max(until - time.monotonic(), 0.001)
    exchange = Exchange(Limits(min(left, CONNECT_SECONDS), left, None, left, left), gone, Trace())
    token = current.set(exchange)
    watchdog.watch(exchange)
    try:
        exchange.replied(_send(url, reach))
        if exchange.status in REDIRECTS and "location" in exchange.headers:
            return exchange.headers["location"]
        if exchange.status != 200 or exchange.headers.get("content-encoding", "identity") != "identity":
            raise MalformedReply("not a picture as it is", status=exchange.status)
        return exchange.read(most)
    except RAISED as error:
        cause = faults.innermost(error)
        raise exchange.explain(cause) from cause
    finally:
        exchange.close()
        current.reset(token)


def _send(url: str, reach: Reach) -> Any:
    parts = parse_url(url)
    if parts.scheme != "https" or not parts.host or parts.auth:
        raise ConnectFailed("not an https address")
    context: Any = {"ssl_context": lanes.tls_context(reach.ca_bundle), "reach": reach}
    pool = _Pool(parts.host, parts.port or 443, **context)
    return pool.urlopen(
        "GET",
        parts.request_uri,
        headers=_HEADERS,
        retries=False,
        redirect=False,
        assert_same_host=False,
        timeout=lanes.UNTIMED,
        preload_content=False,
        decode_content=False,
    )
