"""Streams of streamGenerateContent → inner chunks. ◇

Each event is a whole GenerateContentResponse with what is new; there are no event names and no terminal event, so that
only a finish reason of every candidate (or a refused prompt) makes an answer complete. Usage stands on every event and
may still change: the last one counts, and is given out with the finish reasons at the end. Without ``alt=sse`` the same
objects come as one JSON list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from providers.adapters import gemini_reply as reply
from providers.adapters.base import load
from providers.adapters.streaming import EventStreamParser


@dataclass(slots=True)
class _Choice:
    """What has been seen of one candidate. ``calls`` and ``details``: how many."""

    index: int
    begun: bool = False
    reason: str | None = None
    calls: int = 0
    details: int = 0
    images: int = 0
    extras: dict[str, Any] = field(default_factory=dict)


class GeminiStream(EventStreamParser):
    """See ``EventStreamParser``."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._choices: dict[int, _Choice] = {}
        self._feedback: Any = None
        self._blocked = False
        self._usage: dict[str, Any] | None = None

    def _event(self, raw: Any, name: str | None) -> list[dict[str, Any]]:
        return self._response(raw)

    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        """Without ``alt=sse``: the same objects in one list, or one of them alone."""
        raw = load(payload)
        out: list[dict[str, Any]] = []
        for item in raw if isinstance(raw, list) else [raw]:
            out += self._response(item)
        return out + self._last()

    def _response(self, given: Any) -> list[dict[str, Any]]:
        raw = reply.check(given)
        counts = reply.figures(raw.get("usageMetadata"))
        if counts is not None:
            self._usage = counts
        if raw.get("promptFeedback"):
            self._feedback = raw["promptFeedback"]
        self._blocked = self._blocked or reply.blocked(raw)
        if self._head is None:
            self._head = reply.identity(raw, self._model, "chat.completion.chunk")
        deltas = []
        for index, candidate in reply.candidates(raw):
            delta = self._candidate(index, candidate)
            if delta is not None:
                deltas.append(delta)
        return [{**self._head, "choices": deltas}] if deltas else []

    def _candidate(self, index: int, candidate: dict[str, Any]) -> dict[str, Any] | None:
        """What is new of one candidate, as a choice; None where nothing is."""
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice(index)
        piece = reply.read(candidate, state.details)
        state.reason = piece.reason or state.reason
        state.extras.update(piece.extras)
        delta = piece.said()
        text = "".join(piece.text)
        if text:
            delta["content"] = text
        if piece.images:
            delta["images"] = [{**image, "index": state.images + image["index"]} for image in piece.images]
        if piece.calls:
            delta["tool_calls"] = [{"index": state.calls + place, **call} for place, call in enumerate(piece.calls)]
        state.calls += len(piece.calls)
        state.details += len(piece.details)
        state.images += len(piece.images)
        if not delta and piece.logprobs is None:
            return None
        if not state.begun:
            state.begun = True
            delta = {"role": "assistant", "content": None, **delta}
        choice = {"index": index, "delta": delta, "finish_reason": None}
        return choice if piece.logprobs is None else {**choice, "logprobs": piece.logprobs}

    def _finish(self) -> list[dict[str, Any]]:
        """The end of each choice, then usage."""
        head = self._head or {}
        feedback = {"promptFeedback": self._feedback} if self._feedback else {}
        out: list[dict[str, Any]] = []
        for state in list(self._choices.values()) or [_Choice(0)]:
            choice = {
                **state.extras,
                "index": state.index,
                "delta": {} if state.begun else {"role": "assistant", "content": None},
                "finish_reason": reply.finish(state.reason or "SAFETY", state.calls > 0),
            }
            out.append({**head, **feedback, "choices": [choice]})
        if self._usage is not None:
            out.append({**head, "choices": [], "usage": self._usage})
        return out

    def _ended(self) -> bool:
        if self._blocked:
            return True
        enough = len(self._choices) >= (self.expected or 1)
        return enough and all(choice.reason is not None for choice in self._choices.values())
