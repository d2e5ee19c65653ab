"""Django's browser middleware, for browser paths only: API requests pass through untouched.

Subclasses rather than a wrapper, so that the admin's own system checks still find them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils import translation
from whitenoise.middleware import WhiteNoiseMiddleware

from gateway_project.api.body import BODY_SECONDS, Incoming, time_limit
from gateway_project.api.drf import CALLER_LEFT
from gateway_project.api.errors import ApiError
from gateway_project.headers import Headers
from metrics import native
from providers.errors import CallerLeft

IN_MEMORY = 1 << 20

BROWSER_PATHS = ("/admin/", "/static/", "/docs", "/openapi.json")


def for_browsers(request: HttpRequest) -> bool:
    return request.path_info.startswith(BROWSER_PATHS) or request.path_info == "/admin"


class BrowserOnly:
    """Mixin: the middleware it is mixed into acts on browser paths only."""

    get_response: Any  # as Django's own middleware declares it

    def __call__(self, request: HttpRequest) -> Any:
        if for_browsers(request):
            return super().__call__(request)  # type: ignore[misc]  # the next class is a middleware
        return self.get_response(request)


class BrowserSecurity(BrowserOnly, SecurityMiddleware):
    pass


class BrowserStatic(BrowserOnly, WhiteNoiseMiddleware):
    pass


class BrowserSession(BrowserOnly, SessionMiddleware):
    pass


class BrowserHeaders(BrowserOnly, Headers):
    pass


class BrowserLocale(BrowserOnly, LocaleMiddleware):
    """The reader's language, for this request alone: the next one of the same connection may be a program's."""

    def __call__(self, request: HttpRequest) -> Any:
        with translation.override(translation.get_language()):
            return super().__call__(request)


class BrowserCommon(BrowserOnly, CommonMiddleware):
    pass


class BrowserCsrf(BrowserOnly, CsrfViewMiddleware):
    pass


class BrowserAuthentication(BrowserOnly, AuthenticationMiddleware):
    pass


class BrowserSecondFactor(BrowserOnly):
    """Whoever still owes a code is led to the page that asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        from gateway_project import second_factor  # its tables need the apps, which the middleware is loaded before

        return second_factor.detour(request) or self.get_response(request)


class BrowserMessages(BrowserOnly, MessageMiddleware):
    pass


class NativeThread:
    """The whole browser request, database work included, runs apart from the event loop (``metrics.native``).

    Its body is received before that: in another thread, gevent cannot wait for what has not arrived yet.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not for_browsers(request):
            return self.get_response(request)
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                receive(request, body)
            except ApiError as error:
                return HttpResponse(error.failure.message, status=error.failure.status, content_type="text/plain")
            except CallerLeft:
                return HttpResponse(status=CALLER_LEFT)
            return native.run_request(self.get_response, request)


def receive(request: HttpRequest, body: Any) -> None:
    """Read the whole body from the caller into the file ``body``, and let Django read it from there."""
    with time_limit(BODY_SECONDS):
        incoming = Incoming(request)
        while piece := incoming.read():
            body.write(piece)
    request.META["CONTENT_LENGTH"] = str(body.tell())
    body.seek(0)
    request._stream = body
