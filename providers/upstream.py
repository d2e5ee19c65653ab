"""One try at one upstream: a call in the inner form goes out in the vendor's words, its answer comes back in ours."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from providers import answers, batches, chat, legacy, transport
from providers.adapters import ADAPTERS
from providers.adapters.base import StreamParser
from providers.chat import Call
from providers.errors import ConnectionBroken, UpstreamError, UpstreamTimeout
from providers.pictures import Album
from providers.targets import secrets_of
from providers.transport import Exchange, pictures
from providers.wire import Credential, Limits, Rendered, Target, Trace, WireRequest

USAGE_GRACE = 0.5  # seconds that a finished stream may still take to bring its usage and its terminal event
SHORTEST_PART = 4  # letters of a secret at the end of what was cut that are worth hiding

_BASE_HEADERS = {"content-type": "application/json", "user-agent": "switchyard", "accept-encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer: ``body`` is a ``chat.completion`` dict."""

    body: dict[str, Any]
    trace: Trace


class ChunkStream:
    """A streamed answer: ``held`` has every inner chunk up to the first content, iteration brings those after them.

    The end of iteration means a complete answer. ``__next__`` raises StreamCut, ConnectionBroken, UpstreamTimeout,
    MalformedReply, CallerLeft or the error that the upstream put into the stream. ``close`` is idempotent and cancels
    what is still to come.
    """

    def __init__(
        self,
        exchange: Exchange,
        parser: StreamParser,
        trace: Trace,
        secrets: tuple[str, ...] = (),
        shape: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        """``shape``: what every chunk goes through."""
        self.held: list[dict[str, Any]] = []
        self.trace = trace
        self._exchange = exchange
        self._parser = parser
        self._secrets = secrets
        self._shape = shape
        self._pending: deque[dict[str, Any]] = deque()
        self._over = self._finishing = False
        while not self._begun():
            self._pull()
        if not self._over:
            exchange.content_seen()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        while not self._pending:
            if self._over:
                raise StopIteration
            try:
                self._pull()
            except BaseException as error:
                self.close()
                black_out(self._secrets, error)
                raise
        return self._pending.popleft()

    def close(self) -> None:
        self._pending.clear()
        self._finish()

    def _finish(self) -> None:
        self._over = True
        self._exchange.close()

    def _begun(self) -> bool:
        """Moves chunks to ``held`` up to the first content; true once there was content or the answer is complete."""
        while self._pending:
            chunk = self._pending.popleft()
            self.held.append(chunk)
            if chat.has_content(chunk):
                self.trace.first_at = time.monotonic()
                return True
        return self._over

    def _pull(self) -> None:
        try:
            data = self._exchange.piece()
        except (ConnectionBroken, UpstreamTimeout):
            if not self._parser.complete:
                raise
            data = b""
        if data:
            self._take(self._parser.feed(data))
        else:
            self._queue(self._parser.end())
            self._finish()

    def _queue(self, chunks: list[dict[str, Any]]) -> None:
        self._pending.extend(map(self._shape, chunks) if self._shape is not None else chunks)

    def _take(self, chunks: list[dict[str, Any]]) -> None:
        self._queue(chunks)
        if self._parser.done:
            self._finish()
        elif self._parser.complete and not self._finishing:
            self._finishing = True
            self._exchange.finish_within(USAGE_GRACE)


def new_album() -> Album:
    """For the pictures of one request."""
    return Album(pictures.fetch)


def send(
    target: Target,
    credential: Credential | None,
    call: Call,
    limits: Limits,
    gone: Callable[[], bool],
    trace: Trace,
    album: Album | None = None,
) -> Completion | ChunkStream:
    """Ask ``target`` and wait for the whole answer or, for a stream, for its first content.

    ``gone`` says without blocking whether the caller left. Fills ``trace``. ``album`` keeps the pictures of a request
    that is sent more than once. Raises the errors of ``providers.errors``.
    """
    adapter = ADAPTERS[target.wire]
    call = (album or new_album()).inlined(call, lambda url: adapter.inlines(url, target), gone)
    parts = batches.split(call, target.kind)
    if len(parts) == 1:
        return _ask(target, credential, call, limits, gone, trace)
    ends = time.monotonic() + limits.total
    bodies: list[dict[str, Any]] = []
    for part in parts:
        left = replace(limits, total=max(0.001, ends - time.monotonic()))
        reply = _ask(target, credential, part, left, gone, trace)
        assert isinstance(reply, Completion)
        bodies.append(reply.body)
    return Completion(batches.join(call, parts, bodies), trace)


def _ask(
    target: Target,
    credential: Credential | None,
    call: Call,
    limits: Limits,
    gone: Callable[[], bool],
    trace: Trace,
) -> Completion | ChunkStream:
    adapter = ADAPTERS[target.wire]
    rendered = adapter.say(call, target)
    secrets = secrets_of(target, credential)
    trace.dropped = rendered.dropped
    old_form = legacy.wanted(call) and not adapter.takes_functions(target)
    request = wire_request(target, credential, call, rendered)
    if trace.tape is not None:
        trace.tape.request = request
    exchange = transport.open(request, limits, gone, trace)
    try:
        if exchange.status >= 400:
            raise adapter.parse_error(exchange.status, exchange.headers, exchange.read_error(), target)
        if call.stream:
            parser = adapter.open_stream(call.operation, target)
            if "n" not in rendered.dropped:
                parser.expected = chat.choices_asked(call)
            return ChunkStream(exchange, parser, trace, secrets, legacy.chunk if old_form else None)
        body = answers.complete(call, adapter.parse(call.operation, exchange.read(), target))
    except BaseException as error:
        exchange.close()
        black_out(secrets, error)
        raise
    exchange.close()
    return Completion(legacy.completion(body) if old_form else body, trace)


def black_out(secrets: tuple[str, ...], error: BaseException) -> None:
    """Some vendors quote the key that they refuse."""
    if not isinstance(error, UpstreamError):
        return
    for name in ("message", "type", "code", "param"):
        words = getattr(error, name)
        for secret in secrets:
            words = words and _without(secret, words)
        setattr(error, name, words)
    error.args = (error.message,)


def _without(secret: str, words: str) -> str:
    """``words`` are cut to a length before they come here: the beginning of a secret may stand at their end."""
    words = words.replace(secret, "***")
    for length in range(min(len(secret), len(words)), SHORTEST_PART - 1, -1):
        if words.endswith(secret[:length]):
            return f"{words[:-length]}***"
    return words


def wire_request(target: Target, credential: Credential | None, call: Call, rendered: Rendered) -> WireRequest:
    """What is sent: ``rendered`` with all headers, the credential and the absolute URL."""
    headers = dict(_BASE_HEADERS)
    headers["accept"] = "text/event-stream" if call.stream else "application/json"
    for extra in (rendered.headers, target.headers):
        for name, value in extra.items():
            headers[name.lower()] = value
    if credential is not None and credential.secret:
        scheme = target.auth_scheme
        bare = not scheme or scheme.lower() == "none"
        headers[target.auth_header.lower()] = credential.secret if bare else f"{scheme} {credential.secret}"
    url = ADAPTERS[target.wire].url(target, call.operation, rendered.path)
    return WireRequest(rendered.method, url, headers, rendered.body, target.proxy, target.ca_bundle)
