"""What crosses the border between routing, adapters and transport: plain frozen values.

Shapes only; no behaviour. Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

FILE_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Credential:
    """One key of a provider, ready to be sent.

    ``identity`` (``provider/label``) names it in records; ``secret`` is "" where none is needed; ``fingerprint``: a few
    digits of a digest of the secret and where it is sent; ``source``: the variable it comes from, "" if it is stored.
    """

    identity: str
    secret: str = field(repr=False)
    fingerprint: str = ""
    source: str = ""

    @property
    def state_key(self) -> str:
        """Its name in shared state: with another secret it is another key, so that a corrected one starts afresh."""
        return f"{self.identity}#{self.fingerprint}"


@dataclass(frozen=True, slots=True)
class Target:
    """All that an adapter and the transport need to know of one upstream place.

    ``paths`` overrides an adapter's path per operation (``{"chat": "/chat/completions"}``). ``headers`` are sent as
    they are and may hold secrets. ``extra_body`` is merged into every request where the caller has not set the key.
    ``proxy`` is a URL, or None for the environment's (read once); ``ca_bundle`` a file path, or None for the default.
    """

    provider: str
    kind: str
    wire: str
    base_url: str
    upstream_model: str
    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    paths: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, object] = field(default_factory=dict)
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines of one try, in seconds (DESIGN: connect 5, total 600, idle 30, first content 10 or 60).

    ``headers``: until the status line, and for the whole of an answer that is not streamed; ``first_content``: until
    the first content of a stream (None: no such limit); ``idle``: the longest silence within a body; ``total``: the
    whole exchange.
    """

    connect: float = 5.0
    headers: float = 600.0
    first_content: float | None = None
    idle: float = 30.0
    total: float = 600.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a caller sent. ``file`` is open for reading, in memory or on disk; each try reads it afresh."""

    filename: str
    content_type: str
    size: int
    file: BinaryIO = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileBody:
    """A request body too large to be held in memory for every try: some bytes, the whole file, some bytes."""

    before: bytes = field(repr=False)
    upload: Upload
    after: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.before) + self.upload.size + len(self.after)

    def __iter__(self) -> Iterator[bytes]:
        yield self.before
        self.upload.file.seek(0)
        while piece := self.upload.file.read(FILE_PIECE):
            yield piece
        yield self.after


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request in the vendor's words: path relative to the base URL, headers (without the credential), body bytes.

    ``dropped`` names the caller's parameters that this vendor has no word for (lenient mode), in JSON-path form.
    """

    path: str
    body: bytes | FileBody = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What the transport sends: absolute URL, all headers including the credential."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | FileBody = field(repr=False)
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None


class Recorder(Protocol):
    """Who keeps what goes over the wire (``providers.tape``)."""

    request: WireRequest | None
    status: int | None
    headers: Mapping[str, str]

    def receive(self, data: bytes) -> None: ...


@dataclass(slots=True)
class Trace:
    """What one try saw, filled in as it goes: HTTP status; moments of ``time.monotonic()``; parameters left out.
    ``tape``: keeps the exchange itself where somebody wants to read it."""

    status: int | None = None
    headers_at: float | None = None
    first_at: float | None = None
    dropped: tuple[str, ...] = ()
    tape: Recorder | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded server-sent event: ``data`` lines joined by newlines, ``name`` of the ``event:`` field or None."""

    data: str
    name: str | None = None
