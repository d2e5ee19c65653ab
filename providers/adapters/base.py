"""What an adapter is: a wire format spoken outwards. One self-registering file each. ◇"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import orjson

from providers import legacy
from providers.chat import Call, too_deep
from providers.errors import MalformedReply, RequestRejected, Unsupported, UpstreamError
from providers.wire import Rendered, Target

# orjson makes floats of such integers: ids in a tool call's arguments would be others than the model meant.
BEYOND_64_BITS = re.compile(rb"[:,\[\s]-?[0-9]{19}")
BEYOND_64_BITS_TEXT = re.compile(BEYOND_64_BITS.pattern.decode())

MOST_NAMED = 20  # parameters in one message


class StreamParser(ABC):
    """One stream of a vendor: raw bytes in, inner chunks out. Raises ``UpstreamError`` subclasses.

    ``done``: the terminal event was seen, nothing more will come. ``complete``: the answer is whole, because every
    choice has its finish reason or the terminal event was seen. Finish reasons and usage are given out at the end, so
    ``end()`` must be called when the upstream has closed.
    """

    done: bool = False
    expected: int = 1  # choices that were asked for: fewer than that are not yet the whole answer
    complete: bool = False

    @abstractmethod
    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The chunks that these bytes complete; any split."""

    @abstractmethod
    def end(self) -> list[dict[str, Any]]:
        """The upstream closed: the last chunks. Raises ``StreamCut`` where the answer is not complete."""


class Adapter(ABC):
    """One wire format. ``paths``: operation → path relative to the base URL. ``spare``: what operators may have written
    at the end of a base URL although it is no part of it; ``paths`` bring it where it is needed."""

    name: ClassVar[str]
    paths: ClassVar[Mapping[str, str]]
    spare: ClassVar[tuple[str, ...]] = ()

    def url(self, target: Target, operation: str, path: str) -> str:
        """The address of ``operation`` at ``target``: ``path`` as rendered, or the operator's own for it."""
        own = target.paths.get(operation)
        return f"{self.base_url(target, operation)}/{(own or path).lstrip('/')}"

    def base_url(self, target: Target, operation: str) -> str:
        """What paths stand behind: the configured one, without what is spare unless the path is the operator's own."""
        base = target.base_url.rstrip("/")
        for end in () if target.paths.get(operation) else self.spare:
            base = base.removesuffix(end)
        return base

    def inlines(self, url: str, target: Target) -> bool:
        """Whether a picture at this web address must stand in the request itself: the vendor fetches none."""
        return False

    def takes_functions(self, target: Target) -> bool:
        """Whether functions are understood as they were before there were tools (``providers.legacy``)."""
        return False

    def say(self, call: Call, target: Target) -> Rendered:
        """``render``, for callers who speak of functions, and for strict ones: raises ``Unsupported`` (400) where
        something would have to be dropped."""
        if legacy.spoken(call) and not self.takes_functions(target):
            rendered = self.render(legacy.modern(call), target)
            rendered = replace(rendered, dropped=legacy.names(rendered.dropped, call))
        else:
            rendered = self.render(call, target)
        if call.strict and rendered.dropped:
            raise _unsaid(rendered.dropped, target)
        return rendered

    @abstractmethod
    def render(self, call: Call, target: Target) -> Rendered:
        """Our words → the vendor's; what has to be left out or bent is named. Raises ``RequestRejected`` (400)."""

    @abstractmethod
    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        """A whole successful reply → the inner form. Raises ``MalformedReply``, or what an error within it says."""

    @abstractmethod
    def open_stream(self, operation: str, target: Target) -> StreamParser:
        """A parser for one stream."""

    def prefills(self, target: Target) -> bool:
        """Whether an answer's beginning, sent as the last message (``Call.continues``), is continued there."""
        return False

    @abstractmethod
    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        """An unsuccessful reply → the error that it means. ``headers`` with lower-case names."""


def _unsaid(names: tuple[str, ...], target: Target) -> Unsupported:
    """Names all that a strict caller would have to do without, or as many as fit into a sentence."""
    listed = [f"'{name}'" for name in dict.fromkeys(names)]
    more = len(listed) - MOST_NAMED
    if more > 0:
        listed = [*listed[:MOST_NAMED], f"{more} more"]
    said = " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))
    message = f"{said} cannot be passed on as given to a provider of kind '{target.kind}'."
    code = "unsupported_parameter"
    return Unsupported(message, status=400, type="invalid_request_error", code=code, param=names[0])


ADAPTERS: dict[str, Adapter] = {}


def register(adapter: type[Adapter]) -> type[Adapter]:
    """Class decorator: makes the adapter known under its ``name``."""
    ADAPTERS[adapter.name] = adapter()
    return adapter


def load(payload: bytes | str) -> Any:
    """JSON as vendors write it (NaN, lone surrogates and invalid UTF-8 pass). Raises ``MalformedReply``."""
    try:
        value = decode(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("The upstream's reply is not JSON.") from error
    if too_deep(value, payload):
        raise MalformedReply("The upstream's reply is nested too deeply.")
    return value


def decode(text: bytes | str) -> Any:
    """JSON as ``load`` takes it, every integer exact. Raises ValueError and RecursionError."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    else:
        if not (BEYOND_64_BITS.search(text) if isinstance(text, bytes) else BEYOND_64_BITS_TEXT.search(text)):
            return value
    return json.loads(text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text)


def dump(body: Mapping[str, Any]) -> bytes:
    """JSON as sent to vendors. What orjson refuses (integers beyond 64 bits, lone surrogates) goes the slow way.

    Raises ``RequestRejected`` for what JSON cannot say.
    """
    try:
        return orjson.dumps(body)
    except TypeError:
        pass
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        message = "The request body cannot be written as JSON."
        raise RequestRejected(message, status=400, type="invalid_request_error") from error
