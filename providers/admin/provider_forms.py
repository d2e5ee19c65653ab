"""The forms of a provider's page: addresses, keys and headers. No stored secret is ever rendered."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet

from providers.catalogue import usual_addresses
from providers.destination import Destination, destination, refuse_moved_secrets
from providers.kinds import KINDS
from providers.models import Provider, ProviderHeader, ProviderKey
from providers.secrets import Undecryptable

from .base import OrderedFormSet
from .fields import SecretField, refuse_zero, with_password, without_password

NO_REQUESTS = _("0 would let no request through: leave it empty for no limit, or disable the provider.")


def kinds_said() -> dict[str, dict[str, Any]]:
    """What the form suggests for each kind: the usual address, how keys are signed, where they are looked for."""
    addresses = usual_addresses()
    return {
        kind.name: {
            "base_url": addresses.get(kind.name, ""),
            "auth_header": kind.auth_header,
            "auth_scheme": kind.auth_scheme or "none",
            "env_vars": list(kind.env_vars),
            "told": str(_("A key is usually found in %(variables)s.") % {"variables": ", ".join(kind.env_vars)})
            if kind.env_vars
            else "",
        }
        for kind in KINDS.values()
    }


class ProviderForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_proxy = self.instance.proxy
        self.stored_destination = self.instance.stored_destination = destination(self.instance)
        if "proxy" in self.fields:
            self.initial["proxy"] = without_password(self.stored_proxy)
            if isinstance(self.stored_proxy, Undecryptable):
                self.fields["proxy"].help_text = _("The stored proxy cannot be decrypted: enter it again, or “none”.")
        if "kind" in self.fields and self.instance.pk is None:
            self.fields["kind"].widget.attrs["data-kinds"] = json.dumps(kinds_said())
        if "keyless" in self.fields and not self.instance.keyless:
            self.fields["keyless"].help_text = _(
                "Requests go out unsigned while it has no key, e.g. to Ollama. Without this, a key must be there."
            )

    def clean_proxy(self) -> str:
        return with_password(self.cleaned_data["proxy"], self.stored_proxy)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        refuse_zero(self, ("limit_requests", "limit_tokens"), NO_REQUESTS)
        return cleaned


class KeyForm(forms.ModelForm):
    secret = SecretField(
        label=_("new key"), help_text=_("As the vendor shows it, e.g. sk-…; empty: the stored one stays.")
    )

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
        self._refuse_left_out(before, provider)

    def _refuse_left_out(self, before: Destination, provider: Provider) -> None:
        """Whoever posts a form decides which rows are in it: others stay as they are, and so may not move."""
        posted = {form.instance.pk for form in self.initial_forms}  # type: ignore[attr-defined]  # judged above
        rows = self.model._default_manager.filter(provider=provider).exclude(pk__in=posted)  # type: ignore[attr-defined]
        kept = [str(row) for row in rows if _is_stored(row)]
        try:
            refuse_moved_secrets(before, destination(provider), kept)
        except ValidationError as error:
            raise ValidationError(list(dict.fromkeys(error.messages))) from error


def _is_stored(row: ProviderKey | ProviderHeader) -> bool:
    """Whether the row holds a secret itself."""
    return bool(row.secret and row.value) if isinstance(row, ProviderHeader) else bool(row.secret)


class KeyFormSet(_Guarded, OrderedFormSet):
    secret_field = "secret"  # noqa: S105 - a field's name


class HeaderFormSet(_Guarded, PaginationInlineFormSet):
    secret_field = "value"  # noqa: S105 - a field's name
