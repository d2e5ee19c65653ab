"""Who asks: the address of the connection, or what proxies that are trusted say of it."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def caller(request: HttpRequest) -> str:
    """The address of whoever asks, of an IPv6 network its /64; "local" for a socket without one.

    ``X-Forwarded-For`` is read from its end, where the nearest proxy wrote, and only as far as proxies of
    GATEWAY_TRUSTED_PROXIES wrote it: what stands before that anyone may have made up.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return "local"
    said = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while said and _trusted(address):
        before = _parsed(said.pop().strip())
        if before is None:
            break
        address = before
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _trusted(address: Address) -> bool:
    return any(address in ipaddress.ip_network(network) for network in settings.TRUSTED_PROXIES)
