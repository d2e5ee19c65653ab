"""What requests, urllib3, http.client, ssl and socket raise, in the words of ``providers.errors``.

Messages name neither hosts nor URLs nor headers, and errors are raised from the innermost cause: the wrappers around it
quote URLs (and, for an unprintable header, the credential).
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import zlib

from providers.errors import ConnectFailed, ConnectionBroken, MalformedReply, UpstreamError, UpstreamTimeout

_OTHER_NAME = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: their text quotes the host

_PHASES = {
    "connect": "no connection in time",
    "headers": "no answer in time",
    "first_content": "no content in time",
    "idle": "silence in the middle of the answer",
    "total": "the answer took too long",
}


def timed_out(phase: str, status: int | None = None) -> UpstreamTimeout:
    """``phase``: connect, headers, first_content, idle or total."""
    return UpstreamTimeout(_PHASES[phase], phase=phase, status=status)


def innermost(error: BaseException) -> BaseException:
    """The error at the core of nested wrappers (``MaxRetryError.reason``, ``ProxyError.original_error``, ``args``)."""
    while True:
        held = (getattr(error, "reason", None), getattr(error, "original_error", None), *error.args, error.__cause__)
        inner = next((each for each in held if isinstance(each, BaseException)), None)
        if inner is None:
            return error
        error = inner


def while_connecting(error: BaseException) -> UpstreamError:
    """``error``: innermost, raised before anything of the request was sent."""
    if isinstance(error, TimeoutError):
        return timed_out("connect")
    if isinstance(error, socket.gaierror):
        return ConnectFailed("the host name could not be resolved")
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = "it is for another name" if error.verify_code in _OTHER_NAME else error.verify_message
        return ConnectFailed(f"the certificate was not accepted: {reason}")
    if isinstance(error, ssl.SSLError):
        return ConnectFailed(f"the TLS handshake failed: {(error.reason or 'unknown').lower().replace('_', ' ')}")
    if isinstance(error, OSError) and str(error).startswith("Tunnel connection failed"):
        return ConnectFailed("the proxy refused to connect us")
    if isinstance(error, OSError) and error.errno:
        return ConnectFailed(os.strerror(error.errno).lower())
    if isinstance(error, ValueError):
        return ConnectFailed("the address of the upstream or its proxy is not usable")
    return ConnectFailed("the reason is not known")


def while_reading(error: BaseException, status: int | None = None) -> UpstreamError:
    """``error``: innermost, raised after the request or a part of it was sent."""
    if isinstance(error, zlib.error):
        return MalformedReply("the answer's content-encoding could not be decoded", status=status)
    if isinstance(error, (http.client.IncompleteRead, ConnectionError, EOFError)):
        return ConnectionBroken("the connection was closed before the whole answer was read", status=status)
    if isinstance(error, (http.client.HTTPException, ValueError)):
        return MalformedReply("the answer is not valid HTTP", status=status)
    return ConnectionBroken("the connection broke before the whole answer was read", status=status)
