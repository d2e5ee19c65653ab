"""What the parsers of all vendors' event streams have in common. ◇

Bytes become events, events JSON; a body that is no stream at all is collected and read whole; ``[DONE]`` and the end of
the body end the answer, or show that it was cut.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from providers.adapters.base import StreamParser, load
from providers.errors import MalformedReply, StreamCut
from providers.sse import MAX_EVENT, SSEDecoder
from providers.wire import Event

DONE = "[DONE]"
BODY_STARTS = (b"{", b"[", b"<")
NO_STREAM = "The upstream answered with something other than a stream of events."


class EventStreamParser(StreamParser):
    """A stream of server-sent events. ``model``: the name to give where the vendor gives none.

    A vendor's parser says what an event means (``_event``), whether every choice has its end (``_ended``), what is said
    last (``_finish``), and reads a whole reply in place of a stream (``_whole``).
    """

    def __init__(self, model: str) -> None:
        self.done = self.complete = False
        self._model = model
        self._head: dict[str, Any] | None = None
        self._decoder = SSEDecoder()
        self._begun = False
        self._body: list[bytes] | None = None
        self._body_size = 0

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """See ``StreamParser``."""
        if self.done:
            return []
        if not self._begun:
            start = data.lstrip()
            if not start:
                return []
            self._begun = True
            if start.startswith(BODY_STARTS):
                self._body = []
        if self._body is not None:
            self._body.append(data)
            self._body_size += len(data)
            if self._body_size > MAX_EVENT:
                raise MalformedReply(NO_STREAM)
            return []
        out = self._events(self._decoder.feed(data))
        self.complete = self.done or self._ended()
        return out

    def end(self) -> list[dict[str, Any]]:
        """See ``StreamParser``."""
        if self.done:
            return []
        if self._body is not None:
            return self._whole(b"".join(self._body))
        try:
            out = self._events(self._decoder.flush())
        except MalformedReply as error:
            raise StreamCut("The upstream's stream ended within an event.") from error
        return out if self.done else out + self._last()

    def _events(self, events: list[Event]) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for event in events:
            data = event.data.strip()
            if self.done or not data or event.name == "ping":
                continue
            if data.startswith(DONE):
                self.expected = 1  # no more choices will come: the server knows no ``n``
                out += self._last()
            else:
                out += self._event(load(data), event.name)
        return out

    def _last(self) -> list[dict[str, Any]]:
        """What is said at the end. Raises ``StreamCut`` where a choice has none."""
        if not self._ended():
            raise StreamCut("The upstream's stream ended before the answer was complete.")
        out = self._finish()
        self.done = self.complete = True
        return out

    def _at_once(self, parse: Callable[[bytes, str], dict[str, Any]], payload: bytes) -> list[dict[str, Any]]:
        """For ``_whole``: a body that holds a whole reply (``parse``: payload, model → ``chat.completion``) or junk."""
        try:
            completion = parse(payload, self._model)
        except MalformedReply as error:
            raise MalformedReply(NO_STREAM) from error
        self.done = self.complete = True
        return as_chunks(completion)

    @abstractmethod
    def _event(self, raw: Any, name: str | None) -> list[dict[str, Any]]:
        """The chunks of one event: its decoded data, and the name on its ``event:`` line."""

    @abstractmethod
    def _ended(self) -> bool:
        """Whether every choice has its end."""

    @abstractmethod
    def _finish(self) -> list[dict[str, Any]]:
        """The last chunks: what is still open, finish reasons, usage."""

    @abstractmethod
    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        """A body that is no stream at all: an error, a whole reply from a server that does not stream, or junk."""


def as_chunks(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A whole ``chat.completion`` as the chunks of a stream: each choice said at once, then its end, then usage."""
    head = {key: value for key, value in completion.items() if key not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    said, ends = [], []
    for choice in completion["choices"]:
        rest = {key: value for key, value in choice.items() if key not in ("message", "logprobs")}
        delta = {key: value for key, value in choice["message"].items() if value is not None or key == "content"}
        if "tool_calls" in delta:
            delta["tool_calls"] = [{"index": place, **call} for place, call in enumerate(delta["tool_calls"])]
        spoken = {"index": choice["index"], "delta": delta, "finish_reason": None}
        if choice.get("logprobs") is not None:
            spoken["logprobs"] = choice["logprobs"]
        said.append({**head, "choices": [spoken]})
        ends.append({**head, "choices": [{**rest, "delta": {}}]})
    figures = completion.get("usage")
    return [*said, *ends, *([] if figures is None else [{**head, "choices": [], "usage": figures}])]
