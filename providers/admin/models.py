"""The pages of provider models and their prices."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db import models
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSplitDateTimeVerticalWidget

from providers.catalogue import plain
from providers.models import ModelType, Price, ProviderModel
from providers.standing import source

from .base import OVERRIDES, ConfigInline, Switchable, row_or_404
from .fields import LinesField, refuse_zero
from .state import NOTHING, chip, lines, when


class PriceInline(ConfigInline):
    model = Price
    related = ("model__provider",)
    formfield_overrides = {
        **OVERRIDES,
        models.DateTimeField: {
            "form_class": forms.SplitDateTimeField,
            "widget": UnfoldAdminSplitDateTimeVerticalWidget,  # the wide one pushes the figures off the page
        },
    }
    fields = ("valid_from", "currency", "input", "output", "cached_input", "cache_write", "request", "source")
    verbose_name_plural = _("prices per million tokens")


NO_TOKENS = _("0 would fit nothing: leave it empty where it is not known.")


ANSWERING = (ModelType.TEXT_GENERATION, ModelType.IMAGE_TEXT_TO_TEXT)


class PriceFilter(admin.SimpleListFilter):
    """Whether what a model costs now is known."""

    title = _("price")
    parameter_name = "price"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unknown", _("price unknown")), ("known", _("price known"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProviderModel]) -> QuerySet[ProviderModel]:
        if self.value() not in ("unknown", "known"):
            return queryset
        begun = Price.objects.filter(model=OuterRef("pk")).filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=timezone.now())
        )
        newest = begun.order_by(F("valid_from").desc(nulls_last=True))
        priced = queryset.annotate(
            price_input=Subquery(newest.values("input")[:1]),
            price_output=Subquery(newest.values("output")[:1]),
            price_request=Subquery(newest.values("request")[:1]),
        )
        tokens = Q(price_input__isnull=False) & (Q(price_output__isnull=False) | ~Q(type__in=ANSWERING))
        known = tokens | Q(price_request__isnull=False)
        return priced.filter(known) if self.value() == "known" else priced.exclude(known)


class ProviderModelForm(forms.ModelForm):
    capabilities = LinesField(
        label=_("Capabilities"), help_text=_("A line each, e.g. function_calling, vision, reasoning.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        refuse_zero(self, ("max_input_tokens", "max_output_tokens"), NO_TOKENS)
        return cleaned


@admin.register(ProviderModel)
class ProviderModelAdmin(Switchable):
    form = ProviderModelForm
    inlines = (PriceInline,)
    list_display = ("shown_name", "provider", "window", "price", "shown_capabilities", "success", "deeds")
    list_display_links = ("shown_name",)
    list_filter = ("provider", "type", PriceFilter, "enabled")
    actions_detail = ("test",)
    list_select_related = ("provider",)
    search_fields = ("name", "upstream_name", "provider__name")
    readonly_fields = ("catalogue",)
    fieldsets = (
        (None, {"fields": ("provider", ("name", "upstream_name"), ("type", "enabled"))}),
        (_("Facts"), {"fields": (("max_input_tokens", "max_output_tokens"), "capabilities", "catalogue")}),
    )

    class Media:
        css = {"all": ("providers/admin.css",)}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, whose rows know how they stand."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        standings = source().models(rows)
        for row in rows:
            row.stands = standings.get(row.pk, NOTHING)
            row.may_send = self.has_send_permission(request)
            row.may_route = request.user.has_perm("routing.add_endpoint")
        found.result_list = rows
        return found

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may send requests from the admin."""
        return bool(request.user.has_perm("metrics.add_requestlog")) and self.has_view_permission(request)

    @action(description=_("Test it with a real call"), url_path="test", icon="network_check", permissions=["send"])
    def test(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = row_or_404(self, request, object_id)
        return HttpResponseRedirect(reverse("admin:test", args=["model", str(row)]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderModel]:
        return super().get_queryset(request).select_related("provider").prefetch_related("prices")

    @display(description=_("model"), ordering="name")
    def shown_name(self, row: ProviderModel) -> SafeString:
        name = f"{row.name} → {row.upstream_name}" if row.upstream_name else row.name
        off = "" if row.enabled else chip("", _("Off"))
        return lines(name, row.get_type_display(), off)

    @display(description=_("last answer"))
    def success(self, row: Any) -> SafeString:
        stands = row.stands
        failed = stands.last_error_at
        newer = failed is not None and (stands.last_success is None or failed > stands.last_success)
        error = chip("warn", _("error %(at)s") % {"at": when(failed)}, stands.last_error) if newer else ""
        return lines(when(stands.last_success) or _("never"), error)

    @display(description=_("do"))
    def deeds(self, row: Any) -> SafeString:
        ways = []
        if row.may_send:
            ways.append((reverse("admin:test", args=["model", str(row)]), _("Test")))
        if row.may_route:
            asked = urlencode({"provider": row.provider_id, "upstream_model": row.upstream_name or row.name})
            ways.append((f"{reverse('admin:routing_endpoint_add')}?{asked}", _("New endpoint")))
        links = format_html_join(" ", '<a class="underline" href="{}">{}</a>', ways)
        return format_html('<span class="pv-deeds">{}</span>', links)

    @display(description=_("context window"), ordering="max_input_tokens", empty_value=_("unknown"))
    def window(self, row: ProviderModel) -> str | None:
        return None if row.max_input_tokens is None else f"{row.max_input_tokens:,}".replace(",", " ")

    @display(description=_("price in/out per 1M"), empty_value="")
    def price(self, row: ProviderModel) -> Any:
        now = timezone.now()
        begun = [price for price in row.prices.all() if price.valid_from is None or price.valid_from <= now]
        return _marked(begun[-1], row) if begun else chip("warn", _("unknown"))

    @display(description=_("capabilities"), empty_value="")
    def shown_capabilities(self, row: ProviderModel) -> str:
        notable = ("vision", "function_calling", "reasoning", "audio_input")
        return ", ".join(name.replace("_", " ") for name in notable if name in row.capabilities)

    @display(description=_("catalogue"))
    def catalogue(self, row: ProviderModel) -> str:
        return compared(row)


def _marked(price: Price, row: ProviderModel) -> Any:
    """A price that leaves out what counts is marked."""
    short = price.request is None and (price.input is None or (price.output is None and row.type in ANSWERING))
    return chip("warn", shown_price(price)) if short else shown_price(price)


def shown_price(price: Price) -> str:
    """ "2.5 / 10 USD"; a question mark for what is unknown."""
    figures = [_("unknown") if figure is None else plain(figure) for figure in (price.input, price.output)]
    return f"{figures[0]} / {figures[1]} {price.currency}"


def compared(row: ProviderModel) -> str:
    """How the row differs from what the catalogue wrote."""
    if not row.known:
        return str(_("Not from the catalogue: update_catalogue leaves this row alone."))
    facts: dict[str, Any] = {name: value for name, value in row.known.items() if name != "price"}
    own = [str(label_for_field(name, ProviderModel)) for name, value in facts.items() if getattr(row, name) != value]
    if own:
        return str(_("Set by hand, kept by update_catalogue: %(fields)s.") % {"fields": ", ".join(own)})
    return str(_("As the catalogue knows it."))
