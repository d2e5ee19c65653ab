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

    name = models.CharField(_("name"), max_length=100, unique=True)
    prefix = models.CharField(_("prefix"), max_length=16, editable=False, db_index=True)
    hash = models.CharField(_("hash"), max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=default_scopes, validators=[validate_scopes])
    allowed_models = models.JSONField(
        _("allowed models"),
        default=list,
        blank=True,
        validators=[validate_string_list],
        help_text=_('Names as callers write them; “*” at the end matches the rest. Empty: all. e.g. ["openai/*"]'),
    )
    limit_requests = models.PositiveIntegerField(_("requests per window"), null=True, blank=True)
    limit_tokens = models.PositiveIntegerField(_("tokens per window"), null=True, blank=True)
    limit_window = models.FloatField(
        _("window"), null=True, blank=True, validators=WINDOW_BOUNDS, help_text=_("Seconds. Empty: 60.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    description = models.TextField(_("description"), blank=True)

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
