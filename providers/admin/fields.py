"""Form fields: secrets that go in and never come out, lists as lines, figures without trailing zeros."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from providers.catalogue import plain
from providers.secrets import Undecryptable

HIDDEN = "••••"


class SecretField(forms.CharField):
    """Write-only: the stored value is never rendered, an empty input means "as it is"."""

    def __init__(self, **kwargs: Any) -> None:
        options = {"required": False, "strip": True, "max_length": 4000, **kwargs}
        # new-password: browsers must not offer a saved password for somebody else's key
        options["widget"] = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False)
        super().__init__(**options)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data))


class LinesField(forms.CharField):
    """A list of strings, a line each; for JSON fields."""

    def __init__(self, **kwargs: Any) -> None:
        options = {"required": False, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 4}), **kwargs}
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(item) for item in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class PlainDecimalField(forms.DecimalField):
    """2.5 instead of 2.500000000."""

    def prepare_value(self, value: Any) -> Any:
        return plain(value) if isinstance(value, Decimal) else value


def without_password(url: str) -> str:
    """The URL with dots for its password; "" for what cannot be decrypted."""
    if isinstance(url, Undecryptable):
        return ""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{HIDDEN}@{host}"))


def with_password(typed: str, stored: str) -> str:
    """What was typed over ``without_password(stored)``: unchanged it is ``stored``; dots elsewhere are refused."""
    if typed == without_password(stored):
        return stored
    if HIDDEN in typed:
        raise ValidationError(_("The address has changed: enter its password again."))
    return typed


def refuse_zero(form: forms.ModelForm, names: Iterable[str], why: Any) -> None:
    """A 0 that was just typed is refused; one that a document brought stays until it is changed."""
    for name in names:
        if name in form.changed_data and form.cleaned_data.get(name) == 0:
            form.add_error(name, why)
