"""Anthropic's Messages format, outbound; also spoken by llama.cpp and by other vendors beside their own. ◇

Source: Anthropic API reference, Messages, version 2023-06-01, which later models still take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from providers import faults
from providers.adapters.anthropic_models import traits_of
from providers.adapters.anthropic_reply import parse_message
from providers.adapters.anthropic_request import render_body
from providers.adapters.anthropic_stream import AnthropicStream
from providers.adapters.base import Adapter, StreamParser, dump, register
from providers.chat import Call
from providers.errors import ContextTooLong, UpstreamError
from providers.wire import Rendered, Target

VERSION = "2023-06-01"
FULL = re.compile(r"exceeds? (the )?context (limit|window)", re.I)


@register
class Anthropic(Adapter):
    """See ``base.Adapter``."""

    name: ClassVar[str] = "anthropic"
    paths: ClassVar[Mapping[str, str]] = {"chat": "/v1/messages", "models": "/v1/models"}
    spare: ClassVar[tuple[str, ...]] = ("/v1",)

    def prefills(self, target: Target) -> bool:
        return traits_of(target.upstream_model).prefill

    def render(self, call: Call, target: Target) -> Rendered:
        body, dropped = render_body(call, target)
        path = target.paths.get(call.operation) or self.paths[call.operation]
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if call.stream else "application/json",
            "anthropic-version": VERSION,
        }
        return Rendered(path, dump(body), headers, dropped=dropped)

    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        return parse_message(payload, target.upstream_model)

    def open_stream(self, operation: str, target: Target) -> StreamParser:
        return AnthropicStream(target.upstream_model)

    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        """An empty account and a full context window are plain 400s here, known by their words."""
        fault = faults.read(payload)
        if status == 400 and faults.EXHAUSTED.search(fault.words):
            return faults.build(402, headers, fault)
        error = faults.build(status, headers, fault)
        if status == 400 and FULL.search(fault.words):
            return ContextTooLong(error.message, status=400, type=error.type, code=error.code, param=error.param)
        return error
