"""Deletions do what their confirmation showed, or nothing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from providers.configuration import history

from .preview import deletion

FIELD = "_shown"


def refuse_other(request: HttpRequest, change: Any) -> None:
    """ValidationError where a confirmed deletion would change something else than was shown. Within its revision."""
    shown = request.POST.get(FIELD)
    if shown and request.POST.get("post") and shown != history().digest(change.changes()):
        raise ValidationError(
            _("Somebody changed what this would delete, so nothing was deleted. Look again, and confirm once more.")
        )


def with_look(page: Any, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The page that asks whether chosen rows are to be deleted, with what that changes."""
    context = getattr(response, "context_data", None)
    if not isinstance(response, TemplateResponse) or not context or "deletable_objects" not in context:
        return response
    if not context.get("perms_lacking") and not context.get("protected"):
        context["look"] = deletion(lambda: page.delete_queryset(request, context["queryset"]))
    return response
