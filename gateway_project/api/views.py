"""The views: parse → authorise → resolve → plan → dispatch → reply."""

from __future__ import annotations

import random
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request

from gateway_project.api import listing
from gateway_project.api.account import Result
from gateway_project.api.auth import authorise_model
from gateway_project.api.body import read_json
from gateway_project.api.dialects import openai
from gateway_project.api.drf import GatewayView
from gateway_project.api.errors import ApiError
from gateway_project.api.stream import EventStream, caller_gone, stream_response
from providers import upstream
from routing import catalog
from routing.dispatch import Ports, dispatch
from routing.plan import plan
from routing.relay import Relay, settle
from routing.resolve import resolve
from routing.state import STATE

CHAT_TYPES = ("text-generation", "image-text-to-text")


class Inflight:
    """How many requests this worker is serving. Beyond GATEWAY_MAX_INFLIGHT further ones are refused at once."""

    count = 0


class ChatCompletions(GatewayView):
    """POST /v1/chat/completions: one chat completion, whole or as a stream of events."""

    operation = "chat"
    http_method_names = ["post"]

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

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        account = self.account
        account.parsed = parsed = openai.parse_request(read_json(request))
        route = resolve(self.catalog, parsed.model, parsed.provider or None)
        if account.grant is not None:
            authorise_model(account.grant, route, parsed.provider)
        if route.type not in CHAT_TYPES:
            raise ApiError(400, f"The model '{parsed.model}' is of type {route.type}: it cannot chat.", param="model")
        chosen = plan(route, STATE, time.time())
        account.planned(chosen)
        ports = Ports(upstream.send, STATE, time.monotonic, time.sleep, _pause, caller_gone(request))
        answer = dispatch(chosen, parsed.call, ports, account.ledger)
        account.answer = answer
        if parsed.call.stream:
            return stream_response(EventStream(Relay(answer, ports, account.ledger), openai, account))
        summary = settle(answer, ports, account.ledger)
        summary.estimate(parsed.call.body)
        self.result = Result(200, "success", summary=summary)
        return HttpResponse(openai.render_response(answer.reply.body), content_type="application/json")


def _leave() -> None:
    Inflight.count -= 1


def _pause(attempt: int) -> float:
    """Seconds before the same endpoint is tried again: short, growing, jittered."""
    return min(2.0, 0.1 * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret


class Models(GatewayView):
    """GET /v1/models and /models: what can be called now."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return _json(listing.render_list(self.catalog, self.account.grant))


class Model(GatewayView):
    """GET /v1/models/{id}: one of them; an alias answers as its model."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, name: str) -> HttpResponseBase:
        return _json(listing.render_one(self.catalog, self.account.grant, name))


class Health(GatewayView):
    """GET /health and /health/live: the process answers."""

    scope = None
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return _json({"status": "ok"})


class Ready(GatewayView):
    """GET /health/ready: 200 if the newest configuration is being served, else 503 with the reason."""

    scope = None
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        status = catalog.status()
        problem = "the newest configuration could not be built" if status.error else None
        body = {
            "status": "ready" if problem is None else "degraded",
            "generation": status.generation,
            "problem": problem,
        }
        return _json(body, 200 if problem is None else 503)


class UnknownUrl(GatewayView):
    """Everything else: 404 for those who may ask at all."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise ApiError(404, f"Invalid URL ({request.method} {request.path_info})", code="unknown_url")


def refuse_unknown_url(request: HttpRequest) -> HttpResponseBase:
    """For ``handler404``."""
    return UnknownUrl.as_view()(request)


def _json(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(openai.dumps(body), status=status, content_type="application/json")
