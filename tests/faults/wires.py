"""One answer of sixty tokens, and what can be said instead of it, in the words of three wire formats."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from tests.upstream import event

TOKENS = ("w0", *(f" w{number}" for number in range(1, 60)))
TEXT = "".join(TOKENS)
PROMPT_TOKENS, ANSWER_TOKENS = 7, 60


class Wire(ABC):
    """How one kind of vendor answers. ``base`` ends its base URL; ``words``: error type by what is meant."""

    name: ClassVar[str]
    kind: ClassVar[str]
    base: ClassVar[str]
    done: ClassVar[bytes] = b""

    @abstractmethod
    def whole(self, text: str, model: str) -> bytes: ...

    @abstractmethod
    def begin(self, model: str) -> bytes:
        """What comes before the first content."""

    @abstractmethod
    def tokens(self, tokens: Iterable[str]) -> list[bytes]: ...

    @abstractmethod
    def finish(self) -> bytes:
        """Finish reason and usage, without the terminal event."""

    @abstractmethod
    def error(self, status: int, message: str, word: str = "") -> dict[str, Any]: ...

    @abstractmethod
    def begun(self, body: Any) -> str | None:
        """The beginning of an answer that the request asks to be continued, or None."""


class OpenAI(Wire):
    name = "openai"
    kind = "openai-compatible"
    base = "/v1"
    done = event(b"[DONE]")
    _head: ClassVar[dict[str, Any]] = {"id": "chatcmpl-1", "created": 1700000000}
    _usage: ClassVar[dict[str, Any]] = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": ANSWER_TOKENS,
        "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS,
    }

    def __init__(self) -> None:
        self._chunk = {**self._head, "object": "chat.completion.chunk", "model": ""}

    def whole(self, text: str, model: str) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        body = {**self._head, "object": "chat.completion", "model": model, "choices": [choice], "usage": self._usage}
        return json.dumps(body).encode()

    def begin(self, model: str) -> bytes:
        return self._event({"role": "assistant", "content": ""}, model=model)

    def tokens(self, tokens: Iterable[str]) -> list[bytes]:
        return [self._event({"content": token}) for token in tokens]

    def finish(self) -> bytes:
        return self._event({}, "stop") + event({**self._chunk, "choices": [], "usage": self._usage})

    def error(self, status: int, message: str, word: str = "") -> dict[str, Any]:
        type_ = "invalid_request_error" if 400 <= status < 429 else "server_error"
        return {"error": {"message": message, "type": type_, "param": None, "code": word or None}}

    def begun(self, body: Any) -> str | None:
        last = body["messages"][-1]
        return last["content"] if last["role"] == "assistant" else None

    def _event(self, delta: dict[str, Any], finish: str | None = None, model: str = "") -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event({**self._chunk, "model": model, "choices": [choice]})


class Anthropic(Wire):
    name = "anthropic"
    kind = "anthropic"
    base = ""
    done = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'

    def whole(self, text: str, model: str) -> bytes:
        usage = {"input_tokens": PROMPT_TOKENS, "output_tokens": ANSWER_TOKENS}
        body = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "usage": usage}
        ended = {"stop_reason": "end_turn", "stop_sequence": None}
        return json.dumps({**body, **ended, "content": [{"type": "text", "text": text}]}).encode()

    def begin(self, model: str) -> bytes:
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
        message |= {"stop_reason": None, "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 1}}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return self._event({"type": "message_start", "message": message}) + self._event(block)

    def tokens(self, tokens: Iterable[str]) -> list[bytes]:
        start = {"type": "content_block_delta", "index": 0}
        return [self._event({**start, "delta": {"type": "text_delta", "text": token}}) for token in tokens]

    def finish(self) -> bytes:
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        stop = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": ANSWER_TOKENS}}
        return self._event({"type": "content_block_stop", "index": 0}) + self._event(stop)

    def error(self, status: int, message: str, word: str = "") -> dict[str, Any]:
        types = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error", 503: "overloaded_error"}
        return {"type": "error", "error": {"type": types.get(status, "api_error"), "message": message}}

    def begun(self, body: Any) -> str | None:
        last = body["messages"][-1]
        if last["role"] != "assistant":
            return None
        content = last["content"]
        return content if isinstance(content, str) else "".join(block["text"] for block in content)

    def _event(self, data: dict[str, Any]) -> bytes:
        return f"event: {data['type']}\n".encode() + event(data)


class Gemini(Wire):
    name = "gemini"
    kind = "google"
    base = "/v1beta"

    def whole(self, text: str, model: str) -> bytes:
        return json.dumps({**self._said(text, "STOP"), "usageMetadata": self._usage, "modelVersion": model}).encode()

    def begin(self, model: str) -> bytes:
        return event({"responseId": "r-1", "modelVersion": model, "usageMetadata": {"promptTokenCount": PROMPT_TOKENS}})

    def tokens(self, tokens: Iterable[str]) -> list[bytes]:
        return [event(self._said(token)) for token in tokens]

    def finish(self) -> bytes:
        return event({**self._said("", "STOP"), "usageMetadata": self._usage})

    def error(self, status: int, message: str, word: str = "") -> dict[str, Any]:
        words = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        return {"error": {"code": status, "message": message, "status": words.get(status, "INTERNAL")}}

    def begun(self, body: Any) -> str | None:
        last = body["contents"][-1]
        return "".join(part["text"] for part in last["parts"]) if last["role"] == "model" else None

    _usage: ClassVar[dict[str, Any]] = {
        "promptTokenCount": PROMPT_TOKENS,
        "candidatesTokenCount": ANSWER_TOKENS,
        "totalTokenCount": PROMPT_TOKENS + ANSWER_TOKENS,
    }

    def _said(self, text: str, finish: str = "") -> dict[str, Any]:
        candidate: dict[str, Any] = {
            "content": {"role": "model", "parts": [{"text": text}] if text else []},
            "index": 0,
        }
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "responseId": "r-1"}


WIRES: tuple[Wire, ...] = (OpenAI(), Anthropic(), Gemini())
