"""Chosen rows as a file of their own, which an import takes without touching the rest."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from routing.config.selection import selection
from routing.config.serialize import serialize


class Exporting:
    """Mixin of a page whose rows are rows of one ``section`` of the document."""

    section: str

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may see what the configuration was and is."""
        return bool(request.user.has_perm("routing.view_configrevision"))

    @action(description=_("Export (YAML, no secrets)"), permissions=["export"])
    def export(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        text = selection(serialize(), self.section, queryset.values_list("name", flat=True))
        name = f"switchyard-{self.section}.yaml"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
