"""Chosen rows of the configuration as a YAML file, which an import takes without touching the rest."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse

from routing import catalog
from routing.config.document import SECTIONS
from routing.config.selection import selection


def export_selection(request: HttpRequest, section: str) -> HttpResponse:
    """``?name=…&name=…`` of providers, endpoints, models or categories."""
    if section not in SECTIONS:
        raise Http404
    text = selection(catalog.stored(), section, request.GET.getlist("name"))
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["content-disposition"] = f'attachment; filename="switchyard-{section}.yaml"'
    response["cache-control"] = "no-store"
    return response
