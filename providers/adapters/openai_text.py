"""Replies in OpenAI's legacy completions format, whole and streamed → the inner form, which is chat's. ◇

A choice's ``text`` becomes the content of a message or delta; its ``logprobs`` (lists beside each other) stay what they
are. Replies that are chat's already (Mistral's fill in the middle) are read as such.
"""

from __future__ import annotations

from typing import Any

from providers.adapters import openai_reply as reply
from providers.adapters.openai_stream import OpenAIStream
from providers.errors import MalformedReply


def parse_text_completion(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply → ``chat.completion``. See ``openai_reply.parse_completion``."""
    return reply.parse_completion(payload, model, _read_choice)


class TextStream(OpenAIStream):
    """See ``EventStreamParser``."""

    def _choice(self, choice: Any, position: int) -> dict[str, Any] | None:
        return super()._choice(_as_chat(choice, "delta"), position)

    def _logprobs(self, given: Any) -> dict[str, Any] | None:
        return _logprobs(given)

    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        return self._at_once(parse_text_completion, payload)


def _read_choice(choice: Any, position: int) -> dict[str, Any]:
    choice = _as_chat(choice, "message")
    out = reply.read_choice(choice, position)
    return {**out, "logprobs": _logprobs(choice.get("logprobs"))}


def _as_chat(choice: Any, place: str) -> Any:
    """``{text}`` → ``{message: {content}}``, or a delta of it."""
    if not isinstance(choice, dict) or "text" not in choice:
        return choice
    rest = {key: value for key, value in choice.items() if key != "text"}
    text = choice["text"]
    if text is not None and not isinstance(text, str):
        raise MalformedReply("The upstream's text is not a string.")
    return {**rest, place: {"content": text or ""}}


def _logprobs(given: Any) -> dict[str, Any] | None:
    return given if isinstance(given, dict) and given else None
