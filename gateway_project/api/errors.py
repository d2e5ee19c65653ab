"""Whatever goes wrong, as one OpenAI error object, with the status from which SDKs raise the right class."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Mapping
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from gateway_project.api.dialects import openai
from gateway_project.api.dialects.base import Failure, InvalidRequest
from providers.errors import ContentFiltered, ContextTooLong, UpstreamError
from routing.dispatch import Exhausted
from routing.resolve import NotFound

log = logging.getLogger("switchyard.api")

EXHAUSTED = {
    "rate_limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "model_missing": (404, "invalid_request_error", "model_not_found"),
    "not_configured": (503, "service_unavailable_error", "provider_not_configured"),
    "incapable": (400, "invalid_request_error", "unsupported_operation"),
    "unwanted": (404, "invalid_request_error", "no_matching_endpoint"),
    "unavailable": (503, "service_unavailable_error", "service_unavailable"),
}


class ApiError(Exception):
    """An answer of our own that is not a success. ``headers`` are added to it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.failure = Failure(status, message, type, code, param)
        self.headers = dict(headers or {})


def unauthorised(message: str, code: str | None) -> ApiError:
    """401, for a caller whom nobody knows or may let in."""
    return ApiError(401, message, code=code, headers={"WWW-Authenticate": "Bearer"})


def failure_of(error: Exception) -> tuple[Failure, dict[str, str]]:
    """Any exception → what the caller is told, and headers to add. Unforeseen ones become a bare 500."""
    if isinstance(error, ApiError):
        return error.failure, error.headers
    if isinstance(error, InvalidRequest):
        return Failure(400, error.message, "invalid_request_error", error.code, error.param), {}
    if isinstance(error, NotFound):
        return Failure(404, str(error), "invalid_request_error", "model_not_found", "model"), {}
    if isinstance(error, Exhausted):
        status, type_, code = EXHAUSTED[error.kind]
        headers = {"x-should-retry": "false"}
        if error.kind == "rate_limited":
            headers = {"Retry-After": str(max(1, math.ceil(error.retry_after or 1))), "x-should-retry": "true"}
        param = "model" if status in (400, 404) else None
        return Failure(status, error.message, type_, code, param), headers
    if isinstance(error, UpstreamError):
        return _upstream(error), {"x-should-retry": "false"}
    log.exception("unforeseen error", exc_info=error)
    return Failure(500, "The gateway failed to answer this request.", "server_error", "internal_error"), {}


def _upstream(error: UpstreamError) -> Failure:
    """An upstream's final word, passed on: its status, type, code and message."""
    status = error.status if error.status is not None and 400 <= error.status < 500 else 502
    code = error.code
    if isinstance(error, ContextTooLong):
        code = "context_length_exceeded"
    elif isinstance(error, ContentFiltered):
        code = code or "content_filter"
    default = "invalid_request_error" if status < 500 else "upstream_error"
    return Failure(status, error.message, error.type or default, code, error.param)


def stream_failure(error: Exception) -> Failure:
    """What the last event of a broken stream says."""
    if isinstance(error, UpstreamError):
        message = f"The answer broke off: {error.message}"
        return Failure(502, message, "upstream_error", error.outcome)
    return failure_of(error)[0]


def error_response(
    failure: Failure, headers: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None
) -> HttpResponse:
    """``Failure`` → JSON response."""
    body = openai.dumps(openai.render_error(failure, extra))
    return HttpResponse(body, status=failure.status, content_type="application/json", headers=headers)


def no_such_url(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """404 for URLs that are nothing of ours; a browser's admin paths keep Django's own page."""
    from django.views.defaults import page_not_found

    if request.path_info.startswith("/admin/"):
        return page_not_found(request, exception or Exception())
    from gateway_project.api.views import refuse_unknown_url

    return refuse_unknown_url(request)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500 without a stack trace; people read in words that a database was not to be had."""
    if request.path_info.startswith("/admin/"):
        return _failed_for_people(isinstance(sys.exc_info()[1], OperationalError))
    return error_response(Failure(500, "The gateway failed to answer this request.", "server_error", "internal_error"))


def _failed_for_people(waited: bool) -> HttpResponse:
    """What a browser shows. ``waited``: the database did not answer, or was locked by somebody else for too long."""
    told = _("The gateway failed to answer this request. Its log tells why.")
    if waited:
        told = _("The database did not answer in time: nothing was changed. Go back, and try again.")
    return HttpResponse(told, status=503 if waited else 500, content_type="text/plain; charset=utf-8")
