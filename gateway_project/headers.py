"""What browsers are told to allow the admin's and the description's pages: nothing from a foreign host, no frames.

The theme evaluates expressions in attributes (``unsafe-eval``) and has one inline style; no page has an inline script.
The API's answers have no such headers: they are no documents, and every request would pay.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_SAME = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
POLICIES = (
    ("/admin", f"{_SAME}; script-src 'self' 'unsafe-eval'"),
    ("/docs", f"{_SAME}; script-src 'self'"),
    ("/", "default-src 'none'; frame-ancestors 'none'"),
)
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
}


def add_headers(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The same answer with them; pages of the admin are kept by no cache."""
    policy = next(policy for path, policy in POLICIES if request.path_info.startswith(path))
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in HEADERS.items():
        response.headers[name] = value
    if request.path_info.startswith("/admin"):
        response.headers["Cache-Control"] = "no-store"
    return response


class Headers:
    """The middleware; which paths it acts on is the business of ``gateway_project.middleware``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return add_headers(request, self.get_response(request))
