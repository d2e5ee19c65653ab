"""What every page of configuration does: one request one revision, and every refusal an error in the form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import PaginationInlineFormSet
from unfold.overrides import FORMFIELD_OVERRIDES
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from providers.configuration import one_change
from providers.secrets import EncryptedTextField

from .fields import PlainDecimalField

FEW_LINES = UnfoldAdminTextareaWidget(attrs={"rows": 3})
OVERRIDES = {
    **FORMFIELD_OVERRIDES,
    models.TextField: {"widget": FEW_LINES},
    models.JSONField: {"widget": FEW_LINES},
    EncryptedTextField: {"widget": UnfoldAdminTextInputWidget},
    models.DecimalField: {"form_class": PlainDecimalField, "widget": UnfoldAdminDecimalFieldWidget},
}


class ConfigAdmin(ModelAdmin):
    """A page of configuration. What a POST changes, inlines and actions included, is one revision by its user.

    A row may be refused only while it is saved, by a rule across rows. Everything is rolled back then, and the form is
    shown once more with the refusal in it.
    """

    formfield_overrides = OVERRIDES
    list_per_page = 100
    compressed_fields = True
    warn_unsaved_form = True
    list_filter_sheet = False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        arguments = (request, object_id, form_url, extra_context)
        if request.method != "POST":
            return super().changeform_view(*arguments)
        try:
            with one_change(request.user.get_username(), "admin"):
                return super().changeform_view(*arguments)
        except ValidationError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]  # read by get_form
            return super().changeform_view(*arguments)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else type(form.__name__, (Refused, form), {"refusal": refusal})

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        with one_change(request.user.get_username(), "admin"):
            return super().delete_view(request, object_id, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        try:
            with one_change(request.user.get_username(), "admin"):
                return super().changelist_view(request, extra_context)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class Refused:
    """Mixin of a form that carries what was refused while saving."""

    refusal: ValidationError

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]  # the next class is a form
        self.add_error(None, self.refusal.messages)  # type: ignore[attr-defined]
        return cleaned


class Switchable(ConfigAdmin):
    """Rows with ``enabled``: switched on and off from the list, each through ``save()`` and so through its rules."""

    actions: tuple[str, ...] = ("switch_on", "switch_off")

    @action(description=_("Enable"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self.switch(request, queryset, enabled=True)

    @action(description=_("Disable"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self.switch(request, queryset, enabled=False)

    def switch(self, request: HttpRequest, queryset: models.QuerySet[Any], *, enabled: bool) -> None:
        rows = list(queryset.filter(enabled=not enabled))
        for row in rows:
            row.enabled = enabled
            row.save()
            self.log_change(request, row, [{"changed": {"fields": ["enabled"]}}])
        self.message_user(request, ngettext("%(n)d row changed.", "%(n)d rows changed.", len(rows)) % {"n": len(rows)})


class OrderedFormSet(PaginationInlineFormSet):
    """Rows in the order of their hidden ``position``: a new row that was not dragged goes to the end."""

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        field = form.fields.get("position")
        if field is not None:
            field.required = False
            if form.instance.pk is None:
                form.initial["position"] = None

    def clean(self) -> None:
        super().clean()
        filled = [form for form in self.forms if hasattr(form, "cleaned_data") and not self._should_delete_form(form)]
        last = max((form.cleaned_data.get("position") or 0 for form in filled if form.instance.pk), default=-1)
        for form in filled:
            if form.has_changed() and form.cleaned_data.get("position") is None:
                last += 1
                form.cleaned_data["position"] = form.instance.position = last


class ConfigInline(TabularInline):
    """Rows on the page of what they belong to. Choices of related rows are read once, not once a row."""

    extra = 0
    hide_title = True
    formfield_overrides = OVERRIDES
    related: tuple[str, ...] = ()  # what a row's own text names

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.choices = list(field.choices)
        return field


class OrderedInline(ConfigInline):
    """Rows whose order counts: dragged, ``position`` hidden."""

    formset = OrderedFormSet
    ordering_field = "position"
    hide_ordering_field = True


class ReadOnlyAdmin(ModelAdmin):
    """A page that shows what the gateway writes itself."""

    list_filter_sheet = False
    actions: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
