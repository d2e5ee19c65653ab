"""Streams in Anthropic's Messages format → inner chunks. ◇

Source: Anthropic API reference, streaming: ``message_start``, then per content block its start, deltas and stop, then
``message_delta`` with the stop reason and cumulative usage, then ``message_stop``; ``ping`` and ``error`` at any time;
unknown events are to be ignored. Finish reason and usage are given out at the stream's end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from providers.adapters import anthropic_reply as reply
from providers.adapters.openai_reply import arguments
from providers.adapters.streaming import EventStreamParser
from providers.chat import whole
from providers.errors import MalformedReply


@dataclass(slots=True)
class _Block:
    """A content block in the making. ``tool``: its number among the calls, None for other blocks and for the answer in
    the form of a call (``answer``)."""

    index: int
    kind: str
    start: dict[str, Any]
    tool: int | None = None
    answer: bool = False
    json: bool = False
    thinking: list[str] = field(default_factory=list)
    signature: list[str] = field(default_factory=list)


class AnthropicStream(EventStreamParser):
    """See ``EventStreamParser``."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._open: dict[int, _Block] = {}
        self._calls = 0
        self._answered = False
        self._stop: dict[str, Any] | None = None
        self._usage: dict[str, Any] = {}

    def _event(self, raw: Any, name: str | None) -> list[dict[str, Any]]:
        if name == "error":
            raise reply.error_within(raw)
        if not isinstance(raw, dict):
            raise MalformedReply("The upstream sent an event that is not a JSON object.")
        reply.raise_error(raw)
        kind = raw.get("type") or name
        if not isinstance(kind, str):
            raise MalformedReply("The upstream sent an event without a type.")
        return self._typed(kind, raw)

    def _typed(self, kind: str, raw: dict[str, Any]) -> list[dict[str, Any]]:
        if kind == "message_start":
            return self._start(_object(raw, "message"))
        if kind == "content_block_start":
            return self._block_start(_index(raw), _object(raw, "content_block"))
        if kind == "content_block_delta":
            return self._block_delta(_index(raw), _object(raw, "delta"))
        if kind == "content_block_stop":
            return self._block_stop(_index(raw))
        if kind == "message_delta":
            self._count(raw.get("usage"))
            delta = _object(raw, "delta")
            if delta.get("stop_reason") is not None:
                self._stop = delta
            return []
        if kind == "message_stop":
            if self._head is not None and self._stop is None:
                self._stop = {}
            return self._last()
        return []

    def _start(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        self._count(message.get("usage"))
        return [] if self._head is not None else [self._first(message)]

    def _first(self, message: dict[str, Any]) -> dict[str, Any]:
        self._head = reply.head(message, self._model, "chat.completion.chunk")
        return self._chunk({"role": "assistant", "content": ""})

    def _count(self, given: Any) -> None:
        """Counts are cumulative; what an event does not say stays."""
        if isinstance(given, dict):
            self._usage = {**self._usage, **{key: value for key, value in given.items() if value is not None}}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**(self._head or {}), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    def _say(self, delta: dict[str, Any]) -> list[dict[str, Any]]:
        out = [] if self._head is not None else [self._first({})]
        return [*out, self._chunk(delta)]

    def _block_start(self, index: int, given: dict[str, Any]) -> list[dict[str, Any]]:
        out = self._block_stop(index)
        kind = given.get("type")
        block = self._open[index] = _Block(index, kind if isinstance(kind, str) else "", given)
        if kind == "tool_use":
            return out + self._tool(block, given)
        if kind == "text":
            for item in reply.citations(given.get("citations")):
                out += self._say({"citations": [item]})
            return out + self._block_delta(index, {"type": "text_delta", "text": given.get("text")})
        if kind == "thinking":
            out += self._block_delta(index, {"type": "thinking_delta", "thinking": given.get("thinking")})
            return out + self._block_delta(index, {"type": "signature_delta", "signature": given.get("signature")})
        return out

    def _tool(self, block: _Block, given: dict[str, Any]) -> list[dict[str, Any]]:
        name = reply.tool_name(given)
        if reply.is_answer(given):
            block.answer = self._answered = True
            return []
        block.tool = self._calls
        self._calls += 1
        called = {"name": name, "arguments": ""}
        call = {"index": block.tool, "id": reply.tool_id(given), "type": "function", "function": called}
        return self._say({"tool_calls": [call]})

    def _block_delta(self, index: int, delta: dict[str, Any]) -> list[dict[str, Any]]:
        kind = delta.get("type")
        if kind == "text_delta":
            words = reply.said(delta.get("text"))
            return self._say({"content": words}) if words else []
        if kind == "citations_delta":
            cited = reply.citations([delta.get("citation")])
            return self._say({"citations": cited}) if cited else []
        block = self._open.get(index)
        if kind == "input_json_delta":
            if block is None:
                raise MalformedReply("The upstream sent arguments of a tool call that it did not begin.")
            piece = reply.said(delta.get("partial_json"))
            return self._arguments(block, piece) if piece else []
        if kind in ("thinking_delta", "signature_delta"):
            if block is None:
                block = self._open[index] = _Block(index, "thinking", {"type": "thinking"})
            signature, text = delta.get("signature"), delta.get("thinking")
            if kind == "signature_delta":
                block.signature.append(signature if isinstance(signature, str) else "")
            elif isinstance(text, str) and text:
                block.thinking.append(text)
                return self._say({"reasoning_content": text, "reasoning": text})
        return []

    def _arguments(self, block: _Block, text: str) -> list[dict[str, Any]]:
        block.json = True
        if block.answer:
            return self._say({"content": text})
        if block.tool is None:
            return []
        return self._say({"tool_calls": [{"index": block.tool, "function": {"arguments": text}}]})

    def _block_stop(self, index: int) -> list[dict[str, Any]]:
        """Arguments that never came are those of the block's start; thinking goes out whole, with its signature."""
        block = self._open.pop(index, None)
        if block is None:
            return []
        if block.kind == "tool_use" and not block.json:
            return self._arguments(block, arguments(block.start.get("input")) or "{}")
        if block.kind in ("thinking", "redacted_thinking"):
            made = {"thinking": "".join(block.thinking), "signature": "".join(block.signature)}
            entry = reply.detail({**block.start, **made}, index)
            return [] if entry is None else self._say({"reasoning_details": [entry]})
        return []

    def _ended(self) -> bool:
        return self._stop is not None

    def _finish(self) -> list[dict[str, Any]]:
        """What is still open, the finish reason, then usage."""
        stop = self._stop or {}
        out: list[dict[str, Any]] = [] if self._head is not None else [self._first({})]
        for index in list(self._open):
            out += self._block_stop(index)
        reason = stop.get("stop_reason")
        refused = reply.refusal(reason, stop.get("stop_details"))
        if refused is not None:
            out += self._say({"refusal": refused})
        out.append(self._chunk({}, reply.finish_word(reason, self._calls > 0, self._answered)))
        figures = reply.usage(self._usage)
        if figures is not None:
            out.append({**(self._head or {}), "choices": [], "usage": figures})
        return out

    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        return self._at_once(reply.parse_message, payload)


def _object(raw: dict[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    if not isinstance(value, dict):
        raise MalformedReply(f"The upstream sent an event without its {key}.")
    return value


def _index(raw: dict[str, Any]) -> int:
    index = whole(raw.get("index"))
    if index is None:
        raise MalformedReply("The upstream sent an event of a content block without its index.")
    return index
