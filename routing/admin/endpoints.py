"""The pages of endpoints: how each stands, what it may take, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from providers.admin.base import Switchable
from providers.admin.fields import SecretField
from providers.destination import is_stored_secret, known_origins, origin, stored_secrets
from providers.models import Provider, ProviderModel
from routing.admin import panel, show
from routing.admin.acting import OneRow
from routing.admin.copying import COPIED, free_name, said_of
from routing.admin.exporting import Exporting
from routing.admin.figures import figures_of, last_error_of, traffic_of, window_of
from routing.admin.standing import Standing, identity_of, standings
from routing.admin.steering import ACTIONS, DEEDS, CircuitActions, sensible
from routing.models import Endpoint

AT_LEAST_ONE = {
    "limit_requests": _("0 would let no request through: leave it empty for no limit, or disable the endpoint."),
    "limit_tokens": _("0 would let no request through: leave it empty for no limit, or disable the endpoint."),
    "circuit_failures": _("At least 1: the circuit opens when a request has failed."),
}


class EndpointForm(forms.ModelForm):
    key_again = SecretField(
        label=_("A key of the provider"),
        help_text=_("Only where the base URL is on a server that the provider's keys were not sent to before."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields and self.instance.pk is None:
            self.fields["name"].required = False
            self.fields["name"].help_text = _(
                "What lists, logs and statistics call this place, e.g. gpt-4o-europe. Empty: provider/upstream model."
            )
        if "upstream_model" in self.fields:
            self.fields["upstream_model"].widget.attrs["data-offers"] = json.dumps(offered())

    def clean_name(self) -> str:
        """A new endpoint needs no name: its provider's and its model's are one."""
        typed: str = self.cleaned_data["name"]
        chosen = self.data.get(self.add_prefix("provider")) or "0"
        provider = Provider.objects.filter(pk=chosen).first() if chosen.isdecimal() else None
        upstream = (self.data.get(self.add_prefix("upstream_model")) or "").strip()
        return typed or (free_name(Endpoint, f"{provider}/{upstream}") if provider and upstream else "")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        refuse_nothing(self, AT_LEAST_ONE)
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


def offered() -> dict[int, list[str]]:
    """What is sent upstream for the models that each provider, by id, is known to offer."""
    found: dict[int, list[str]] = {}
    for provider, name, upstream in ProviderModel.objects.values_list("provider_id", "name", "upstream_name"):
        found.setdefault(provider, []).append(upstream or name)
    return found


def refuse_nothing(form: forms.ModelForm, refusals: Mapping[str, Any]) -> None:
    """A limit of 0 that was just typed is refused; one that a document brought stays until it is changed."""
    for name, why in refusals.items():
        if name in form.changed_data and form.cleaned_data.get(name) == 0:
            form.add_error(name, why)


@admin.register(Endpoint)
class EndpointAdmin(CircuitActions, Exporting, OneRow, Switchable):
    form = EndpointForm
    section = "endpoints"
    tested = "endpoint"
    actions = (*Switchable.actions, *ACTIONS, "clone", "export")
    list_display = ("shown_name", "place", "state", "window", "speed", "last_error", "deeds")
    list_filter = ("provider", "enabled")
    list_select_related = ("provider",)
    search_fields = ("name", "upstream_model", "base_url", "provider__name")
    change_form_outer_before_template = "routing/state.html"
    fieldsets = (
        (None, {"fields": ("name", "enabled", "provider", "upstream_model", "base_url", "key_again")}),
        (
            _("Timeouts"),
            {
                "fields": (
                    "connect_timeout",
                    "headers_timeout",
                    "first_content_timeout",
                    "idle_timeout",
                    "total_timeout",
                    "retries",
                ),
                "classes": ("tab",),
                "description": _("How long each part of an exchange may take before it counts as failed."),
            },
        ),
        (
            _("Limits"),
            {
                "fields": ("limit_requests", "limit_tokens", "limit_window"),
                "classes": ("tab",),
                "description": _("A sliding window over what all workers send there, exact to the request."),
            },
        ),
        (
            _("Circuit"),
            {
                "fields": ("circuit_failures", "circuit_pause", "circuit_pause_max"),
                "classes": ("tab",),
                "description": _("When an endpoint that fails is left alone, and how soon it is tried again."),
            },
        ),
    )

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        found = standings(rows)
        for row in rows:
            row.standing = found[row.pk]

    def identities(self, queryset: QuerySet[Endpoint]) -> dict[str, Endpoint]:
        return {identity_of(row): row for row in queryset.select_related("provider")}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            context["panel"] = panel.of_endpoint(obj, frozenset(self.get_actions(request)), self.address(obj.pk))
            context["panel"]["test"] = self.test_address(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """``?copy=ID``: what the copied endpoint says, switched off and under another name."""
        pk = request.GET.get(COPIED, "")
        row = Endpoint.objects.filter(pk=pk).first() if pk.isdecimal() else None
        return super().get_changeform_initial_data(request) if row is None else said_of(row)

    @action(description=_("Clone"), permissions=["add"])
    def clone(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponse | None:
        if queryset.count() != 1:
            self.message_user(request, _("Choose one endpoint: its copy is opened to be filled in."))
            return None
        self.message_user(request, _("This is a copy: give it another upstream model, provider or base URL."))
        address = reverse("admin:routing_endpoint_add")
        return HttpResponseRedirect(f"{address}?{urlencode({COPIED: queryset.get().pk})}")

    @display(description=_("name"), ordering="name")
    def shown_name(self, row: Endpoint) -> SafeString:
        return show.lines(row.name, "" if row.enabled else _("disabled"))

    @display(description=_("provider and model"), ordering="provider__name")
    def place(self, row: Endpoint) -> SafeString:
        return show.lines(row.provider.name, row.upstream_model, row.base_url)

    @display(description=_("state"))
    def state(self, row: Any) -> SafeString:
        how = row.standing.condition
        return show.wide(show.chip(how.kind, how.word), show.short(how.why), how.until)

    @display(description=_("window used"))
    def window(self, row: Any) -> SafeString:
        return window_of(row.standing.window, row.standing.reading)

    @display(description=_("last 24 h"))
    def speed(self, row: Any) -> SafeString:
        return show.wide(figures_of(row.standing), traffic_of(row.standing))

    @display(description=_("last error"))
    def last_error(self, row: Any) -> SafeString:
        return last_error_of(row.standing)

    @display(description=_("do"))
    def deeds(self, row: Any) -> SafeString:
        standing: Standing = row.standing
        now = panel.now()
        possible = sensible(standing.row, now)
        steered = tuple((deed, *DEEDS[deed]) for deed in possible if deed != "trip" or "reset" not in possible)
        switch = ("switch_off", _("Disable"), "toggle_on") if row.enabled else ("switch_on", _("Enable"), "toggle_off")
        return self.buttons(row, (*steered, switch))
