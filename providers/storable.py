"""What no database and no text form of the configuration stores, refused where it is typed."""

from __future__ import annotations

from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_NUMBER = 10**300  # beyond, neither floats nor their text hold it


def refuse_unstorable(value: Any) -> None:
    """ValidationError for NUL and lone surrogates in texts, infinities and endless numbers, anywhere within JSON."""
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(key)
            refuse_unstorable(item)
    elif isinstance(value, list):
        for item in value:
            refuse_unstorable(item)
    elif isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValidationError(_("Texts may not hold NUL characters or halves of characters."))
    elif isinstance(value, int | float) and (abs(value) >= MAX_NUMBER or not isfinite(value)):
        raise ValidationError(_("Numbers must be finite, of at most 300 digits."))
