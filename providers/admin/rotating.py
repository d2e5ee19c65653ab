"""The page on which a provider's key is replaced: the new one goes in, the old one is kept behind it or dropped."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from providers.configuration import one_change
from providers.models import Provider, ProviderKey

from .fields import SecretField

TEMPLATE = "admin/providers/provider/rotate_key.html"
NEEDED = ("providers.change_providerkey", "providers.add_providerkey")


class RotateForm(forms.Form):
    label = forms.ChoiceField(
        label=_("Key"), widget=UnfoldAdminSelectWidget, help_text=_("Which one is replaced, by its label.")
    )
    secret = SecretField(
        label=_("New key"), required=True, help_text=_("As the vendor shows it, e.g. sk-…; it is never shown again.")
    )
    keep = forms.BooleanField(
        label=_("Keep the old key behind the new one"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("It is tried where the new one is rejected or limited; delete it once the new one works."),
    )

    def __init__(self, provider: Provider, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["label"].choices = [(key.label, key.label) for key in provider.keys.all()]  # type: ignore[attr-defined]


def rotate_key(page: Any, request: HttpRequest, provider: Provider) -> HttpResponse:
    """``page``: the ModelAdmin of providers. PermissionDenied for those who may not edit keys."""
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied
    back = reverse("admin:providers_provider_change", args=[provider.pk])
    if not provider.keys.exists():
        page.message_user(request, _("There is no key to replace: add one below."), messages.WARNING)
        return HttpResponseRedirect(back)
    form = RotateForm(provider, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with one_change(request.user.get_username(), "admin"):
                kept = replace(provider, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error("secret", " ".join(refusal.messages))
        else:
            label = form.cleaned_data["label"]
            page.log_change(
                request, provider, [{"changed": {"name": "provider key", "object": label, "fields": ["key"]}}]
            )
            told = (
                _("The key “%(label)s” is replaced; the old one follows it as “%(kept)s”.")
                if kept
                else _("The key “%(label)s” is replaced; the old one is gone.")
            )
            page.message_user(request, told % {"label": label, "kept": kept}, messages.SUCCESS)
            return HttpResponseRedirect(back)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "original": provider,
        "title": _("Replace a key of %(provider)s") % {"provider": provider.name},
        "form": form,
        "back": back,
    }
    return TemplateResponse(request, TEMPLATE, context)


def replace(provider: Provider, label: str, secret: str, keep: bool) -> str:
    """Put ``secret`` in the place of the key ``label``; the label under which the old one is kept, "" where it is not.

    Within the caller's ``one_change``.
    """
    key = provider.keys.get(label=label)
    kept = ""
    if keep and (key.secret or key.env_var):
        kept = _free(provider, label)
        for other in provider.keys.filter(position__gt=key.position):
            other.position += 1
            other.save()
        old = ProviderKey(provider=provider, label=kept, position=key.position + 1, enabled=key.enabled)
        old.secret, old.env_var = key.secret, key.env_var
        old.save()
    key.secret, key.env_var, key.enabled = secret, "", True
    key.save()
    return kept


def _free(provider: Provider, label: str) -> str:
    taken = set(provider.keys.values_list("label", flat=True))
    names = (f"{label[:55]}-old{number or ''}" for number in range(len(taken) + 2))
    return next(name for name in names if name not in taken)
