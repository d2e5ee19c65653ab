"""The API's description: ``/openapi.json`` for programs, ``/docs`` for people. Neither needs a key or another host."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    from gateway_project.api.schema.document import as_json  # a tenth of a second that no start should pay

    return HttpResponse(as_json(), content_type="application/json")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The same to browse, and to try with a key."""
    return render(request, "gateway/docs.html")
