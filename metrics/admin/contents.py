"""Stored prompts and answers: which there are, and their deletion. They are read on the page of their request."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from metrics.admin.base import ReadOnlyAdmin
from metrics.models import RequestContent


@admin.register(RequestContent)
class RequestContentAdmin(ReadOnlyAdmin):
    list_display = ("at", "id", "api_key", "cut", "redactions")
    search_fields = ("id__exact", "api_key__exact")
    actions = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[RequestContent]:
        return super().get_queryset(request).defer("prompt", "answer")

    @display(description=_("cut"))
    def cut(self, row: RequestContent) -> str:
        sides = ((_("Prompt"), row.prompt_truncated), (_("Answer"), row.answer_truncated))
        return ", ".join(str(side) for side, is_cut in sides if is_cut)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Not what the texts hold: whoever reads them does so where it is written down."""
        return not lookup.startswith(("prompt", "answer")) and super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return ModelAdmin.has_delete_permission(self, request, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:metrics_requestlog_change", object_id)
