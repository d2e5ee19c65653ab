"""REST framework, lean: one base view that authenticates, keeps the account, speaks JSON whatever ``Accept`` says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from gateway_project.api import rejections
from gateway_project.api.account import Account, Result
from gateway_project.api.auth import authenticate
from gateway_project.api.dialects import openai
from gateway_project.api.errors import ApiError, error_response, failure_of
from providers.errors import CallerLeft
from routing import catalog
from routing.dispatch import Exhausted
from routing.types import Catalog

CALLER_LEFT = 499


class IgnoreAccept(BaseContentNegotiation):
    """SDKs that stream send ``Accept: text/event-stream``, which REST framework would answer with 406."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class GatewayView(APIView):
    """Base of every API view. ``operation``: recorded, if there is one.

    ``scope``: what the caller's key must allow; ``ANY_KEY``: it need only be valid; None: no key is asked for.
    """

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = IgnoreAccept
    scope: str | None = "inference"
    operation = ""  # recorded where there is one

    account: Account
    catalog: Catalog
    result: Result | None = None

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        self.account = Account(request, self.operation)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.catalog = catalog.current()
        self.account.read_with(self.catalog)
        if self.scope is not None:
            self.account.grant = authenticate(request._request, self.catalog, self.scope)

    def handle_exception(self, exc: Exception) -> Any:
        """Every exception → one error object, one record."""
        if isinstance(exc, CallerLeft):
            self.result = Result(CALLER_LEFT, CallerLeft.outcome)
            return error_response(failure_of(ApiError(CALLER_LEFT, "The caller left."))[0])
        if isinstance(exc, APIException):
            exc = _from_drf(exc, self)
        failure, headers = failure_of(exc)
        rejections.tell(self.account, exc, failure)
        extra = self.account.attempts() if isinstance(exc, Exhausted) else None
        self.result = Result(failure.status, "error", failure=failure)
        return error_response(failure, headers, extra)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The headers that every answer carries; views answer with Django responses, ready rendered.

        The record is written before the last byte leaves: once a caller has a whole answer, no kill can lose it.
        """
        for name, value in self.account.headers().items():
            response.headers.setdefault(name, value)
        if self.result is not None and self.operation:
            self.account.finish(self.result)
        if not response.streaming:
            response.headers["Content-Length"] = str(len(response.content))
        response._has_been_logged = True  # the record says more than Django's log line about a status
        return response


def json_response(body: Any, status: int = 200) -> HttpResponse:
    """``body`` as JSON."""
    return HttpResponse(openai.dumps(body), status=status, content_type="application/json")


def _from_drf(error: APIException, view: APIView) -> ApiError:
    if not isinstance(error, MethodNotAllowed):
        return ApiError(error.status_code, str(error.detail))
    message = f"Not allowed method {view.request.method} for {view.request.path_info}."
    return ApiError(405, message, code="method_not_supported", headers={"Allow": ", ".join(view.allowed_methods)})
