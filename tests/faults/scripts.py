"""What the upstreams of the fault suite do: functions of the turn → behaviour on the socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache

from tests.faults.stage import Script, Turn
from tests.faults.wires import TEXT, TOKENS, Wire
from tests.upstream import Behaviour, Peer, chunk, drip, flood, head, raw, reply, stream

OTHER = "Something else altogether, which begins in another way."
REFUSAL = "This model does not support assistant message prefill."
PIECE = 1 << 16
GIGABYTE = 1 << 30
EVENTS = head(200, "text/event-stream", Transfer_Encoding="chunked")


def tokens(turn: Turn, count: int = len(TOKENS), begin: int = 0) -> bytes:
    """The beginning of a stream up to ``count`` tokens."""
    return _tokens(turn.wire, turn.model, begin, count)


@cache
def _tokens(wire: Wire, model: str, begin: int, count: int) -> bytes:
    return wire.begin(model) + b"".join(wire.tokens(TOKENS[begin:count]))


def healthy(turn: Turn) -> Behaviour:
    """The whole answer. A beginning that the request brings is continued, as vendors do with a prefill."""
    begun = turn.wire.begun(turn.request.json) or ""
    assert TEXT.startswith(begun), f"not a beginning of the answer: {begun!r}"
    if not turn.streamed:
        return reply(turn.wire.whole(TEXT[len(begun) :], turn.model))
    first = len(begun.split())
    return stream(tokens(turn, begin=first) + turn.wire.finish() + turn.wire.done)


def saying(status: int, message: str, word: str = "", **headers: str) -> Script:
    """An error in the vendor's own words."""
    return lambda turn: reply(turn.wire.error(status, message, word), status, **headers)


def once(script: Script) -> Script:
    """At each caller's first try; then well."""
    return lambda turn: script(turn) if turn.nth == 0 else healthy(turn)


def always(behaviour: Behaviour) -> Script:
    return lambda turn: behaviour


def each(streamed: Script, whole: Script) -> Script:
    return lambda turn: (streamed if turn.streamed else whole)(turn)


def limited(seconds: float) -> Script:
    """429 with Retry-After, in the table's seconds."""
    return lambda turn: saying(429, "Rate limit reached", Retry_After=f"{seconds * turn.scale:g}")(turn)


def held(*parts: Callable[[Turn], bytes]) -> Script:
    """A stream that begins with ``parts`` and then falls silent."""
    return lambda turn: stream(*(part(turn) for part in parts), end="open")


def late(seconds: float) -> Script:
    """Headers at once, the answer after ``seconds`` of the table."""

    def script(turn: Turn) -> Behaviour:
        def behave(peer: Peer) -> None:
            peer.send(EVENTS, chunk(turn.wire.begin(turn.model)))
            threading.Event().wait(seconds * turn.scale)
            peer.send(chunk(tokens(turn) + turn.wire.finish() + turn.wire.done), chunk(b""))

        return behave

    return script


def cut(count: int, end: str) -> Script:
    """A stream that ends after ``count`` tokens: "close" or "reset" in the middle of the body, "finish" properly."""
    return each(lambda turn: stream(tokens(turn, count), end=end), half(end))


def half(end: str) -> Script:
    """Half of a whole answer. A proper end makes it half a JSON text."""

    def script(turn: Turn) -> Behaviour:
        body = turn.wire.whole(TEXT, turn.model)
        said = body[: len(body) // 2]
        length = len(said) if end == "finish" else len(body)
        return raw(head(200, Content_Length=str(length)), said, end={"finish": "keep", "open": "open"}.get(end, end))

    return script


def garbled(turn: Turn) -> Behaviour:
    """The tenth event of a stream is no JSON; the others are well."""
    events = turn.wire.tokens(TOKENS)
    events[9] = events[9].replace(b'{"', b'{broken "', 1)
    return stream(turn.wire.begin(turn.model), *events, turn.wire.finish(), turn.wire.done)


def unfinished(turn: Turn) -> Behaviour:
    """Complete with finish reason and usage; no terminal event, and the line stays open."""
    return stream(tokens(turn) + turn.wire.finish(), end="open")


def refuses_prefill(then: Script) -> Script:
    """400 for an answer's beginning at the end of the request, ``then`` for any other."""
    refused = saying(400, REFUSAL)
    return lambda turn: (refused if turn.wire.begun(turn.request.json) is not None else then)(turn)


def says_otherwise(turn: Turn) -> Behaviour:
    """Another answer than everybody else's."""
    parts = turn.wire.begin(turn.model) + b"".join(turn.wire.tokens([OTHER])) + turn.wire.finish() + turn.wire.done
    return stream(parts)


def down(seconds: float) -> Script:
    """503 for ``seconds`` of the table, then well."""
    failing = saying(503, "down")
    return lambda turn: (failing if turn.elapsed < seconds * turn.scale else healthy)(turn)


endless_headers = always(flood(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n", GIGABYTE // 1000))
dripping = always(drip(EVENTS, chunk(b": x\n\n"), every=0.5))
dripping_whole = always(drip(head(200, Content_Length="1000000"), b" ", every=0.5))
dripping_headers = always(drip(b"HTTP/1.1 200 OK\r\n", b"x", every=0.5))
huge = always(flood(head(200, Content_Length=str(GIGABYTE)), b" " * PIECE, GIGABYTE // PIECE))
huge_chunked = always(flood(EVENTS, chunk(b" " * PIECE), GIGABYTE // PIECE))
gzip_garbage = always(reply(b"\x1f\x8bgarbage", Content_Encoding="gzip"))
web_page = always(reply(b"<html><h1>Welcome</h1></html>", media="text/html"))
picture = always(reply(b"\x89PNG\r\n\x1a\n\x00\x00", media="image/png"))
