"""OpenAI's formats, outbound, with the differences of the vendors that speak them. ◇

Source: OpenAI API reference; ``providers.quirks`` for the vendors. Each operation has a line in each table below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from providers import faults
from providers.adapters.base import Adapter, StreamParser, dump, register
from providers.adapters.openai_embeddings import parse_embeddings, render_embeddings
from providers.adapters.openai_paths import path_of
from providers.adapters.openai_reply import parse_completion
from providers.adapters.openai_request import render_body
from providers.adapters.openai_rerank import render_rerank
from providers.adapters.openai_stream import OpenAIStream
from providers.adapters.openai_text import TextStream, parse_text_completion
from providers.adapters.openai_transcripts import TranscriptStream, parse_transcription, render_transcription
from providers.adapters.rankings import parse_ranking
from providers.chat import Call
from providers.errors import UpstreamError
from providers.quirks import quirks_of
from providers.wire import Rendered, Target

WHOLE = {"Content-Type": "application/json", "Accept": "application/json"}
STREAM = {"Content-Type": "application/json", "Accept": "text/event-stream"}

# → the body to send, and the names of what was left out.
RENDER: Mapping[str, Callable[[Call, Target], tuple[dict[str, Any], tuple[str, ...]]]] = {
    "chat": render_body,
    "completions": render_body,
    "embeddings": render_embeddings,
    "rerank": render_rerank,
}
PARSE: Mapping[str, Callable[[bytes, Target], dict[str, Any]]] = {
    "chat": lambda payload, target: parse_completion(payload, target.upstream_model),
    "completions": lambda payload, target: parse_text_completion(payload, target.upstream_model),
    "embeddings": parse_embeddings,
    "rerank": lambda payload, target: parse_ranking(payload, target.upstream_model),
    "transcription": lambda payload, target: parse_transcription(payload, target.upstream_model),
}
STREAMS: Mapping[str, Callable[[str], StreamParser]] = {
    "chat": OpenAIStream,
    "completions": TextStream,
    "transcription": TranscriptStream,
}


@register
class OpenAI(Adapter):
    """See ``base.Adapter``."""

    name: ClassVar[str] = "openai"
    paths: ClassVar[Mapping[str, str]] = {
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "rerank": "/rerank",
        "transcription": "/audio/transcriptions",
        "models": "/models",
    }

    def inlines(self, url: str, target: Target) -> bool:
        return quirks_of(target.kind).inline_pictures

    def takes_functions(self, target: Target) -> bool:
        return quirks_of(target.kind).functions

    def prefills(self, target: Target) -> bool:
        return bool(quirks_of(target.kind).prefill)

    def render(self, call: Call, target: Target) -> Rendered:
        path = path_of(call.operation, target, self.paths[call.operation])
        if call.operation == "transcription":
            return render_transcription(call, target, path)
        body, dropped = RENDER[call.operation](call, target)
        return Rendered(path, dump(body), STREAM if call.stream else WHOLE, dropped=dropped)

    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        return PARSE[operation](payload, target)

    def open_stream(self, operation: str, target: Target) -> StreamParser:
        return STREAMS[operation](target.upstream_model)

    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        return faults.classify(status, headers, payload)
