"""Ollama's own format, outbound: chat, embeddings. ◇

Source: Ollama API reference, ``POST /api/chat`` (streams are lines of JSON) and ``POST /api/embed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from providers import faults
from providers.adapters.base import Adapter, StreamParser, dump, register
from providers.adapters.ollama_reply import parse_chat, parse_embeddings
from providers.adapters.ollama_request import render_chat, render_embed
from providers.adapters.ollama_stream import OllamaStream
from providers.chat import Call
from providers.errors import UpstreamError
from providers.wire import Rendered, Target

WHOLE = {"Content-Type": "application/json", "Accept": "application/json"}
STREAM = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
RENDER = {"chat": render_chat, "embeddings": render_embed}
PARSE = {"chat": parse_chat, "embeddings": parse_embeddings}


@register
class Ollama(Adapter):
    """See ``base.Adapter``."""

    name: ClassVar[str] = "ollama"
    paths: ClassVar[Mapping[str, str]] = {"chat": "/api/chat", "embeddings": "/api/embed", "models": "/api/tags"}
    spare: ClassVar[tuple[str, ...]] = ("/api",)

    def inlines(self, url: str, target: Target) -> bool:
        return True

    def render(self, call: Call, target: Target) -> Rendered:
        body, dropped = RENDER[call.operation](call, target)
        return Rendered(self.paths[call.operation], dump(body), STREAM if call.stream else WHOLE, dropped=dropped)

    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        return PARSE[operation](payload, target.upstream_model)

    def open_stream(self, operation: str, target: Target) -> StreamParser:
        return OllamaStream(target.upstream_model)

    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        return faults.classify(status, headers, payload)
