"""Rows that are dragged: an order that somebody else changed meanwhile is not overwritten."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from .stamps import order_seen

FIELD = "order_seen"


def refuse_other(page: Any, request: HttpRequest) -> None:
    """ValidationError where the posted list showed another order than there is."""
    shown = request.POST.get(f"form-{FIELD}")
    if page.ordering_field and shown and "_save" in request.POST and shown != _now(page):
        raise ValidationError(_("Somebody changed this list meanwhile, so nothing was saved. This is the order now."))


def stamped(page: Any, formset: Any) -> Any:
    """The list's formset, which carries the order that it shows."""
    if not page.ordering_field:
        return formset

    class Stamped(formset):  # made by the admin
        @cached_property
        def management_form(self) -> Any:
            form = super().management_form
            form.fields[FIELD] = forms.CharField(required=False, widget=forms.HiddenInput, initial=_now(page))
            return form

    return Stamped


def _now(page: Any) -> str:
    return order_seen(page.model._default_manager.all(), page.ordering_field)
