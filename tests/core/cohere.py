"""What the tests of the cohere adapter share: requests, events and replies in few words."""

from __future__ import annotations

import json
from typing import Any

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["cohere"]
HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def target(model: str = "command-a-reasoning-08-2025", **more: Any) -> Target:
    return Target("vendor", "cohere", "cohere", "https://vendor.test", model, **more)


def rendered(strict: bool = False, model: str = "command-a-reasoning-08-2025", **body: Any) -> Rendered:
    given = {"messages": HELLO, **body}
    before = json.dumps(given)
    try:
        return ADAPTER.say(Call("chat", given, strict=strict), target(model))
    finally:
        assert json.dumps(given) == before, "nothing of the caller's is changed in place"


def sent(**body: Any) -> dict[str, Any]:
    got: dict[str, Any] = json.loads(rendered(**body).body)
    return {key: value for key, value in got.items() if key not in ("model", "stream")}


def tool(name: str, **more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def call(identifier: str, name: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"type": kind, "delta": {"message": message}}
    return out if index is None else {**out, "index": index}


def ending(reason: str | None = "COMPLETE", **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, **more}}


START = {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}}
TEXT = event("content-delta", 0, content={"text": "Hal"})


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def read(*events: Any) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("chat", target())
    return parser.feed(sse(*events)) + parser.end()


def parse(raw: Any) -> dict[str, Any]:
    return ADAPTER.parse("chat", raw if isinstance(raw, bytes) else json.dumps(raw).encode(), target())


def whole(reason: str = "COMPLETE", **message: Any) -> dict[str, Any]:
    return {"id": "w1", "message": {"role": "assistant", **message}, "finish_reason": reason}


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
