"""Whether gunicorn will get its port, asked before anything else is started."""

from __future__ import annotations

import errno
import socket

from django.core.exceptions import ImproperlyConfigured

PORT_TAKEN = "Port {port} on {host} is taken; set PORT in .env or stop what listens there."
SENTENCES = {
    errno.EADDRINUSE: PORT_TAKEN,
    errno.EADDRNOTAVAIL: "HOST {host} is not an address of this machine; set HOST in .env, for example to 127.0.0.1.",
    errno.EACCES: "Port {port} is reserved for the system; set PORT in .env to 1024 or more.",
}


def refuse_unusable(host: str, port: int) -> None:
    """Bind and let go. Raises ImproperlyConfigured with one sentence if the address cannot be had."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ImproperlyConfigured(f"HOST {host} is not known as a name or address; set it in .env.") from error
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        sentence = SENTENCES.get(error.errno or 0, "Port {port} on {host} cannot be used: {why}.")
        raise ImproperlyConfigured(sentence.format(host=host, port=port, why=error.strerror)) from error


def base_url(host: str, port: int, public_url: str) -> str:
    """Where a browser or curl on this machine finds what listens at ``host`` and ``port``."""
    if public_url:
        return public_url
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared
    return f"http://{name}:{port}"
