"""A caller of the gateway on a plain socket, and what it heard."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from typing import Any

LONGEST = 150.0  # seconds until a caller gives up, so that a hanging gateway ends as a failure


@dataclass
class Heard:
    """One answer as its caller read it. ``events``: a stream's data; ``broke``: how the line broke before its end."""

    caller: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    left_at: float | None = None
    broke: str = ""

    @property
    def done(self) -> bool:
        return bool(self.events) and self.events[-1] == "[DONE]"

    @cached_property
    def _chunks(self) -> list[Any]:
        if self.events:
            return [event for event in self.events if event != "[DONE]"]
        return [json.loads(self.body)] if self.status == 200 and self.body.startswith(b"{") else []

    @property
    def _choices(self) -> list[Any]:
        return [choice for chunk in self._chunks for choice in chunk.get("choices", ())]

    @property
    def text(self) -> str:
        said = [choice.get("delta") or choice.get("message") or {} for choice in self._choices]
        return "".join(each.get("content") or "" for each in said)

    @property
    def finishes(self) -> list[str]:
        return [choice["finish_reason"] for choice in self._choices if choice.get("finish_reason")]

    @property
    def usages(self) -> list[Any]:
        return [chunk["usage"] for chunk in self._chunks if chunk.get("usage")]

    @property
    def models(self) -> set[str]:
        return {chunk["model"] for chunk in self._chunks if chunk.get("model")}

    @property
    def error(self) -> Any:
        """The error object of the reply, or of the stream's last event."""
        if self.events:
            return self.events[-1].get("error") if isinstance(self.events[-1], dict) else None
        return json.loads(self.body).get("error") if self.body.startswith(b"{") else None

    @property
    def answered_by(self) -> str:
        return self.headers.get("x-gateway-endpoint", "").rpartition(" ")[2]


def question(model: str, caller: str, streamed: bool) -> bytes:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": f"I am caller {caller}."}]}
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


def ask(port: int, key: str, body: bytes, caller: str) -> Heard:
    """Asks and reads to the end. Never raises for what the other side does."""
    heard = Heard(caller)
    begun = time.monotonic()
    line = HTTPConnection("127.0.0.1", port, timeout=LONGEST)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        line.request("POST", "/v1/chat/completions", body, headers)
        answer = line.getresponse()
        heard.status = answer.status
        heard.headers = {name.lower(): value for name, value in answer.getheaders()}
        heard.body = answer.read()
    except (OSError, HTTPException) as error:
        heard.broke = repr(error)
    finally:
        line.close()
    heard.seconds = time.monotonic() - begun
    if heard.headers.get("content-type", "").startswith("text/event-stream"):
        lines = [part for part in heard.body.decode().split("\n\n") if part.startswith("data: ")]
        heard.events = [part if part == "[DONE]" else json.loads(part) for part in (line[6:] for line in lines)]
    return heard


def leave(port: int, key: str, body: bytes, heard: Heard, when: Callable[[socket.socket], None]) -> Heard:
    """Asks, and hangs up as soon as ``when`` returns."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        when(line)
        heard.left_at = time.monotonic()
    heard.seconds = time.monotonic() - begun
    return heard
