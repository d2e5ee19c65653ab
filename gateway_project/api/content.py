"""What one request asked and was answered, gathered for a key whose content is logged. Others have none of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from metrics import contents


class Content:
    """``prompt``: the body as it was sent; ``answer``: a whole reply, in the inner form. Streams are noted by chunk."""

    def __init__(self, prompt: Any) -> None:
        self.prompt = prompt
        self.answer: Mapping[str, Any] | None = None
        self._choices: dict[int, dict[str, Any]] = {}
        self._left = settings.CONTENT_MAX_BYTES + contents.MARGIN
        self._cut = False

    def note(self, chunk: Mapping[str, Any]) -> None:
        """One chunk of a stream; beyond the cap only its end is heeded."""
        for part in chunk.get("choices") or ():
            choice = self._choices.setdefault(part.get("index") or 0, {})
            delta = part.get("delta") or {}
            for name in ("content", "reasoning_content", "reasoning", "refusal"):
                self._add(choice, name, delta.get(name))
            for call in delta.get("tool_calls") or ():
                calls = choice.setdefault("tool_calls", {})
                said = call.get("function") or {}
                known = calls.setdefault(call.get("index") or 0, {})
                self._add(known, "name", said.get("name"))
                self._add(known, "arguments", said.get("arguments"))
            if part.get("finish_reason"):
                choice["finish_reason"] = part["finish_reason"]

    def _add(self, to: dict[str, Any], name: str, text: Any) -> None:
        if not isinstance(text, str) or not text:
            return
        if self._left <= 0:
            self._cut = True
            return
        self._left -= len(text)
        to.setdefault(name, []).append(text)

    def keep(self, request: str, at: float, api_key: str) -> None:
        """Into the spool, redacted; once, when the request is over."""
        contents.keep({"id": request, "at": at, "api_key": api_key}, self.prompt, self._answered(), self._cut)

    def _answered(self) -> Any:
        if self.answer is not None or not self._choices:
            return self.answer
        return {"choices": [_joined(choice) for _, choice in sorted(self._choices.items())]}


def _joined(choice: Mapping[str, Any]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for name, value in choice.items():
        if name == "tool_calls":
            joined[name] = [_joined(call) for _, call in sorted(value.items())]
        else:
            joined[name] = "".join(value) if isinstance(value, list) else value
    return joined
