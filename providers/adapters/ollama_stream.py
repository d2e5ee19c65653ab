"""Streams of Ollama's ``/api/chat`` → inner chunks. ◇

A JSON object a line; the one with ``done: true`` is the last and brings finish reason and counts. Tool calls come
whole, in one line or over several. An error is a line of its own, ``{"error": "text"}``, after the 200.
"""

from __future__ import annotations

from typing import Any

from providers.adapters import ollama_reply as reply
from providers.adapters.base import StreamParser
from providers.errors import MalformedReply, StreamCut
from providers.sse import MAX_EVENT


class OllamaStream(StreamParser):
    """One stream. ``model``: the name to give where the server gives none."""

    def __init__(self, model: str) -> None:
        self.done = self.complete = False
        self._model = model
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._head: dict[str, Any] | None = None
        self._role_sent = False
        self._ids: set[str] = set()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """See ``StreamParser``."""
        *lines, tail = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._tail, lines[0]])
            self._tail, self._tail_size = [], 0
        self._tail.append(tail)
        self._tail_size += len(tail)
        if self._tail_size > MAX_EVENT:
            raise MalformedReply(f"The upstream sent a line of more than {MAX_EVENT} bytes.")
        out: list[dict[str, Any]] = []
        for line in lines:
            out += self._line(line)
        return out

    def end(self) -> list[dict[str, Any]]:
        """See ``StreamParser``."""
        try:
            out = self._line(b"".join(self._tail))
        except MalformedReply as error:
            raise StreamCut("The upstream's stream ended within a line.") from error
        if not self.done:
            raise StreamCut("The upstream's stream ended before the answer was complete.")
        return out

    def _line(self, line: bytes) -> list[dict[str, Any]]:
        line = line.strip()
        if self.done or not line:
            return []
        raw = reply.read(line)
        over = raw.get("done") is True
        said = reply.message_of(raw if "message" in raw or not over else {"message": {}})
        delta: dict[str, Any] = {}
        if said.text:
            delta["content"] = said.text
        if said.thinking:
            delta["reasoning_content"] = delta["reasoning"] = said.thinking
        if said.calls:
            first = len(self._ids)
            calls = reply.tool_calls(said.calls, self._ids)
            delta["tool_calls"] = [{"index": first + position, **call} for position, call in enumerate(calls)]
        chances = reply.logprobs(raw.get("logprobs"))
        out = [self._chunk(raw, delta, chances)] if delta or chances else []
        return out + self._last(raw) if over else out

    def _last(self, raw: dict[str, Any]) -> list[dict[str, Any]]:
        chunk = self._chunk(raw, {})
        chunk["choices"][0]["finish_reason"] = reply.finish(raw.get("done_reason"), bool(self._ids))
        figures = reply.count(raw)
        self.done = self.complete = True
        return [chunk] if figures is None else [chunk, {**(self._head or {}), "choices": [], "usage": figures}]

    def _chunk(
        self, raw: dict[str, Any], delta: dict[str, Any], chances: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if self._head is None:
            self._head = reply.head(raw, self._model, "chat.completion.chunk")
        if not self._role_sent:
            self._role_sent = True
            delta = {"role": "assistant", **delta}
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
        if chances is not None:
            choice["logprobs"] = chances
        return {**self._head, "choices": [choice]}
