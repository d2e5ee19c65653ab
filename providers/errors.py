"""Everything that can go wrong between us and an upstream, as one tree.

    UpstreamError
    ├── ConnectFailed        DNS, refused, TLS: nothing was sent              retryable  blames
    ├── ConnectionBroken     the line broke before the whole reply was read   retryable  blames
    ├── UpstreamTimeout      a deadline passed (phase says which)             retryable  blames
    ├── ServerFailed         5xx, 408, 409, 425                               retryable  blames
    ├── MalformedReply       a success that is not what the format promises   retryable  blames
    ├── StreamCut            a stream ended without its terminal event        retryable  blames
    ├── RateLimited          429, 529; retry_after where the vendor said it   retryable
    ├── CredentialRejected   401, 402, 403, or a 400 that says so             retryable
    ├── ModelMissing         404, or a 400 that says the model is unknown     retryable
    ├── PayloadTooLarge      413                                              retryable
    ├── ContextTooLong       the prompt does not fit this model's window      retryable
    ├── Unsupported          no word here for a strict caller's parameter, or
    │                        the model cannot do what the request asks for    retryable
    ├── ContentFiltered      the vendor refused the content                   final
    └── RequestRejected      400, 422: the request itself is wrong            final
    CallerLeft               the caller hung up: no one's error

Booleans steer all routing. ``retryable``: another try, here or elsewhere, may succeed. ``blames_endpoint``: the
failure counts against the endpoint's health. ``lasting``: other requests would meet the same, so that a key or an
endpoint rests; what one request alone may have provoked must not make anything rest for everyone. What exactly follows
each class (pause, same endpoint, next key, next candidate) is decided in one place, ``routing/dispatch.py``.

``status`` is the upstream's HTTP status or None; ``type``, ``code`` and ``param`` are the vendor's own words in the
OpenAI error shape; ``retry_after`` is in seconds. Messages never contain URLs or secrets.
"""

from __future__ import annotations


class UpstreamError(Exception):
    """Root of the tree. ``outcome`` is the word that records, headers and the admin use."""

    retryable = True
    blames_endpoint = True
    lasting = True
    outcome = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after


class ConnectFailed(UpstreamError):
    """No connection could be made; nothing of the request was sent."""

    outcome = "connect_failed"


class ConnectionBroken(UpstreamError):
    """The connection was lost before the whole reply was read. ``resent``: the request had gone out once before, on a
    resting connection that was lost, too: the upstream may have seen it twice by now."""

    outcome = "connection_broken"
    resent = False


class UpstreamTimeout(UpstreamError):
    """A deadline passed. ``phase`` is one of connect, headers, first_content, idle, total."""

    outcome = "timeout"

    def __init__(self, message: str, *, phase: str, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.phase = phase


class ServerFailed(UpstreamError):
    """The upstream says that it failed (5xx) or that the moment was wrong (408, 409, 425)."""

    outcome = "server_failed"


class MalformedReply(UpstreamError):
    """A successful status with a body that is not what the vendor's format promises."""

    outcome = "malformed_reply"


class StreamCut(UpstreamError):
    """A stream ended without a finish reason or terminal event."""

    outcome = "stream_cut"


class RateLimited(UpstreamError):
    """429 or 529. The endpoint rests until ``retry_after`` seconds from now (1 s where none is stated)."""

    blames_endpoint = False
    outcome = "rate_limited"


class CredentialRejected(UpstreamError):
    """The key is wrong, exhausted or not allowed: the provider's next key may do."""

    blames_endpoint = False
    outcome = "credential_rejected"


class ModelMissing(UpstreamError):
    """The upstream does not know the model."""

    blames_endpoint = False
    outcome = "model_missing"


class PayloadTooLarge(UpstreamError):
    """The upstream accepts smaller bodies only."""

    blames_endpoint = False
    outcome = "payload_too_large"


class ContextTooLong(UpstreamError):
    """The prompt does not fit the model's context window; a larger window may."""

    blames_endpoint = False
    outcome = "context_too_long"


class Unsupported(UpstreamError):
    """This vendor cannot do what a parameter asks, or has no word for it and the caller is strict: nothing was sent. Or
    the vendor says that the model does no such thing (tools, thinking). Another may; passed on where none does."""

    blames_endpoint = False
    lasting = False
    outcome = "unsupported_parameter"


class ContentFiltered(UpstreamError):
    """The vendor refused the content. Passed on, never routed around."""

    retryable = False
    blames_endpoint = False
    outcome = "content_filtered"


class RequestRejected(UpstreamError):
    """The request itself is wrong; every endpoint would say so. Passed on faithfully."""

    retryable = False
    blames_endpoint = False
    outcome = "request_rejected"


class CallerLeft(Exception):
    """The caller hung up while we were speaking to the upstream."""

    outcome = "cancelled"
