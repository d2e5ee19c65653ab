"""What is taken out of stored contents, as the environment says it: checked at the start, used where contents are."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from gateway_project import env
from metrics.redact import redactor


def checked(name: str) -> str:
    """What the variable says, if it can be read. Raises ImproperlyConfigured with what was expected."""
    said = env.text(name, "")
    try:
        redactor(said)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}.") from error
    return said
