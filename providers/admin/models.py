"""The pages of provider models and their prices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSplitDateTimeVerticalWidget

from providers.catalogue import plain
from providers.models import Price, ProviderModel

from .base import OVERRIDES, ConfigInline, Switchable
from .fields import LinesField


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


class ProviderModelForm(forms.ModelForm):
    capabilities = LinesField(
        label=_("Capabilities"), help_text=_("A line each, e.g. function_calling, vision, reasoning.")
    )


@admin.register(ProviderModel)
class ProviderModelAdmin(Switchable):
    form = ProviderModelForm
    inlines = (PriceInline,)
    list_display = ("shown_name", "provider", "type", "window", "price", "shown_capabilities", "enabled")
    list_display_links = ("shown_name",)
    list_filter = ("provider", "type", "enabled")
    list_select_related = ("provider",)
    search_fields = ("name", "upstream_name", "provider__name")
    readonly_fields = ("catalogue",)
    fieldsets = (
        (None, {"fields": ("provider", ("name", "upstream_name"), ("type", "enabled"))}),
        (_("Facts"), {"fields": (("max_input_tokens", "max_output_tokens"), "capabilities", "catalogue")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderModel]:
        return super().get_queryset(request).select_related("provider").prefetch_related("prices")

    @display(description=_("model"), ordering="name")
    def shown_name(self, row: ProviderModel) -> str:
        return f"{row.name} → {row.upstream_name}" if row.upstream_name else row.name

    @display(description=_("context window"), ordering="max_input_tokens", empty_value=_("unknown"))
    def window(self, row: ProviderModel) -> str | None:
        return None if row.max_input_tokens is None else f"{row.max_input_tokens:,}".replace(",", " ")

    @display(description=_("price in/out per 1M"), empty_value=_("unknown"))
    def price(self, row: ProviderModel) -> str | None:
        now = timezone.now()
        begun = [price for price in row.prices.all() if price.valid_from is None or price.valid_from <= now]
        return shown_price(begun[-1]) if begun else None

    @display(description=_("capabilities"), empty_value="")
    def shown_capabilities(self, row: ProviderModel) -> str:
        notable = ("vision", "function_calling", "reasoning", "audio_input")
        return ", ".join(name.replace("_", " ") for name in notable if name in row.capabilities)

    @display(description=_("catalogue"))
    def catalogue(self, row: ProviderModel) -> str:
        return compared(row)


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
