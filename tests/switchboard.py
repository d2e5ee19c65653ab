"""One upstream that plays many: the first part of a request's path names the script that answers it."""

from __future__ import annotations

import threading

from tests.upstream import DONE, Behaviour, Request, Upstream, chunk, event, head, reply, stream


class Switchboard(Upstream):
    """``plug("name", *script)`` and ``base_url("name")``; ``seen("name")`` are the requests read for it."""

    def __init__(self) -> None:
        super().__init__(reply({"error": {"message": "nobody plugged this in"}}, status=500))
        self._scripts: dict[str, list[Behaviour]] = {}
        self._choosing = threading.Lock()

    def plug(self, name: str, *script: Behaviour) -> None:
        self._scripts[name] = list(script)
        self.left.clear()

    def base_url(self, name: str) -> str:
        return f"{self.url}/{name}/v1"

    def seen(self, name: str) -> list[Request]:
        return [request for request in self.requests if request.target.startswith(f"/{name}/")]

    def _next(self, request: Request) -> Behaviour:
        script = self._scripts.get(request.target.split("/")[1])
        if not script:
            return super()._next(request)
        with self._choosing:
            return script.pop(0) if len(script) > 1 else script[0]


def completion(text: str = "Hello", **more: object) -> dict[str, object]:
    """A whole answer as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **more,
    }


def delta(text: str | None = None, finish: str | None = None, role: str | None = None) -> bytes:
    """One streamed event."""
    said = {name: value for name, value in (("role", role), ("content", text)) if value is not None}
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "m-1",
            "choices": [{"index": 0, "delta": said, "finish_reason": finish}],
        }
    )


USAGE = event(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m-1",
        "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
)


def whole_stream(*words: str) -> Behaviour:
    """A complete stream of ``words``."""
    return stream(delta("", role="assistant"), *(delta(word) for word in words), delta(finish="stop"), USAGE, DONE)


__all__ = [
    "DONE",
    "USAGE",
    "Switchboard",
    "chunk",
    "completion",
    "delta",
    "event",
    "head",
    "reply",
    "stream",
    "whole_stream",
]
