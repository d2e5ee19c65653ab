"""The page of application keys. A new key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from providers.admin.base import ConfigAdmin
from providers.admin.fields import LinesField
from routing.models import ApiKey, KeyState
from routing.models.access import SCOPES, default_scopes, generate_key

LIMITS = (("limit_requests", "limit_tokens", "limit_window"),)


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope, scope) for scope in SCOPES],
        initial=default_scopes,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    allowed_models = LinesField(
        label=_("Allowed models"),
        help_text=_("Names as callers write them, a line each; “*” at the end matches the rest. Empty: all."),
    )


class State(admin.SimpleListFilter):
    """Usable, switched off or expired."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("usable", _("usable")), ("revoked", _("revoked")), ("expired", _("expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        expired = queryset.filter(expires_at__lte=timezone.now())
        if self.value() == "expired":
            return expired
        if self.value() == "revoked":
            return queryset.filter(enabled=False)
        if self.value() == "usable":
            return queryset.filter(enabled=True).exclude(pk__in=expired.values("pk"))
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ConfigAdmin):
    form = ApiKeyForm
    list_display = ("name", "shown_prefix", "shown_scopes", "models", "state", "expires_at", "last_used")
    list_filter = (State,)
    search_fields = ("name", "prefix", "description")
    readonly_fields = ("shown_prefix", "created_at", "last_used")
    actions = ("revoke", "rotate")
    fieldsets = (
        (None, {"fields": ("name", "scopes", "allowed_models", "enabled", "expires_at", "description")}),
        (_("Limits"), {"fields": LIMITS}),
        (_("The key"), {"fields": ("shown_prefix", "created_at", "last_used")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "scopes", "allowed_models", "expires_at", "description")}),
        (_("Limits"), {"fields": LIMITS}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        used = KeyState.objects.filter(identity=Concat(Value("api:"), OuterRef("name"))).values("last_used_at")
        return super().get_queryset(request).annotate(used=Subquery(used[:1]))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        plain = None if change else generate_key()
        if plain:
            obj.set_key(plain)
        super().save_model(request, obj, form, change)
        if plain:
            self.show_once(request, obj, plain)

    def show_once(self, request: HttpRequest, key: ApiKey, plain: str) -> None:
        """The only place where a key is ever shown."""
        shown = format_html('<code id="new-key">{}</code>', plain)
        text = format_html(str(_("The key of “{}”, shown this once: {}")), key.name, shown)
        self.message_user(request, text, messages.WARNING)

    @action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset.filter(enabled=True):
            key.enabled = False
            key.save()
            self.log_change(request, key, [{"changed": {"fields": ["enabled"]}}])
            self.message_user(request, _("“%(name)s” is revoked.") % {"name": key.name})

    @action(description=_("Rotate: make a new key, end the old one"), permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            plain = generate_key()
            key.set_key(plain)
            key.save()
            self.log_change(request, key, [{"changed": {"fields": ["key"]}}])
            self.show_once(request, key, plain)

    @display(description=_("key"), ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description=_("scopes"))
    def shown_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description=_("models"))
    def models(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_models) or str(_("all"))

    @display(
        description=_("state"),
        label={_("usable"): "success", _("revoked"): "danger", _("expired"): "warning", _("expires soon"): "info"},
    )
    def state(self, key: ApiKey) -> Any:
        if not key.enabled:
            return _("revoked")
        if key.expires_at is None:
            return _("usable")
        left = key.expires_at - timezone.now()
        if left <= timedelta(0):
            return _("expired")
        return _("expires soon") if left < timedelta(days=7) else _("usable")

    @display(description=_("last used"), ordering=F("used").desc(nulls_last=True), empty_value=_("never"))
    def last_used(self, key: ApiKey) -> Any:
        return getattr(key, "used", None)
