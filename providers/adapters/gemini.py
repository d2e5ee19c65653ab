"""Google Gemini's generateContent and batchEmbedContents, outbound. ◇

Source: Gemini API reference (v1beta), models.generateContent, models.streamGenerateContent, models.batchEmbedContents.
The path names the model and what is asked of it, so it is made for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from providers import faults
from providers.adapters.base import Adapter, StreamParser, dump, register
from providers.adapters.gemini_embed import parse_embeddings, render_embeddings
from providers.adapters.gemini_messages import OWN_URLS
from providers.adapters.gemini_reply import parse_response
from providers.adapters.gemini_request import render_body
from providers.adapters.gemini_stream import GeminiStream
from providers.chat import Call
from providers.errors import UpstreamError
from providers.wire import Rendered, Target

WHOLE = {"Content-Type": "application/json", "Accept": "application/json"}
STREAM = {"Content-Type": "application/json", "Accept": "text/event-stream"}

RENDER: Mapping[str, Callable[[Call, Target], tuple[dict[str, Any], tuple[str, ...]]]] = {
    "chat": render_body,
    "embeddings": render_embeddings,
}
PARSE: Mapping[str, Callable[[bytes, str], dict[str, Any]]] = {"chat": parse_response, "embeddings": parse_embeddings}
VERBS = {"chat": "generateContent", "embeddings": "batchEmbedContents"}


@register
class Gemini(Adapter):
    """See ``base.Adapter``. Paths are without their endings, which the model, the operation and streaming decide."""

    name: ClassVar[str] = "gemini"
    paths: ClassVar[Mapping[str, str]] = {"chat": "/models", "embeddings": "/models", "models": "/models"}

    def inlines(self, url: str, target: Target) -> bool:
        return not OWN_URLS.match(url)

    def render(self, call: Call, target: Target) -> Rendered:
        body, dropped = RENDER[call.operation](call, target)
        verb = "streamGenerateContent?alt=sse" if call.stream else VERBS[call.operation]
        path = _path(self.paths[call.operation], target.upstream_model, verb)
        return Rendered(path, dump(body), STREAM if call.stream else WHOLE, dropped=dropped)

    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        return PARSE[operation](payload, target.upstream_model)

    def open_stream(self, operation: str, target: Target) -> StreamParser:
        return GeminiStream(target.upstream_model)

    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        return faults.classify(status, headers, payload)


def _path(models: str, model: str, verb: str) -> str:
    """ "gemini-x" is one of ``models``; "models/gemini-x" and "tunedModels/x" are whole names already."""
    name = quote(model, safe="/-._~@")
    whole = f"/{name.lstrip('/')}" if "/" in name else f"{models}/{name}"
    return f"{whole}:{verb}"
