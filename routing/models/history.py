"""The configuration's clock and its numbered revisions."""

from __future__ import annotations

import json
import zlib
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class ConfigClock(models.Model):
    """One row. ``value`` + 1 in each change's own transaction; workers that see it move rebuild their catalog."""

    value = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("configuration clock")
        verbose_name_plural = _("configuration clock")

    def __str__(self) -> str:
        return str(self.value)


class ConfigRevision(models.Model):
    """One change of the configuration: who, when, from where, what, and the whole document after it."""

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    actor = models.CharField(_("who"), max_length=150)
    origin = models.CharField(_("origin"), max_length=30)
    message = models.CharField(_("message"), max_length=300, blank=True)
    diff = models.JSONField(_("changes"), default=list)
    document = models.BinaryField()
    fingerprint = models.CharField(_("fingerprint"), max_length=64)

    class Meta:
        ordering: ClassVar = ["-number"]
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")

    def __str__(self) -> str:
        return f"#{self.number}"

    @staticmethod
    def pack(document: dict[str, Any]) -> bytes:
        """Canonical dict → compressed JSON."""
        return zlib.compress(json.dumps(document, ensure_ascii=False).encode())

    def canonical(self) -> dict[str, Any]:
        """The canonical configuration as it was after this revision."""
        document: dict[str, Any] = json.loads(zlib.decompress(bytes(self.document)))
        return document
