"""``/``: a browser is sent to the admin, a program with a key learns what this is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from rest_framework.request import Request

from gateway_project.api.drf import GatewayView
from gateway_project.api.views import _json

VERSION = "0.1.0"


class Home(GatewayView):
    """GET /: what this is."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return _json({"message": "Switchyard - OpenAI API compatible endpoint", "version": VERSION})


def home(request: HttpRequest) -> HttpResponseBase:
    """Browsers ask for HTML."""
    if "text/html" in request.META.get("HTTP_ACCEPT", ""):
        return HttpResponseRedirect("/admin/")
    return Home.as_view()(request)


home.csrf_exempt = True  # type: ignore[attr-defined]  # Django reads this attribute of a view
