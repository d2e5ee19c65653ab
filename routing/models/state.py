"""Shared state of endpoints and keys. Keyed by identity, never by row id; it never moves the clock."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class CircuitState(models.Model):
    """What all workers know of an endpoint's health. ``rests_until``: not to be tried before, and why."""

    identity = models.CharField(_("endpoint"), max_length=800, primary_key=True)
    phase = models.CharField(_("phase"), max_length=10, default="closed")
    failures = models.PositiveIntegerField(_("failed requests in a row"), default=0)
    last_failure_at = models.FloatField(null=True)
    last_success_at = models.FloatField(null=True)
    opened_at = models.FloatField(null=True)
    pause = models.FloatField(_("latest pause"), default=0)
    next_probe_at = models.FloatField(null=True)
    lease_until = models.FloatField(null=True)
    lease_holder = models.CharField(max_length=40, blank=True)
    circuit_cause = models.CharField(_("why it opened"), max_length=300, blank=True, db_default="")
    drained = models.BooleanField(_("drained"), default=False, db_default=False)
    rests_until = models.FloatField(_("rests until"), null=True)
    rest_code = models.CharField(max_length=32, blank=True)
    cause = models.CharField(_("why it rests"), max_length=300, blank=True)
    updated_at = models.FloatField(default=0, db_index=True)

    class Meta:
        verbose_name = _("circuit")
        verbose_name_plural = _("circuits")

    def __str__(self) -> str:
        return self.identity


class CircuitEvent(models.Model):
    """One change of a circuit's phase: its history. ``by``: the operator who made it, "" for the gateway itself."""

    identity = models.CharField(_("endpoint"), max_length=800)
    at = models.FloatField(_("at"))
    before = models.CharField(_("before"), max_length=10)
    after = models.CharField(_("after"), max_length=10)
    cause = models.CharField(_("cause"), max_length=300, blank=True)
    by = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [models.Index(fields=["identity", "-at"], name="circuit_event_identity")]
        verbose_name = _("change of a circuit")
        verbose_name_plural = _("circuit history")

    def __str__(self) -> str:
        return f"{self.identity}: {self.before} → {self.after}"


class KeyState(models.Model):
    """What all workers know of a key: ``provider:<provider>/<label>`` or ``api:<name>``."""

    identity = models.CharField(_("key"), max_length=200, primary_key=True)
    rests_until = models.FloatField(_("rests until"), null=True)
    rest_code = models.CharField(max_length=32, blank=True)
    cause = models.CharField(_("cause"), max_length=300, blank=True)
    flagged_at = models.FloatField(null=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    updated_at = models.FloatField(default=0, db_index=True)

    class Meta:
        verbose_name = _("key state")
        verbose_name_plural = _("key states")

    def __str__(self) -> str:
        return self.identity


class EndpointStats(models.Model):
    """Moving figures of an endpoint, written as records are drained. Milliseconds."""

    identity = models.CharField(_("endpoint"), max_length=800, primary_key=True)
    tries = models.PositiveBigIntegerField(_("tries"), default=0)
    failures = models.PositiveBigIntegerField(_("failures"), default=0)
    first_content_ms = models.FloatField(_("first content, moving average"), null=True)
    total_ms = models.FloatField(_("total, moving average"), null=True)
    last_success_at = models.DateTimeField(_("last success"), null=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    last_error_at = models.DateTimeField(null=True)
    updated_at = models.FloatField(default=0)

    class Meta:
        verbose_name = _("endpoint statistics")
        verbose_name_plural = _("endpoint statistics")

    def __str__(self) -> str:
        return self.identity
