"""What would happen to a request, without sending anything: POST /v1/route/explain, and what the command shares."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from types import ModuleType
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from gateway_project.api.body import read_json
from gateway_project.api.decision import decide
from gateway_project.api.dialects import completions, embeddings, openai, rerank, transcriptions
from gateway_project.api.dialects.base import InvalidRequest, Parsed
from gateway_project.api.drf import GatewayView
from gateway_project.api.steering import steered
from metrics import native
from providers.wire import Upload
from routing.explain import explain, limits_of, windows_of
from routing.limits import Reading, refusal_in
from routing.outlook import Moment
from routing.state import STATE
from routing.types import Catalog, Grant
from routing.windows import WINDOWS

DIALECTS: dict[str, ModuleType] = {
    "chat": openai,
    "completions": completions,
    "embeddings": embeddings,
    "rerank": rerank,
    "transcription": transcriptions,
}
_TELLING = {
    "messages": "chat",
    "documents": "rerank",
    "file": "transcription",
    "prompt": "completions",
    "input": "embeddings",
}


@dataclass(frozen=True, slots=True)
class Supposed:
    """What an explanation takes for granted. ``prompt_tokens``: instead of the estimate; ``seed``: of the draws of
    strategies that draw, so that two explanations can be compared."""

    prompt_tokens: int | None = None
    seed: int | None = None


NOTHING = Supposed()
_SPEECH = Upload("speech", "", 1, io.BytesIO(b"?"))  # stands for the file, which no account of a route needs


class ExplainRoute(GatewayView):
    """POST /v1/route/explain: takes any request of the other endpoints as it is, and answers with its plan."""

    http_method_names = ["post"]

    def post(self, request: Request) -> HttpResponseBase:
        body = read_json(request._request)
        told = explained(body, self.catalog, self.account.grant, request._request.META)
        return HttpResponse(openai.dumps(told), content_type="application/json")


def explained(
    body: Any,
    catalog: Catalog,
    grant: Grant | None,
    headers: Mapping[str, Any] | None = None,
    supposed: Supposed = NOTHING,
) -> dict[str, Any]:
    """A request's body (its shape, or ``operation``, says of which endpoint) → ``routing.explain``'s account.

    Raises what the request itself would be refused with: ``InvalidRequest``, ``NotFound``, ``ApiError``.
    """
    parsed = _parsed(body, headers or {})
    moment = Moment(STATE, time.time(), counts=False)
    plan, need = decide(parsed, catalog, grant, moment, supposed.prompt_tokens)
    windows = {window.key: window for window in windows_of(plan) + (grant.windows if grant is not None else ())}
    readings = native.run(WINDOWS.read, tuple(windows.values())) if windows else {}
    waits = {key: refusal_in(windows[key], reading, need.tokens) for key, reading in readings.items()}
    moment = replace(moment, full={key: wait for key, wait in waits.items() if wait is not None})
    if supposed.seed is not None:
        moment = replace(moment, random=Random(supposed.seed))  # noqa: S311 - spreads requests, keeps no secret
    plan, need = decide(parsed, catalog, grant, moment, supposed.prompt_tokens)
    return {
        "object": "route.explanation",
        "generation": catalog.generation,
        "api_key": None if grant is None else _key(grant, readings, waits),
        **explain(plan, need, moment, readings),
    }


def _key(grant: Grant, readings: Mapping[str, Reading], waits: Mapping[str, float | None]) -> dict[str, Any]:
    """``refused_for``: seconds for which its own limits would answer 429, before anybody is tried; None: they admit."""
    full = [wait for window in grant.windows if (wait := waits.get(window.key)) is not None]
    return {
        "name": grant.name,
        "limits": limits_of(grant.windows, readings),
        "refused_for": round(max(full), 3) if full else None,
    }


def _parsed(body: Any, headers: Mapping[str, Any]) -> Parsed:
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    given = body.get("operation")
    operation = given or next((name for key, name in _TELLING.items() if body.get(key) is not None), "chat")
    if not isinstance(operation, str) or operation not in DIALECTS:
        expected = ", ".join(DIALECTS)
        raise InvalidRequest(f"Invalid value for 'operation': expected one of {expected}.", "operation")
    body = {key: value for key, value in body.items() if key != "operation"}
    if operation == "transcription":
        parsed = transcriptions.parse_request({key: body[key] for key in body if key != "file"}, _SPEECH)
        return steered(parsed, headers, {})
    return steered(DIALECTS[operation].parse_request(body), headers, body)
