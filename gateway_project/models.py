"""The front door's own rows: how often somebody tried to sign in, and whose accounts are kept elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SignInTries(models.Model):
    """Failed tries of a person at an address, or of an address. Whose they are can't be read from ``key``, a digest:
    people type passwords where names belong."""

    key = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField(default=0)
    last_at = models.FloatField(default=0, db_index=True)
    waits_until = models.FloatField(default=0)

    class Meta:
        verbose_name = _("tries to sign in")
        verbose_name_plural = _("tries to sign in")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key[:8]


class ForeignAccount(models.Model):
    """Whose account an issuer of OpenID Connect keeps. ``subject``: a digest of the issuer and its name for them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="foreign_account")
    subject = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("account kept elsewhere")
        verbose_name_plural = _("accounts kept elsewhere")
        default_permissions = ()

    def __str__(self) -> str:
        return self.subject[:8]
