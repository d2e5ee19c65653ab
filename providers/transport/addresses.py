"""Which addresses are the open internet's: those that a caller may make us connect to.

Source: IANA's registries of special-purpose IPv4 and IPv6 addresses.
"""

from __future__ import annotations

import ipaddress

_PLATFORM = (  # looks public, answers to the machine it is asked from: Azure's, and protocol assignments (metadata)
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = (  # protocol assignments (Teredo among them), documentation, 6to4, documentation
    ipaddress.IPv6Network("2001::/23"),
    ipaddress.IPv6Network("2001:db8::/32"),
    ipaddress.IPv6Network("2002::/16"),
    ipaddress.IPv6Network("3fff::/20"),
)
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # the only way to IPv4 from hosts that have IPv6 alone


def is_public(address: str) -> bool:
    """Whether an IP address, as ``getaddrinfo`` gives it, is an ordinary one of the open internet.

    IPv6 addresses that stand for IPv4 ones count as those; all other ways to hide one in the other are refused.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is None:
            return ip.scope_id is None and ip in _GLOBAL_UNICAST and not any(ip in block for block in _SPECIAL)
        ip = inner
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in block for block in _PLATFORM)
