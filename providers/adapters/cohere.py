"""Cohere's formats, version 2, outbound: chat, embed, rerank, transcriptions. ◇

Source: Cohere API reference, ``POST /v2/chat``, its stream events and errors, ``/v2/embed``, ``/v2/rerank``; recorded
traffic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from providers import faults
from providers.adapters.base import Adapter, StreamParser, dump, register
from providers.adapters.cohere_embed import parse_embed, render_embed
from providers.adapters.cohere_reply import parse_chat
from providers.adapters.cohere_request import render_body
from providers.adapters.cohere_rerank import render_rerank
from providers.adapters.cohere_stream import CohereStream
from providers.adapters.cohere_transcripts import render_transcription
from providers.adapters.openai_transcripts import TranscriptStream, parse_transcription
from providers.adapters.rankings import parse_ranking
from providers.chat import Call
from providers.errors import CredentialRejected, RateLimited, UpstreamError
from providers.wire import Rendered, Target

WHOLE = {"Content-Type": "application/json", "Accept": "application/json"}
STREAM = {"Content-Type": "application/json", "Accept": "text/event-stream"}

RENDER: Mapping[str, Callable[[Call, Target], tuple[dict[str, Any], tuple[str, ...]]]] = {
    "chat": render_body,
    "embeddings": render_embed,
    "rerank": render_rerank,
}
PARSE: Mapping[str, Callable[[bytes, str], dict[str, Any]]] = {
    "chat": parse_chat,
    "embeddings": parse_embed,
    "rerank": parse_ranking,
    "transcription": parse_transcription,
}

# "You are using a Trial key, which is limited to 1000 API calls / month": waiting a second does not help.
MONTHLY = re.compile(r"(/|per|a) ?month|monthly", re.I)

STREAMS: Mapping[str, Callable[[str], StreamParser]] = {"chat": CohereStream, "transcription": TranscriptStream}


@register
class Cohere(Adapter):
    """See ``base.Adapter``."""

    name: ClassVar[str] = "cohere"
    paths: ClassVar[Mapping[str, str]] = {
        "chat": "/v2/chat",
        "embeddings": "/v2/embed",
        "rerank": "/v2/rerank",
        "transcription": "/v2/audio/transcriptions",
        "models": "/v1/models",
    }
    spare: ClassVar[tuple[str, ...]] = ("/v1", "/v2")

    def render(self, call: Call, target: Target) -> Rendered:
        path = target.paths.get(call.operation) or self.paths[call.operation]
        if call.operation == "transcription":
            return render_transcription(call, target, path)
        body, dropped = RENDER[call.operation](call, target)
        return Rendered(path, dump(body), STREAM if call.stream else WHOLE, dropped=dropped)

    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        return PARSE[operation](payload, target.upstream_model)

    def open_stream(self, operation: str, target: Target) -> StreamParser:
        return STREAMS[operation](target.upstream_model)

    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        error = faults.classify(status, headers, payload)
        if isinstance(error, RateLimited) and MONTHLY.search(error.message):
            return CredentialRejected(error.message, status=status, type=error.type, code=error.code)
        return error
