"""What the tests of the gemini adapter share: requests as they are sent, replies and streams as they come back."""

from __future__ import annotations

import json
from typing import Any

from providers.adapters import ADAPTERS
from providers.adapters.base import StreamParser
from providers.chat import Call
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["gemini"]
HELLO = [{"role": "user", "content": "Hello"}]
SAID = [{"role": "user", "parts": [{"text": "Hello"}]}]
TOOL = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def target(model: str = "gemini-2.5-flash", **more: Any) -> Target:
    return Target("google", "google", "gemini", "https://vendor.test/v1beta", model, **more)


def rendered(model: str = "gemini-2.5-flash", *, strict: bool = False, stream: bool = False, **body: Any) -> Rendered:
    body = {"messages": HELLO, **body}
    extra = body.pop("extra", {})
    before = json.dumps(body)
    try:
        return ADAPTER.say(Call("chat", body, stream, strict), target(model, extra_body=extra))
    finally:
        assert json.dumps(body) == before, "nothing of the caller's is changed in place"


def sent(model: str = "gemini-2.5-flash", **body: Any) -> dict[str, Any]:
    got: dict[str, Any] = json.loads(rendered(model, **body).body)
    return got


def event(*parts: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [*parts]}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "m", **more}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\r\n\r\n" for e in events)


def opened(expected: int = 1) -> StreamParser:
    parser = ADAPTER.open_stream("chat", target())
    parser.expected = expected
    return parser


def read(*events: Any) -> list[dict[str, Any]]:
    parser = opened()
    return parser.feed(sse(*events)) + parser.end()


def parse(raw: Any) -> dict[str, Any]:
    return ADAPTER.parse("chat", raw if isinstance(raw, bytes) else json.dumps(raw).encode(), target())


def called(identifier: str, name: str = "tide", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}, **more}
