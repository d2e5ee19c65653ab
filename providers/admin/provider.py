"""The page of a provider: its address, keys and headers; the list tells how each stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import BooleanField, Count, Max, QuerySet, Value
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from providers.destination import destination, refuse_moved_secrets, stored_secrets
from providers.models import Provider, ProviderHeader, ProviderKey
from providers.standing import source

from . import state
from .base import ConfigInline, OrderedInline, Switchable, row_or_404
from .own_list import add_chosen, show
from .provider_forms import HeaderForm, HeaderFormSet, KeyForm, KeyFormSet, ProviderForm
from .rotating import rotate_key

COPIED = "copy"
NOT_COPIED = frozenset({"id", "name", "position", "proxy"})


class KeyInline(OrderedInline):
    model = ProviderKey
    form = KeyForm
    formset = KeyFormSet
    related = ("provider",)
    fields = ("label", "present", "secret", "env_var", "enabled", "position")
    readonly_fields = ("present",)
    verbose_name_plural = _("keys, tried in this order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        open_ = request.user.has_perm("providers.change_providerkey")
        return super().get_queryset(request).annotate(open=Value(open_, output_field=BooleanField()))

    @display(description=_("present key"))
    def present(self, key: ProviderKey) -> str:
        return state.shown_key(key, getattr(key, "open", False)) if key.pk else ""


class HeaderInline(ConfigInline):
    model = ProviderHeader
    form = HeaderForm
    formset = HeaderFormSet
    related = ("provider",)
    fields = ("name", "value", "secret")


@admin.register(Provider)
class ProviderAdmin(Switchable):
    form = ProviderForm
    inlines = (KeyInline, HeaderInline)
    list_display = ("shown_name", "address", "keys", "standing", "tries", "models", "deeds")
    list_display_links = ("shown_name",)
    list_filter = ("kind", "enabled")
    search_fields = ("name", "base_url", "description")
    actions = (*Switchable.actions, "export")
    actions_detail = ("test", "own_list", "rotate", "clone")
    actions_row = ("test", "own_list", "rotate", "clone")
    ordering_field = "position"
    hide_ordering_field = True
    list_per_page = 500  # the drag numbers rows from 0 on each page, so they belong on one
    list_before_template = "admin/providers/provider/list_hint.html"
    fieldsets = (
        (None, {"fields": (("name", "enabled"), "kind", "base_url", "keyless", "description")}),
        (
            _("Signing"),
            {
                "fields": ("auth_header", "auth_scheme"),
                "classes": ("tab",),
                "description": _("How a key is sent: what the kind knows by itself, unless you say otherwise."),
            },
        ),
        (_("What is sent"), {"fields": ("paths", "extra_body"), "classes": ("tab",)}),
        (_("The way there"), {"fields": ("proxy", "ca_bundle"), "classes": ("tab",)}),
        (
            _("Limits"),
            {
                "fields": ("limit_requests", "limit_tokens", "limit_window"),
                "classes": ("tab",),
                "description": _("A sliding window over all endpoints of this provider, exact across all workers."),
            },
        ),
    )

    class Media:
        css = {"all": ("providers/admin.css",)}
        js = ("providers/kinds.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        return super().get_queryset(request).prefetch_related("keys").annotate(models_count=Count("models"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, whose rows know how they stand and what whoever asks may see; as many queries however many."""
        found = super().get_changelist_instance(request)
        standings = source().providers()
        since, usage = state.last_hours(datetime.now(UTC))
        for row in found.result_list:  # which keeps its rows
            row.stands = standings.get(row.name, state.NOTHING)
            row.counted = usage.get(row.name, state.NO_USAGE)
            row.since = since
            row.open = request.user.has_perm("providers.change_providerkey")
            row.may_send = self.has_send_permission(request)
        return found

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may send requests from the admin."""
        return bool(request.user.has_perm("metrics.add_requestlog")) and self.has_view_permission(request)

    def has_rotate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may replace keys."""
        return bool(request.user.has_perms(["providers.change_providerkey", "providers.add_providerkey"]))

    def has_copy_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may add providers."""
        return self.has_add_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the configuration as text."""
        return bool(request.user.has_perm("routing.view_configrevision"))

    @action(
        description=_("Read the provider's own list of models"),
        url_path="own-list",
        icon="sync",
        permissions=["send"],
    )
    def own_list(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """What is new in it can be added there."""
        provider = row_or_404(self, request, object_id)
        return add_chosen(self, request, provider) if request.method == "POST" else show(self, request, provider)

    @action(description=_("Test it with a real call"), url_path="test", icon="network_check", permissions=["send"])
    def test(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        provider = row_or_404(self, request, object_id)
        return HttpResponseRedirect(reverse("admin:test", args=["provider", provider.name]))

    @action(description=_("Replace a key"), url_path="rotate-key", icon="key", permissions=["rotate"])
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return rotate_key(self, request, row_or_404(self, request, object_id))

    @action(description=_("Clone"), url_path="clone", icon="content_copy", permissions=["copy"])
    def clone(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        provider = row_or_404(self, request, object_id)
        told = _("This is a copy of “%(name)s”: give it a name. Keys, headers, proxy and models are not copied.")
        self.message_user(request, told % {"name": provider.name}, messages.INFO)
        address = reverse("admin:providers_provider_add")
        return HttpResponseRedirect(f"{address}?{urlencode({COPIED: provider.pk})}")

    @action(description=_("Export as YAML"), permissions=["export"])
    def export(self, request: HttpRequest, queryset: QuerySet[Provider]) -> HttpResponse:
        names = urlencode([("name", name) for name in queryset.values_list("name", flat=True)])
        return HttpResponseRedirect(f"{reverse('admin:export_selection', args=['providers'])}?{names}")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """``?copy=ID``: what the copied provider says, without its secrets."""
        pk = request.GET.get(COPIED, "")
        row = Provider.objects.filter(pk=pk).first() if pk.isdecimal() else None
        if row is None:
            return super().get_changeform_initial_data(request)
        fields = (field.name for field in Provider._meta.concrete_fields if field.name not in NOT_COPIED)
        return {name: getattr(row, name) for name in fields}

    def response_add(self, request: HttpRequest, obj: Provider, post_url_continue: str | None = None) -> HttpResponse:
        """What is to be done next: try it, and see what it offers."""
        response = super().response_add(request, obj, post_url_continue)
        if self.has_send_permission(request):
            self.message_user(request, self._next(obj), messages.INFO)
        return response

    def _next(self, obj: Provider) -> SafeString:
        links = (
            (reverse("admin:providers_provider_own_list", args=[obj.pk]), _("read its models")),
            (reverse("admin:test", args=["provider", obj.name]), _("test it")),
        )
        shown = format_html_join(" · ", '<a class="underline" href="{}">{}</a>', links)
        return format_html("{} {}", _("Next:"), shown)

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Who may not edit keys cannot give them again, and so cannot move them."""
        if change and not request.user.has_perms(["providers.change_providerkey", "providers.change_providerheader"]):
            kept = [str(_("its keys and secret headers"))] if stored_secrets(obj) else []
            refuse_moved_secrets(form.stored_destination, destination(obj), kept)
        if not change:
            obj.position = (Provider.objects.aggregate(last=Max("position"))["last"] or 0) + 1
        super().save_model(request, obj, form, change)

    @display(description=_("provider"), ordering="name")
    def shown_name(self, provider: Provider) -> SafeString:
        return state.lines(provider.name, provider.get_kind_display())

    @display(description=_("base URL"), ordering="base_url")
    def address(self, provider: Provider) -> SafeString:
        return format_html('<span class="pv-address">{}</span>', provider.base_url)

    @display(description=_("keys"))
    def keys(self, provider: Any) -> SafeString:
        return state.shown_keys(provider, provider.stands, provider.open)

    @display(description=_("state"))
    def standing(self, provider: Any) -> SafeString:
        return state.state_of(provider, provider.stands)

    @display(description=_("failing, last hour"))
    def tries(self, provider: Any) -> SafeString:
        return state.failing(provider.counted)

    @display(description=_("models"), ordering="models_count")
    def models(self, provider: Provider) -> SafeString:
        url = reverse("admin:providers_providermodel_changelist")
        count = provider.models_count  # type: ignore[attr-defined]  # annotated above
        return format_html('<a class="underline" href="{}?provider__id__exact={}">{}</a>', url, provider.pk, count)

    @display(description=_("do"))
    def deeds(self, provider: Any) -> SafeString:
        if not provider.may_send:
            return SafeString("")
        test = reverse("admin:test", args=["provider", provider.name])
        return format_html('<a class="underline" href="{}">{}</a>', test, _("Test"))
