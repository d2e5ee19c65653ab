"""What every page of configuration does: one request one revision, and every refusal an error in the form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db import DataError, IntegrityError, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import PaginationInlineFormSet
from unfold.overrides import FORMFIELD_OVERRIDES
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from providers.configuration import history, one_change
from providers.secrets import EncryptedTextField

from . import deleting, ordering, preview, stamps
from .fields import PlainDecimalField

FEW_LINES = UnfoldAdminTextareaWidget(attrs={"rows": 3})
OVERRIDES = {
    **FORMFIELD_OVERRIDES,
    models.TextField: {"widget": FEW_LINES},
    models.JSONField: {"widget": FEW_LINES},
    EncryptedTextField: {"widget": UnfoldAdminTextInputWidget},
    models.DecimalField: {"form_class": PlainDecimalField, "widget": UnfoldAdminDecimalFieldWidget},
}

REFUSALS = (ValidationError, IntegrityError, DataError, OverflowError, models.ObjectDoesNotExist)


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

    previewed = True  # whether a form can be looked at before it is saved: not what revisions don't hold

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        def view() -> HttpResponse:
            return super(ConfigAdmin, self).changeform_view(request, object_id, form_url, extra_context)

        if request.method != "POST" or preview.EDIT in request.POST:
            return view()
        try:
            if preview.BUTTON in request.POST and self.previewed:
                return preview.previewed(self, request, view)
            with one_change(request.user.get_username(), "admin"):
                self.refuse_stale(request, object_id)
                return view()
        except REFUSALS as refusal:
            request.refusal = preview.in_words(refusal)  # type: ignore[attr-defined]  # read by get_form
            return view()

    def refuse_stale(self, request: HttpRequest, object_id: str | None) -> None:
        """The form is shown again where its row was changed since it was opened; saving it then is on purpose."""
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if row is None or not stamps.is_stale(self, request, row):
            return
        sentence, difference = stamps.told(request, row)
        request.meanwhile = difference  # type: ignore[attr-defined]  # read by render_change_form
        request.POST = stamps.with_rows_anew(self, request, row)  # type: ignore[assignment]
        again = _("What you entered is below, not saved yet: saving again puts it in the place of that.")
        request.refusal = ValidationError([sentence, again])  # type: ignore[attr-defined]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if preview.EDIT in request.POST:
            return type(form.__name__, (Unsaved, form), {})
        refusal = getattr(request, "refusal", None)
        return form if refusal is None else type(form.__name__, (Refused, form), {"refusal": refusal})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = context.get("original")
        more = {
            "seen_field": stamps.FIELD,
            "seen": stamps.seen(self, request, row) if row is not None else "",
            "meanwhile": getattr(request, "meanwhile", ""),
            "unsaved": preview.EDIT in request.POST,
            "show_preview": self.previewed and not context.get("is_popup"),
        }
        return super().render_change_form(request, {**context, **more}, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        preview.note_secrets(request, [form, *(one for formset in formsets or () for one in formset.forms)])
        super().save_related(request, form, formsets, change)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            try:
                with preview.without_messages(request) as told, one_change(*self.acting(request)) as change:
                    response = super().delete_view(request, object_id, extra_context)
                    deleting.refuse_other(request, change)
                preview.tell(request, told)
                return response
            except REFUSALS as refusal:
                self.message_user(request, " ".join(preview.in_words(refusal).messages), messages.ERROR)
                return HttpResponseRedirect(request.get_full_path())
        row = self.get_object(request, unquote(object_id)) if self.previewed else None
        if row is not None and self.has_delete_permission(request, row):
            look = preview.deletion(lambda: self.delete_model(request, row))
            extra_context = {**(extra_context or {}), "look": look}
        return super().delete_view(request, object_id, extra_context)

    def acting(self, request: HttpRequest) -> tuple[str, str]:
        """Who changes something here, and from where."""
        return request.user.get_username(), "admin"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        if not all(pk.isdecimal() for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation("a chosen row that is no number")
        try:
            with preview.without_messages(request) as told, one_change(*self.acting(request)) as change:
                ordering.refuse_other(self, request)
                response = super().changelist_view(request, extra_context)
                deleting.refuse_other(request, change)
            preview.tell(request, told)
        except REFUSALS as refusal:
            self.message_user(request, " ".join(preview.in_words(refusal).messages), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return deleting.with_look(self, request, response) if self.previewed else response

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ordering.stamped(self, super().get_changelist_formset(request, **kwargs))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        number = request.GET.get("r", "1")
        revisions = history().of(row, int(number) if number.isdecimal() and len(number) < 9 else 1) if row else ""
        return super().history_view(request, object_id, {**(extra_context or {}), "revisions": revisions})


def row_or_404(page: ModelAdmin, request: HttpRequest, object_id: str) -> Any:
    """The row of ``page`` that an address names; Http404 where there is none, whatever the address says."""
    row = page.get_object(request, unquote(object_id))
    if row is None:
        raise Http404
    return row


class Refused:
    """Mixin of a form that carries what was refused while saving."""

    refusal: ValidationError

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]  # the next class is a form
        self.add_error(None, self.refusal.messages)  # type: ignore[attr-defined]
        return cleaned


class Unsaved:
    """Mixin of a form that is only shown again as it was filled in."""

    def is_valid(self) -> bool:
        return False


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

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Each field names itself for those who do not see the column's heading."""
        formset = super().get_formset(request, obj, **kwargs)
        for field in formset.form.base_fields.values():
            field.widget.attrs["aria-label"] = field.label
        return formset


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
