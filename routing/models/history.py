"""The configuration's clock, its numbered revisions, and the steps that site migrations ask for."""

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


class RevisionObject(models.Model):
    """An object that a revision is about, by its path in the document: ``models/turbo``. For finding revisions."""

    revision = models.ForeignKey(ConfigRevision, models.CASCADE, related_name="objects_touched")
    path = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["path"]
        indexes: ClassVar = [models.Index(fields=["path", "revision"], name="revision_object_path")]

    def __str__(self) -> str:
        return self.path


class SiteStep(models.Model):
    """What a migration of the site's own app asked for: that its document be applied, or taken back.

    ``after`` is None while that is still to be done. Then both are numbers of revisions: ``after`` the newest when it
    was done, ``before`` the one to go back to (None: not known here).
    """

    document = models.CharField(max_length=100)
    backwards = models.BooleanField(default=False)
    before = models.PositiveBigIntegerField(null=True)
    after = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.document}, {'back' if self.backwards else 'forth'}"


class AppliedSource(models.Model):
    """A file beside manage.py, or the environment, as it was when it was applied: by a salted digest alone."""

    name = models.CharField(max_length=100, primary_key=True)
    salt = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("applied source")
        verbose_name_plural = _("applied sources")

    def __str__(self) -> str:
        return self.name
