"""The page of a provider: its address, keys and headers. No stored secret is ever rendered."""

from __future__ import annotations

import os
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import PaginationInlineFormSet

from providers.destination import destination, refuse_moved_secrets, stored_secrets
from providers.models import Provider, ProviderHeader, ProviderKey
from providers.secrets import mask

from .base import ConfigInline, OrderedFormSet, OrderedInline, Switchable
from .fields import SecretField, with_password, without_password
from .own_list import add_chosen, show


class ProviderForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_proxy = self.instance.proxy
        self.stored_destination = self.instance.stored_destination = destination(self.instance)
        if "proxy" in self.fields:
            self.initial["proxy"] = without_password(self.stored_proxy)

    def clean_proxy(self) -> str:
        return with_password(self.cleaned_data["proxy"], self.stored_proxy)


class KeyForm(forms.ModelForm):
    secret = SecretField(label=_("new key"), help_text=_("Empty: the stored one stays."))

    def clean_secret(self) -> str:
        """A variable named in its stead replaces a stored key; otherwise an empty input keeps it."""
        typed: str = self.cleaned_data["secret"]
        named = self.data.get(self.add_prefix("env_var"), "").strip()
        return typed or ("" if named and "env_var" in self.changed_data else self.instance.secret)

    def clean(self) -> dict[str, Any]:
        """An imported row may lack both, for documents hold no keys: it stays as it is."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        touched = self.instance.pk is None or {"secret", "env_var"} & set(self.changed_data)
        if touched and not self.errors and not (cleaned.get("secret") or cleaned.get("env_var")):
            self.add_error("secret", _("Give the key itself or the variable that holds it."))
        return cleaned

    def keeps_secret(self) -> bool:
        """Whether a stored key would stay as it is."""
        return bool(self.initial.get("secret")) and "secret" not in self.changed_data and bool(self.instance.secret)


class HeaderForm(forms.ModelForm):
    """The value of a secret header goes in and never comes out; a plain one is shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.was_secret = bool(self.initial.get("secret"))
        ticked = self.is_bound and bool(self.data.get(self.add_prefix("secret")))
        if "value" in self.fields and (self.was_secret or ticked):
            self.fields["value"] = SecretField(label=_("value"), help_text=_("Empty: the stored one stays."))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.was_secret and not cleaned.get("value"):
            if not cleaned.get("secret"):
                raise ValidationError({"value": _("Enter the value again to make it visible.")})
            cleaned["value"] = self.initial["value"]
        return cleaned

    def keeps_secret(self) -> bool:
        """Whether a stored secret value would stay as it is."""
        return self.was_secret and "value" not in self.changed_data


class _Guarded:
    """Mixin of the formsets that hold secrets: they don't follow a provider to another address by themselves."""

    secret_field: str

    def clean(self) -> None:
        super().clean()  # type: ignore[misc]  # the next class is a formset
        provider: Provider = self.instance  # type: ignore[attr-defined]
        before = getattr(provider, "stored_destination", None)
        if before is None or provider.pk is None:
            return
        for form in self.initial_forms:  # type: ignore[attr-defined]
            if self._should_delete_form(form) or not form.keeps_secret():  # type: ignore[attr-defined]
                continue
            try:
                refuse_moved_secrets(before, destination(provider), [str(form.instance)])
            except ValidationError as error:
                changed = ", ".join(str(label_for_field(name, Provider)) for name in error.message_dict)
                form.add_error(
                    self.secret_field,
                    _("Enter it again: the place it is sent to has changed (%(fields)s).") % {"fields": changed},
                )


class KeyFormSet(_Guarded, OrderedFormSet):
    secret_field = "secret"  # noqa: S105 - a field's name


class HeaderFormSet(_Guarded, PaginationInlineFormSet):
    secret_field = "value"  # noqa: S105 - a field's name


class KeyInline(OrderedInline):
    model = ProviderKey
    form = KeyForm
    formset = KeyFormSet
    related = ("provider",)
    fields = ("label", "present", "secret", "env_var", "enabled", "position")
    readonly_fields = ("present",)
    verbose_name_plural = _("keys, tried in this order")

    @display(description=_("present key"))
    def present(self, key: ProviderKey) -> str:
        return shown_key(key) if key.pk else ""


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
    list_display = ("name", "kind", "base_url", "keys", "models", "enabled")
    list_filter = ("kind", "enabled")
    search_fields = ("name", "base_url", "description")
    actions_detail = ("own_list",)
    actions_row = ("own_list",)
    ordering_field = "position"
    hide_ordering_field = True
    list_per_page = 500  # the drag numbers rows from 0 on each page, so they belong on one
    fieldsets = (
        (None, {"fields": (("name", "enabled"), "kind", "base_url", "keyless", "description")}),
        (_("Signing"), {"fields": ("auth_header", "auth_scheme"), "classes": ("tab",)}),
        (_("What is sent"), {"fields": ("paths", "extra_body"), "classes": ("tab",)}),
        (_("The way there"), {"fields": ("proxy", "ca_bundle"), "classes": ("tab",)}),
        (_("Limits"), {"fields": ("limit_requests", "limit_tokens", "limit_window"), "classes": ("tab",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        return super().get_queryset(request).prefetch_related("keys").annotate(models_count=Count("models"))

    @action(
        description=_("Read the provider's own list of models"),
        url_path="own-list",
        icon="sync",
        permissions=["change"],
    )
    def own_list(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """What is new in it can be added there."""
        provider = get_object_or_404(Provider, pk=object_id)
        return add_chosen(self, request, provider) if request.method == "POST" else show(self, request, provider)

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Who may not edit keys cannot give them again, and so cannot move them."""
        if change and not request.user.has_perms(["providers.change_providerkey", "providers.change_providerheader"]):
            kept = [str(_("its keys and secret headers"))] if stored_secrets(obj) else []
            refuse_moved_secrets(form.stored_destination, destination(obj), kept)
        if not change:
            obj.position = (Provider.objects.aggregate(last=Max("position"))["last"] or 0) + 1
        super().save_model(request, obj, form, change)

    @display(description=_("keys"))
    def keys(self, provider: Provider) -> SafeString | str:
        return shown_keys(provider)

    @display(description=_("models"), ordering="models_count")
    def models(self, provider: Provider) -> SafeString:
        url = reverse("admin:providers_providermodel_changelist")
        count = provider.models_count  # type: ignore[attr-defined]  # annotated above
        return format_html('<a href="{}?provider__id__exact={}">{}</a>', url, provider.pk, count)


def shown_key(key: ProviderKey) -> str:
    """What may be shown of a key: its mask, or its variable and whether it is set."""
    if key.env_var:
        return f"{key.env_var}: {_('set') if os.environ.get(key.env_var) else _('not set')}"
    return mask(key.secret) if key.secret else str(_("empty"))


def shown_keys(provider: Provider) -> SafeString | str:
    """The usable keys of a provider a line each, or what is missing. Reads the prefetched ``keys``."""
    keys = [key for key in provider.keys.all() if key.enabled]
    usable = [key for key in keys if key.secret or os.environ.get(key.env_var)]
    if usable:
        return format_html_join(SafeString("<br>"), "{}", ((shown_key(key),) for key in usable))
    if provider.keyless:
        return str(_("needs none"))
    if keys:
        return str(_("missing: %(variable)s") % {"variable": keys[0].env_var or keys[0].label})
    return str(_("none"))
