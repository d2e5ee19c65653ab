"""Who may call: application keys. Outside revisions; their changes move the clock alone."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.configuration import ConfigModel
from providers.models import WINDOW_BOUNDS, validate_string_list

SCOPES = ("inference", "admin", "metrics")
KEY_PREFIX = "sk-sy-"


def hash_key(plain: str) -> str:
    """SHA-256 in hex. A plain hash is right for a key of 256 random bits; a slow one would only slow every request."""
    return hashlib.sha256(plain.encode()).hexdigest()


def generate_key() -> str:
    """A new application key: 256 random bits behind a prefix that secret scanners can recognise."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def default_scopes() -> list[str]:
    """What a new key may do unless told otherwise."""
    return ["inference"]


def validate_scopes(value: Any) -> None:
    """A list of known scopes."""
    validate_string_list(value)
    unknown = sorted(set(value) - set(SCOPES))
    if unknown:
        raise ValidationError(
            _("Unknown scope %(unknown)s; expected some of %(known)s.")
            % {"unknown": ", ".join(unknown), "known": ", ".join(SCOPES)}
        )


class ApiKey(ConfigModel):
    """An application's key: stored as a hash, recognised by its prefix."""

    name = models.CharField(
        _("name"), max_length=100, unique=True, help_text=_("The application that uses it, e.g. shop-backend.")
    )
    prefix = models.CharField(_("prefix"), max_length=16, editable=False, db_index=True)
    hash = models.CharField(_("hash"), max_length=64, unique=True, editable=False)
    scopes = models.JSONField(
        _("may be used for"),
        default=default_scopes,
        validators=[validate_scopes],
        help_text=_("What requests with this key may do, e.g. only ask models."),
    )
    allowed_models = models.JSONField(
        _("allowed models"),
        default=list,
        blank=True,
        validators=[validate_string_list],
        help_text=_("Names as callers write them; “*” at the end stands for any rest, e.g. openai/*. Empty: all."),
    )
    limit_requests = models.PositiveIntegerField(
        _("requests"),
        null=True,
        blank=True,
        help_text=_("At most so many within the window, e.g. 100; more are answered 429. Empty: no limit."),
    )
    limit_tokens = models.PositiveIntegerField(
        _("tokens"),
        null=True,
        blank=True,
        help_text=_("At most so many, of prompts and answers, within the window, e.g. 500000. Empty: no limit."),
    )
    limit_window = models.FloatField(
        _("window"),
        null=True,
        blank=True,
        validators=WINDOW_BOUNDS,
        help_text=_("The seconds that are looked back on at each request, e.g. 3600 for an hour. Empty: 60."),
    )
    log_content = models.CharField(
        _("log content"),
        max_length=8,
        choices=[("off", _("off")), ("on", _("on: prompts and answers are stored"))],
        default="off",
        db_default="off",  # workers of the version before still make keys
        help_text=_(
            "On: what this key sends and is answered is stored for 7 days (GATEWAY_CONTENT_RETENTION_DAYS), up to 64 kB"
            " a side, without keys, e-mail addresses, card numbers and IBANs (GATEWAY_CONTENT_REDACT). Tell its users."
        ),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: revoked; requests with it are refused within a second.")
    )
    expires_at = models.DateTimeField(
        _("expires"), null=True, blank=True, help_text=_("From then on it is refused, e.g. in 90 days. Empty: never.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    description = models.TextField(
        _("description"), blank=True, help_text=_("Whose it is and what for, e.g. The shop's search, ask Ana.")
    )

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def set_key(self, plain: str) -> None:
        """Make ``plain`` this row's key; only its hash and the first 10 characters are kept."""
        self.prefix = plain[:10]
        self.hash = hash_key(plain)
