"""The views that ask an upstream: parse → authorise → resolve → plan → dispatch → reply. A class an operation."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request

from gateway_project.api.account import Result
from gateway_project.api.body import read_json
from gateway_project.api.decision import decide
from gateway_project.api.dialects import completions, embeddings, openai, rerank, transcriptions
from gateway_project.api.dialects.base import Parsed
from gateway_project.api.drf import GatewayView
from gateway_project.api.errors import ApiError
from gateway_project.api.form import read_form
from gateway_project.api.rejections import model_in
from gateway_project.api.steering import steered
from gateway_project.api.stream import EventStream, caller_gone, stream_response
from providers import upstream
from routing.dispatch import dispatch
from routing.outlook import Moment
from routing.ports import Ports
from routing.relay import Relay, settle
from routing.resume import Resume
from routing.state import STATE

STRICT = "x-gateway-strict"


class Inflight:
    """How many requests this worker is serving. Beyond GATEWAY_MAX_INFLIGHT further ones are refused at once."""

    count = 0


class Inference(GatewayView):
    """One operation of ``providers.operations``, in one dialect. Subclasses say which; they may read bodies otherwise
    than as JSON, and reply otherwise than in it."""

    http_method_names = ["post"]
    dialect: ModuleType

    def post(self, request: Request) -> HttpResponseBase:
        if Inflight.count >= settings.MAX_INFLIGHT:
            raise ApiError(
                503,
                "This worker is serving as many requests as it may.",
                type="service_unavailable_error",
                code="overloaded",
                headers={"Retry-After": "1"},
            )
        Inflight.count += 1
        try:
            response = self._answer(request._request)
        except BaseException:
            Inflight.count -= 1
            raise
        response._resource_closers.append(_leave)  # type: ignore[attr-defined]  # Django's own way to follow a response
        return response

    def parse(self, request: HttpRequest) -> Parsed:
        """The request in the inner form. Raises ``InvalidRequest`` or ``ApiError``."""
        body = read_json(request)
        self.account.asked = model_in(body)
        self.account.heard(body)
        return steered(self.dialect.parse_request(body), request.META, body)

    def reply(self, parsed: Parsed, body: dict[str, Any]) -> HttpResponse:
        """A whole answer, inner form → what the caller asked for."""
        return HttpResponse(self.dialect.render_response(body), content_type="application/json")

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        account = self.account
        strict = _strict(request)
        parsed = self.parse(request)
        account.parsed = parsed = replace(parsed, call=replace(parsed.call, strict=strict))
        plan, need = decide(parsed, self.catalog, account.grant, Moment(STATE, time.time()))
        account.planned(plan)
        account.admit(need)
        send = partial(upstream.send, album=upstream.new_album())
        ports = Ports(send, STATE, time.monotonic, time.sleep, _pause, caller_gone(request), account.tell)
        answer = dispatch(plan, parsed.call, need, ports, account.ledger)
        account.answer = answer
        if parsed.call.stream:
            resumes = plan.route.mid_stream == "resume"
            resume = Resume(plan, parsed.call, need, ports, account.ledger) if resumes else None
            return stream_response(EventStream(Relay(answer, ports, account.ledger, resume), self.dialect, account))
        summary = settle(answer, ports, account.ledger)
        summary.estimate(parsed.call)
        if account.content is not None:
            account.content.answer = answer.reply.body
        self.result = Result(200, "success", summary=summary)
        return self.reply(parsed, answer.reply.body)


class ChatCompletions(Inference):
    """POST /v1/chat/completions: one chat completion, whole or as a stream of events."""

    operation = "chat"
    dialect = openai


class Completions(Inference):
    """POST /v1/completions: what follows a prompt, whole or as a stream of events."""

    operation = "completions"
    dialect = completions


class Embeddings(Inference):
    """POST /v1/embeddings: a vector for each text."""

    operation = "embeddings"
    dialect = embeddings

    def reply(self, parsed: Parsed, body: dict[str, Any]) -> HttpResponse:
        assert self.result is not None
        assert self.result.summary is not None
        usage = self.result.summary.usage or {}
        counted = {"usage": {name: usage.get(name) for name in ("prompt_tokens", "total_tokens")}}
        encoding = parsed.call.body.get("encoding_format", "float")
        payload = embeddings.render_response({**counted, **body}, encoding)
        return HttpResponse(payload, content_type="application/json")


class Rerank(Inference):
    """POST /v1/rerank and /v2/rerank: documents by how well they answer a query."""

    operation = "rerank"
    dialect = rerank


class Transcriptions(Inference):
    """POST /v1/audio/transcriptions: what is said in a file, as JSON, as a text file or as a stream of events."""

    operation = "transcription"
    dialect = transcriptions

    def parse(self, request: HttpRequest) -> Parsed:
        fields, upload = read_form(request)
        self.account.asked = model_in(fields)
        self.account.heard({**fields, "file": "[a file]"})
        return steered(transcriptions.parse_request(fields, upload), request.META, {})

    def reply(self, parsed: Parsed, body: dict[str, Any]) -> HttpResponse:
        content, media_type = transcriptions.render_response(body, parsed.call.body.get("response_format", "json"))
        return HttpResponse(content, content_type=media_type)


def _strict(request: HttpRequest) -> bool:
    """Whether what a vendor has no word for is to be an error: the header ``x-gateway-strict``."""
    said = request.META.get("HTTP_X_GATEWAY_STRICT", "false").strip().lower()
    if said not in ("true", "false"):
        message = f"Invalid value for the header '{STRICT}': expected 'true' or 'false'."
        raise ApiError(400, message, param=STRICT, code="invalid_value")
    return said == "true"


def _leave() -> None:
    Inflight.count -= 1


def _pause(attempt: int) -> float:
    """Seconds before the same endpoint is tried again: short, growing, jittered."""
    return min(2.0, 0.1 * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
