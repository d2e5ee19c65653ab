"""Streams of Cohere's chat, version 2 → inner chunks. ◇

``message-end`` is the terminal event and brings finish reason and usage; a ``[DONE]`` may follow it, which says nothing
more. Events of kinds that are not known are passed over; without ``type`` they are named by the ``event:`` line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from providers.adapters import cohere_reply as reply
from providers.adapters import openai_reply as shared
from providers.adapters.cohere_messages import unescape_name
from providers.adapters.streaming import EventStreamParser
from providers.chat import whole
from providers.errors import MalformedReply


@dataclass(slots=True)
class _Tool:
    """A tool call in the making. ``index`` is ours."""

    index: int
    empty: bool = True


class CohereStream(EventStreamParser):
    """See ``EventStreamParser``."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._role_sent = False
        self._end: dict[str, Any] | None = None
        self._tools: list[_Tool] = []
        self._by_index: dict[int | None, _Tool] = {}
        self._thinking: list[str] = []
        self._plan: list[str] = []

    def _event(self, raw: Any, name: str | None) -> list[dict[str, Any]]:
        if not isinstance(raw, dict):
            raise MalformedReply("The upstream sent an event that is not a JSON object.")
        kind = raw.get("type") or name
        handle = HANDLERS.get(kind) if isinstance(kind, str) else None
        if handle is None:
            reply.raise_error(raw)
            if kind == "error" or not isinstance(kind, str):
                raise MalformedReply("The upstream sent an event that is none of a chat.")
            return []
        delta = raw.get("delta")
        if delta is None and kind not in ("message-end", "content-delta"):
            delta = {}
        if not isinstance(delta, dict):
            raise MalformedReply("The upstream sent an event without its delta.")
        return handle(self, raw, delta)

    def _message_start(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        if self._head is None:
            self._head = shared.head({"id": raw.get("id")}, self._model, "chat.completion.chunk")
        return [] if self._role_sent else [self._chunk({"content": ""})]

    def _content(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        """The beginning of a part of the content, or more of it. Which it is, text or thinking, its key tells."""
        given = _message(delta).get("content")
        if isinstance(given, str):
            given = {"text": given}
        text, thought = (given.get("text"), given.get("thinking")) if isinstance(given, dict) else (None, None)
        out: dict[str, Any] = {}
        if text is not None and not isinstance(text, str):
            raise MalformedReply("The upstream's text is not text.")
        if text:
            out["content"] = text
        if isinstance(thought, str) and thought:
            self._thinking.append(thought)
            out["reasoning_content"] = out["reasoning"] = thought
        chances = reply.logprobs(raw.get("logprobs"))
        return [self._chunk(out, chances)] if out or chances else []

    def _tool_plan(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        text = _message(delta).get("tool_plan")
        if not isinstance(text, str) or not text:
            return []
        shown = f"\n\n{text}" if self._thinking and not self._plan else text
        self._plan.append(text)
        return [self._chunk({"reasoning_content": shown, "reasoning": shown})]

    def _tool_start(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        call, function = _call(delta)
        name, identifier = function.get("name"), call.get("id")
        if not isinstance(name, str) or not name:
            raise MalformedReply("The upstream sent a tool call without a function name.")
        tool = _Tool(len(self._tools))
        self._tools.append(tool)
        self._by_index[whole(raw.get("index"))] = tool
        text = shared.arguments(function.get("arguments"))
        tool.empty = not text.strip()
        begun = {
            "index": tool.index,
            "id": identifier if isinstance(identifier, str) and identifier else shared.call_id(),
            "type": "function",
            "function": {"name": unescape_name(name), "arguments": text},
        }
        return [self._chunk({"tool_calls": [begun]})]

    def _tool_delta(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        tool = self._by_index.get(whole(raw.get("index")))
        if tool is None:
            raise MalformedReply("The upstream sent arguments of a tool call that it had not begun.")
        text = shared.arguments(_call(delta)[1].get("arguments"))
        if not text:
            return []
        tool.empty = tool.empty and not text.strip()
        return [self._chunk({"tool_calls": [{"index": tool.index, "function": {"arguments": text}}]})]

    def _citation(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        given = _message(delta).get("citations")
        citations = [given] if isinstance(given, dict) else given
        return [self._chunk({"citations": citations})] if isinstance(citations, list) and citations else []

    def _message_end(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        reply.failed(delta.get("finish_reason"), delta.get("error"))
        self._end = delta
        return self._last()

    def _ended(self) -> bool:
        return self._end is not None

    def _finish(self) -> list[dict[str, Any]]:
        """The finish reason, with what was held back until now, then usage."""
        end = self._end or {}
        last: dict[str, Any] = {}
        empty = [{"index": tool.index, "function": {"arguments": "{}"}} for tool in self._tools if tool.empty]
        if empty:
            last["tool_calls"] = empty
        if self._tools and self._thinking:
            last["reasoning_details"] = reply.details("".join(self._thinking), "".join(self._plan))
        chunk = self._chunk(last)
        chunk["choices"][0]["finish_reason"] = reply.finish(end.get("finish_reason"), bool(self._tools))
        figures = reply.count(end.get("usage"))
        return [chunk] if figures is None else [chunk, {**(self._head or {}), "choices": [], "usage": figures}]

    def _nothing(self, raw: dict[str, Any], delta: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def _chunk(self, delta: dict[str, Any], chances: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._head is None:
            self._head = shared.head({}, self._model, "chat.completion.chunk")
        if not self._role_sent:
            self._role_sent = True
            delta = {"role": "assistant", **delta}
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
        if chances is not None:
            choice["logprobs"] = chances
        return {**self._head, "choices": [choice]}

    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        return self._at_once(reply.parse_chat, payload)


Handler = Callable[[CohereStream, dict[str, Any], dict[str, Any]], list[dict[str, Any]]]
HANDLERS: dict[str, Handler] = {
    "message-start": CohereStream._message_start,
    "content-start": CohereStream._content,
    "content-delta": CohereStream._content,
    "content-end": CohereStream._nothing,
    "tool-plan-delta": CohereStream._tool_plan,
    "tool-call-start": CohereStream._tool_start,
    "tool-call-delta": CohereStream._tool_delta,
    "tool-call-end": CohereStream._nothing,
    "citation-start": CohereStream._citation,
    "citation-end": CohereStream._nothing,
    "message-end": CohereStream._message_end,
    "debug": CohereStream._nothing,
}


def _message(delta: dict[str, Any]) -> dict[str, Any]:
    message = delta.get("message")
    return message if isinstance(message, dict) else {}


def _call(delta: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tool call of an event, an object although its key is a plural, and its function."""
    call = _message(delta).get("tool_calls")
    if isinstance(call, list) and len(call) == 1:
        call = call[0]
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise MalformedReply("The upstream sent an event of a tool call that holds none.")
    return call, function
