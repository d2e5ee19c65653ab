"""The page of application keys. A new key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from providers.admin.base import Switchable
from providers.admin.fields import LinesField
from routing.admin import figures, new_key, show, standing
from routing.admin.acting import OneRow
from routing.admin.endpoints import refuse_nothing
from routing.admin.names import callable_names
from routing.admin.usage import UNUSED, Used, last_month
from routing.models import ApiKey, KeyState
from routing.models.access import default_scopes, generate_key
from routing.windows import WINDOWS

LIMITS = {"fields": ("limit_requests", "limit_tokens", "limit_window")}
SCOPE_WORDS = {
    "inference": (_("Ask models"), _("Ask models: chat, embeddings, transcriptions and all else (inference)")),
    "admin": (_("Change routing"), _("Change categories and circuits through the API, reset statistics (admin)")),
    "metrics": (_("Read figures"), _("Read statistics, states and metrics, e.g. for Prometheus (metrics)")),
}
NO_LIMIT_OF_ZERO = {
    "limit_requests": _("0 would let no request through: leave it empty for no limit, or revoke the key."),
    "limit_tokens": _("0 would let no request through: leave it empty for no limit, or revoke the key."),
}


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("May be used to"),
        choices=[(scope, long) for scope, (_short, long) in SCOPE_WORDS.items()],
        initial=default_scopes,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    allowed_models = LinesField(
        label=_("Allowed models"),
        help_text=_(
            "Names as callers write them, a line each, e.g. fast-chat; “*” at the end stands for any rest, e.g. "
            "openai/*. Empty: all."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "allowed_models" in self.fields:
            said = {"data-names": callable_names(), "data-add": _("Add a name …")}
            self.fields["allowed_models"].widget.attrs |= {name: str(value) for name, value in said.items()}
        if "expires_at" in self.fields:
            self.fields["expires_at"].help_text = new_key.presets()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        refuse_nothing(self, NO_LIMIT_OF_ZERO)
        return cleaned


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
class ApiKeyAdmin(OneRow, Switchable):
    previewed = False  # keys are in no revision
    form = ApiKeyForm
    list_display = ("shown_name", "shown_scopes", "models", "state", "month", "last_used", "deeds")
    list_filter = (State,)
    search_fields = ("name", "prefix", "description")
    readonly_fields = ("shown_prefix", "created_at", "last_used", "month_told", "window_told")
    actions = ("revoke", "restore", "rotate")
    change_form_outer_before_template = "routing/rotate.html"
    fieldsets = (
        (None, {"fields": ("name", "scopes", "allowed_models", "enabled", "expires_at", "description")}),
        (_("Limits"), LIMITS),
        (_("Content"), {"fields": ("log_content",)}),
        (_("The key"), {"fields": ("shown_prefix", "created_at", "last_used", "month_told", "window_told")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "scopes", "allowed_models", "expires_at", "description")}),
        (_("Limits"), LIMITS),
        (_("Content"), {"fields": ("log_content",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        used = KeyState.objects.filter(identity=Concat(Value("api:"), OuterRef("name"))).values("last_used_at")
        return super().get_queryset(request).annotate(used=Subquery(used[:1]))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """A key's hash is not told a digit at a time either."""
        return not lookup.startswith("hash") and super().lookup_allowed(lookup, value, request)

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        usage = last_month("api_key", [row.name for row in rows])
        for row in rows:
            row.usage = usage.get(row.name, UNUSED)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None and "rotate" in self.get_actions(request):
            context["rotate_at"] = self.address(obj.pk)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        plain = None if change else generate_key()
        if plain:
            obj.set_key(plain)
        super().save_model(request, obj, form, change)
        if plain:
            self.show_once(request, obj, plain)

    def show_once(self, request: HttpRequest, key: ApiKey, plain: str) -> None:
        """The only place where a key is ever shown."""
        self.message_user(request, new_key.shown(request, key, plain), messages.WARNING)

    @action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in self.switched(request, queryset, enabled=False):
            self.message_user(request, _("“%(name)s” is revoked.") % {"name": key.name})

    @action(description=_("Allow again"), permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in self.switched(request, queryset, enabled=True):
            self.message_user(request, _("“%(name)s” may be used again.") % {"name": key.name})

    def switched(self, request: HttpRequest, queryset: QuerySet[ApiKey], *, enabled: bool) -> list[ApiKey]:
        """The chosen keys that are not like that yet, changed and noted in the log."""
        changed = list(queryset.filter(enabled=not enabled))
        for key in changed:
            key.enabled = enabled
            key.save()
            self.log_change(request, key, [{"changed": {"fields": ["enabled"]}}])
        return changed

    @action(description=_("Rotate: make a new key, end the old one"), permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            plain = generate_key()
            key.set_key(plain)
            key.save()
            self.log_change(request, key, [{"changed": {"fields": ["key"]}}])
            self.show_once(request, key, plain)

    @display(description=_("name"), ordering="name")
    def shown_name(self, key: ApiKey) -> SafeString:
        return show.lines(key.name, f"{key.prefix}…")

    @display(description=_("begins with"), ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description=_("may"))
    def shown_scopes(self, key: ApiKey) -> str:
        return ", ".join(str(SCOPE_WORDS.get(scope, (scope,))[0]) for scope in key.scopes)

    @display(description=_("models"))
    def models(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_models) or str(_("all"))

    @display(description=_("state"))
    def state(self, key: ApiKey) -> SafeString:
        left = key.expires_at - timezone.now() if key.expires_at else None
        until = show.when(key.expires_at)
        if not key.enabled:
            return show.lines(show.chip("bad", _("revoked")))
        if left is None:
            return show.lines(show.chip("good", _("usable")))
        if left <= timedelta(0):
            return show.lines(show.chip("warn", _("expired")), until)
        kind, word = ("info", _("expires soon")) if left < timedelta(days=7) else ("good", _("usable"))
        return show.lines(show.chip(kind, word), _("until %(at)s") % {"at": until})

    @display(description=_("last 30 days"))
    def month(self, key: Any) -> SafeString:
        used: Used = key.usage
        if not used.requests:
            return show.NOTHING
        requests = ngettext("%(n)s request", "%(n)s requests", used.requests) % {"n": show.count(used.requests)}
        return show.lines(requests, show.money(used.cost))

    @display(description=_("last 30 days"), empty_value=_("nothing asked"))
    def month_told(self, key: ApiKey) -> Any:
        key.usage = last_month("api_key", [key.name]).get(key.name, UNUSED)  # type: ignore[attr-defined]
        return self.month(key) or None

    @display(description=_("window used"), empty_value=_("no limit"))
    def window_told(self, key: ApiKey) -> Any:
        window = standing.window_of(key, f"api:{key.name}")
        reading = WINDOWS.read([window]).get(window.key) if window else None
        return figures.window_of(window, reading) or None

    @display(description=_("last used"), ordering=F("used").desc(nulls_last=True), empty_value=_("never"))
    def last_used(self, key: ApiKey) -> Any:
        return show.when(getattr(key, "used", None))

    @display(description=_("do"))
    def deeds(self, key: ApiKey) -> SafeString:
        switch = ("revoke", _("Revoke"), "block") if key.enabled else ("restore", _("Allow again"), "check_circle")
        return self.buttons(key, (switch,))
