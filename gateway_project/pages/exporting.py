"""Export: the canonical configuration, whole or some sections of it, to be read or downloaded. It holds no secrets."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gateway_project.pages import render
from routing.config.document import PART, SECTIONS, VERSION
from routing.config.revisions import newest_number, snapshot
from routing.config.text import dump
from routing.management.telling import pasted

TITLES = {
    "providers": gettext_lazy("Providers, their keys' names, models and prices"),
    "endpoints": gettext_lazy("Endpoints"),
    "models": gettext_lazy("Public models, with entries and aliases"),
    "categories": gettext_lazy("Categories"),
}


def exporting(request: HttpRequest) -> HttpResponse:
    """``?section=models&section=endpoints``: these alone, as a part; ``?download=1``: as a file."""
    chosen = [name for name in SECTIONS if name in request.GET.getlist("section")]
    document = snapshot().document
    part = bool(chosen) and len(chosen) < len(SECTIONS)
    if part:
        document = {"version": VERSION, PART: True, **{name: document.get(name, {}) for name in chosen}}
    written, number = dump(document), newest_number()
    if request.GET.get("download"):
        name = "-".join(["switchyard", str(number), *(chosen if part else ())])
        response = HttpResponse(written, content_type="application/yaml; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
        return response
    context = {
        "written": written,
        "part": part,
        "number": number,
        "sections": [(name, TITLES[name], not chosen or name in chosen) for name in SECTIONS],
        "query": "&".join([f"section={name}" for name in chosen] + ["download=1"]),
        "migration": pasted("export_config", "--as-migration"),
    }
    return render(request, "gateway/exporting.html", _("Export"), **context)
