"""The pages of endpoints, public models and categories; the ordered lists are edited on the page of their owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from providers.admin.base import ConfigInline, OrderedInline, Switchable
from providers.admin.fields import LinesField, SecretField
from providers.destination import is_stored_secret, known_origins, origin, stored_secrets
from providers.models import Provider
from routing import catalog
from routing.admin.steering import ACTIONS, CircuitActions
from routing.models import Alias, Category, Endpoint, Entry, PublicModel


class EndpointForm(forms.ModelForm):
    key_again = SecretField(
        label=_("A key of the provider"),
        help_text=_("Only where the base URL is on a server that the provider's keys were not sent to before."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        provider, url = cleaned.get("provider"), cleaned.get("base_url")
        if provider and url and self.sends_keys_elsewhere(provider, url):
            if not cleaned.get("key_again"):
                raise ValidationError(
                    {"key_again": _("This base URL is new to the provider's keys: enter one of them again.")}
                )
            if not is_stored_secret(provider, cleaned["key_again"]):
                raise ValidationError({"key_again": _("This is not a stored key of the provider.")})
        return cleaned

    def sends_keys_elsewhere(self, provider: Provider, url: str) -> bool:
        """Whether stored secrets of ``provider`` would go to a server they did not go to before."""
        return origin(url) not in known_origins(provider) and bool(stored_secrets(provider))


@admin.register(Endpoint)
class EndpointAdmin(CircuitActions, Switchable):
    form = EndpointForm
    actions = (*Switchable.actions, *ACTIONS)
    list_display = ("name", "provider", "upstream_model", "place", "limits", "enabled")
    list_filter = ("provider", "enabled")
    list_select_related = ("provider",)
    search_fields = ("name", "upstream_model", "base_url", "provider__name")
    fieldsets = (
        (None, {"fields": (("name", "enabled"), "provider", "upstream_model", "base_url", "key_again")}),
        (
            _("Timeouts"),
            {
                "fields": ("connect_timeout", "first_content_timeout", "idle_timeout", "total_timeout", "retries"),
                "classes": ("tab",),
            },
        ),
        (_("Limits"), {"fields": ("limit_requests", "limit_tokens", "limit_window"), "classes": ("tab",)}),
        (
            _("Circuit"),
            {"fields": ("circuit_failures", "circuit_pause", "circuit_pause_max"), "classes": ("tab",)},
        ),
    )

    def identities(self, queryset: QuerySet[Endpoint]) -> Iterable[str]:
        names = queryset.values_list("name", flat=True)
        return {served.identity for name in names if (served := catalog.current().endpoints.get(name)) is not None}

    @display(description=_("base URL"), ordering="base_url")
    def place(self, endpoint: Endpoint) -> str:
        return endpoint.base_url or endpoint.provider.base_url

    @display(description=_("limits"), empty_value="")
    def limits(self, endpoint: Endpoint) -> str:
        window = endpoint.limit_window or 60
        counted = ((endpoint.limit_requests, _("requests")), (endpoint.limit_tokens, _("tokens")))
        return ", ".join(f"{limit} {what} / {window:g} s" for limit, what in counted if limit is not None)


class EntryInline(OrderedInline):
    model = Entry
    related = ("endpoint", "model")
    fields = ("endpoint", "model", "priority", "weight", "enabled", "position")
    verbose_name_plural = _("entries, in order")


class ModelEntryInline(EntryInline):
    fk_name = "owner_model"


class CategoryEntryInline(EntryInline):
    fk_name = "owner_category"


class AliasInline(ConfigInline):
    model = Alias
    related = ("model",)
    fields = ("name",)


ENTRIES = Prefetch("entries", Entry.objects.select_related("endpoint", "model"))


def shown_entries(row: PublicModel | Category) -> SafeString:
    """The entries a line each, in order; those that are switched off in brackets. Reads the prefetched ``entries``."""
    names = (str(entry) if entry.enabled else f"({entry})" for entry in row.entries.all())
    return format_html_join(SafeString("<br>"), "{}", ((name,) for name in names))


@admin.register(PublicModel)
class PublicModelAdmin(Switchable):
    inlines = (ModelEntryInline, AliasInline)
    list_display = ("name", "type", "strategy", "chain", "other_names", "enabled")
    list_filter = ("type", "strategy", "enabled")
    search_fields = ("name", "aliases__name", "description")
    fieldsets = (
        (None, {"fields": (("name", "enabled"), ("type", "strategy"), "mid_stream", "owned_by", "description")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublicModel]:
        return super().get_queryset(request).prefetch_related(ENTRIES, "aliases")

    @display(description=_("entries"))
    def chain(self, row: PublicModel) -> SafeString:
        return shown_entries(row)

    @display(description=_("aliases"))
    def other_names(self, row: PublicModel) -> str:
        return ", ".join(alias.name for alias in row.aliases.all())


class CategoryForm(forms.ModelForm):
    keywords = LinesField(
        label=_("Keywords"), help_text=_("Words and phrases that speak for this category, a line each.")
    )


@admin.register(Category)
class CategoryAdmin(Switchable):
    form = CategoryForm
    inlines = (CategoryEntryInline,)
    list_display = ("name", "strategy", "chain", "words", "enabled")
    list_filter = ("strategy", "enabled")
    search_fields = ("name", "keywords", "description")
    fieldsets = ((None, {"fields": (("name", "enabled"), "strategy", ("keywords", "weights"), "description")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        return super().get_queryset(request).prefetch_related(ENTRIES)

    @display(description=_("entries"))
    def chain(self, row: Category) -> SafeString:
        return shown_entries(row)

    @display(description=_("keywords"))
    def words(self, row: Category) -> str:
        some = ", ".join(row.keywords[:6])
        return f"{some}, …" if len(row.keywords) > 6 else some
