"""What values are refused, wherever they come from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from providers.storable import refuse_unstorable

PROVIDER_NAME = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
    _("Letters, digits, dots, hyphens and underscores, without a slash: it is the prefix in “provider/model”."),
)
HEADER_NAME = RegexValidator(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", _("A header name as in RFC 9110, e.g. X-Title."))
FORBIDDEN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding", "upgrade"}
)
MOST_TEXTS, LONGEST_TEXT = 1000, 200  # every worker's catalog holds all of them

# Where this gateway finds its own keys and passwords: no provider is sent one, whoever names it.
OWN_SECRETS = frozenset(
    {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL", "GATEWAY_ENCRYPTION_KEYS"}
    | {"GATEWAY_ADMIN_PASSWORD", "GATEWAY_API_KEY", "GATEWAY_OIDC_CLIENT_SECRET"}
)

WINDOW_BOUNDS = [MinValueValidator(0.05), MaxValueValidator(86400)]


def validate_http_url(value: str) -> None:
    """Absolute http(s) URL without credentials, query or fragment."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError(_("Expected an absolute URL such as https://api.example.com/v1."))
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationError(_("Leave credentials, query and fragment out of the URL; keys have fields of their own."))
    try:
        _port = parts.port
    except ValueError as error:
        raise ValidationError(_("The port must be a number between 0 and 65535.")) from error


def validate_object(value: Any) -> None:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValidationError(_("Expected a JSON object such as {}."))
    refuse_unstorable(value)


def validate_string_map(value: Any) -> None:
    """A JSON object of strings."""
    validate_object(value)
    if not all(isinstance(item, str) for item in value.values()):
        raise ValidationError(_("Every value must be a string."))


def validate_string_list(value: Any) -> None:
    """A JSON array of strings."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("Expected a JSON array of strings such as []."))
    if len(value) > MOST_TEXTS or any(len(item) > LONGEST_TEXT for item in value):
        raise ValidationError(_("At most 1000 texts of at most 200 characters."))
    refuse_unstorable(value)
