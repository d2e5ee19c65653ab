"""Streams in OpenAI's chat format as vendors write them → inner chunks. ◇

What vendors do differently and callers never see: usage on a content chunk, on every chunk or after the finish; roles
and tool names in every delta; tool calls without index or id, or whole; several ids in one stream; finish reasons
twice; the end without ``[DONE]``. Finish reasons and usage are therefore given out at the stream's end, the last of
each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from providers import faults
from providers.adapters import openai_reply as reply
from providers.adapters.streaming import EventStreamParser
from providers.chat import finish_reason, usage, whole
from providers.errors import MalformedReply


@dataclass(slots=True)
class _Tool:
    """A tool call in the making. ``index`` is ours; nothing is given out until the name is known."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    sent: bool = False


@dataclass(slots=True)
class _Choice:
    """What has been seen of one choice. ``finish``: the vendor's last word for its end."""

    index: int
    begun: bool = False
    finish: str | None = None
    blank: bool = False
    extras: dict[str, Any] = field(default_factory=dict)
    tools: list[_Tool] = field(default_factory=list)
    by_index: dict[int, _Tool] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """xAI may end a choice with tool calls by an empty finish reason."""
        return self.finish is not None or (self.blank and bool(self.tools))


class OpenAIStream(EventStreamParser):
    """See ``EventStreamParser``."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._carried: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Any = None

    def _event(self, raw: Any, name: str | None) -> list[dict[str, Any]]:
        if name == "error" or (isinstance(raw, list) and raw and isinstance(raw[0], dict) and raw[0].get("error")):
            raise faults.within(raw)
        if not isinstance(raw, dict):
            raise MalformedReply("The upstream sent an event that is not a JSON object.")
        return self._chunk(raw)

    def _chunk(self, raw: dict[str, Any]) -> list[dict[str, Any]]:
        reply.raise_error(raw)
        choices = raw.get("choices")
        if choices is None and ("usage" in raw or "id" in raw):
            choices = []
        if not isinstance(choices, list):
            raise MalformedReply("The upstream sent an event that is no chunk of a completion.")
        self._usage = raw.get("usage") or _groq_usage(raw) or self._usage
        deltas = []
        for position, choice in enumerate(choices):
            delta = self._choice(choice, position)
            if delta is not None:
                deltas.append(delta)
        rest = reply.extras(raw)
        if not deltas:
            self._carried.update(rest)
            return []
        if self._head is None:
            self._head = reply.head(raw, self._model, "chat.completion.chunk")
        chunk = {**self._head, **self._carried, **rest, "choices": deltas}
        if self._carried:
            self._carried = {}
        return [chunk]

    def _choice(self, choice: Any, position: int) -> dict[str, Any] | None:
        if not isinstance(choice, dict):
            raise MalformedReply("The upstream sent a choice that is not an object.")
        index = whole(choice.get("index"))
        index = position if index is None else index
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice(index)
        given = choice.get("delta")
        if given is None and not state.begun:  # Perplexity repeats the whole message at the end
            given = choice.get("message")
        delta = self._delta(given if isinstance(given, dict) else {}, state)
        rest = {key: value for key, value in choice.items() if key not in reply.CHOICE_KEYS}
        reason = choice.get("finish_reason")
        reply.failed(reason, choice)
        if reason is not None:
            if reason == "":
                state.blank = True
            else:
                state.finish = reason if isinstance(reason, str) else "stop"
                state.extras, rest = rest, {}
        chances = self._logprobs(choice.get("logprobs"))
        if delta is None and chances is None:
            return None
        out = {**rest, "index": index, "delta": delta or {}, "finish_reason": None}
        return out if chances is None else {**out, "logprobs": chances}

    def _logprobs(self, given: Any) -> dict[str, Any] | None:
        return reply.logprobs(given)

    def _delta(self, given: dict[str, Any], state: _Choice) -> dict[str, Any] | None:
        """What is new in a delta; None where nothing is."""
        out: dict[str, Any] = {}
        content, thoughts = reply.text_and_reasoning(given)
        if content:
            out["content"] = content
        if thoughts:
            out["reasoning_content"] = out["reasoning"] = thoughts
        quoted = reply.references(given.get("content"))
        if quoted:
            out["citations"] = quoted
        if len(given) > 1 or not content:
            for key, value in given.items():
                if value and (key not in reply.MESSAGE_KEYS or key == "refusal"):
                    out[key] = value
            calls = given.get("tool_calls")
            if calls:
                calls = _tool_calls(calls, state)
                if calls:
                    out["tool_calls"] = calls
        if not state.begun:
            state.begun = True
            return {"role": "assistant", "content": content, **out}
        return out or None

    def _finish(self) -> list[dict[str, Any]]:
        """The end of each choice, then usage."""
        head = self._head or {}
        out: list[dict[str, Any]] = []
        for state in self._choices.values():
            choice = {
                **state.extras,
                "index": state.index,
                "delta": _last_delta(state),
                "finish_reason": finish_reason(state.finish, bool(state.tools)),
            }
            out.append({**head, **self._carried, "choices": [choice]})
            self._carried = {}
        figures = usage(self._usage)
        if figures is not None:
            out.append({**head, "choices": [], "usage": figures})
        return out

    def _ended(self) -> bool:
        enough = len(self._choices) >= self.expected
        return enough and all(choice.finished for choice in self._choices.values())

    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        return self._at_once(reply.parse_completion, payload)


def _groq_usage(raw: dict[str, Any]) -> Any:
    """Groq's counts on the last chunk, where they stand also for those who did not ask."""
    own = raw.get("x_groq")
    return own.get("usage") if isinstance(own, dict) else None


def _last_delta(state: _Choice) -> dict[str, Any]:
    """Calls that never got arguments are given empty ones; a call that never got a name cannot be told."""
    if any(not tool.sent for tool in state.tools):
        raise MalformedReply("The upstream sent a tool call without a function name.")
    empty = [
        {"index": tool.index, "function": {"arguments": "{}"}} for tool in state.tools if not tool.arguments.strip()
    ]
    return {"tool_calls": empty} if empty else {}


def _tool_calls(items: Any, state: _Choice) -> list[dict[str, Any]]:
    out = []
    for item in [items] if isinstance(items, dict) else items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            raise MalformedReply("The upstream sent a tool call that is not an object.")
        function = item.get("function")
        delta = _tool_call(item, function if isinstance(function, dict) else {}, state)
        if delta is not None:
            out.append(delta)
    return out


def _tool_call(item: dict[str, Any], function: dict[str, Any], state: _Choice) -> dict[str, Any] | None:
    """One tool call's delta: index always, id, type and name once, arguments as text."""
    identifier, name = item.get("id"), function.get("name")
    identifier = identifier if isinstance(identifier, str) else ""
    name = name if isinstance(name, str) else ""
    tool = _find(state, whole(item.get("index")), identifier, name)
    if isinstance(item.get("custom"), dict):
        tool.sent, tool.arguments = True, "{}"
        return {**item, "index": tool.index}
    tool.id = tool.id or identifier
    text = reply.arguments(function.get("arguments"))
    tool.arguments += text
    rest = {key: value for key, value in item.items() if key not in ("index", "id", "type", "function") and value}
    if tool.sent:
        if not text and not rest:
            return None
        return {"index": tool.index, **rest, **({"function": {"arguments": text}} if text else {})}
    tool.name = tool.name or name
    if not tool.name:
        return None
    tool.sent = True
    tool.id = tool.id or reply.call_id()
    called = {"name": tool.name, "arguments": tool.arguments}
    return {"index": tool.index, "id": tool.id, "type": "function", **rest, "function": called}


def _find(state: _Choice, index: int | None, identifier: str, name: str) -> _Tool:
    """The call that a delta belongs to: by index; without one by id, or the last. A new one where none fits.

    Gemini's compatible endpoint gives all parallel calls the index 0: another id with a name, after whole arguments, is
    another call.
    """
    if index is not None:
        tool = state.by_index.get(index)
        another = tool is not None and name and identifier and tool.id != identifier and _is_json(tool.arguments)
        if tool is not None and not another:
            return tool
    else:
        same = [tool for tool in state.tools if tool.id == identifier] if identifier else state.tools[-1:]
        if same and not (name and not identifier and same[0].sent):
            return same[0]
    tool = _Tool(len(state.tools))
    state.tools.append(tool)
    state.by_index[tool.index if index is None else index] = tool
    return tool


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
