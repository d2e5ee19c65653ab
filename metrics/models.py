"""What happened: requests, their attempts, hourly sums. Names and ids instead of foreign keys; this app knows no other.

Times are UTC, durations milliseconds, money Decimal in ``currency``. An unknown cost is null, never 0.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class RequestLog(models.Model):
    """One finished request of a caller. ``id`` is our own ULID, so draining the same record twice adds nothing."""

    id = models.CharField(primary_key=True, max_length=26)
    request_id = models.CharField(_("request id"), max_length=128, db_index=True)
    at = models.DateTimeField(_("at"), db_index=True)
    api_key = models.CharField(_("API key"), max_length=100, blank=True)
    operation = models.CharField(_("operation"), max_length=32)
    dialect = models.CharField(_("dialect"), max_length=32, default="openai")
    stream = models.BooleanField(_("stream"), default=False)
    generation = models.PositiveBigIntegerField(_("generation"), default=0)
    requested_model = models.CharField(_("requested model"), max_length=200, blank=True)
    route = models.CharField(_("route"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    provider = models.CharField(_("provider"), max_length=63, blank=True)
    endpoint = models.CharField(_("endpoint"), max_length=200, blank=True)
    upstream_model = models.CharField(_("upstream model"), max_length=200, blank=True)
    answered_model = models.CharField(_("answered model"), max_length=200, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    outcome = models.CharField(_("outcome"), max_length=32)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    finish_reason = models.CharField(_("finish reason"), max_length=32, blank=True)
    duration_ms = models.FloatField(_("duration"), default=0)
    first_ms = models.FloatField(_("first content"), null=True)
    overhead_ms = models.FloatField(_("overhead"), null=True)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), null=True)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), null=True)
    cached_tokens = models.PositiveIntegerField(_("cached tokens"), null=True)
    cache_write_tokens = models.PositiveIntegerField(_("cache write tokens"), null=True)
    reasoning_tokens = models.PositiveIntegerField(_("reasoning tokens"), null=True)
    usage_source = models.CharField(_("usage source"), max_length=10, default="none")
    cost = models.DecimalField(_("cost"), max_digits=20, decimal_places=12, null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    skipped = models.JSONField(_("skipped"), default=list)
    dropped_params = models.JSONField(_("dropped parameters"), default=list)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        verbose_name = _("request")
        verbose_name_plural = _("requests")

    def __str__(self) -> str:
        return self.id


class AttemptLog(models.Model):
    """One try of a request at one endpoint. ``id`` is ``<request ulid>-<number>``; milliseconds since its beginning."""

    id = models.CharField(primary_key=True, max_length=32)
    request = models.CharField(_("request"), max_length=26, db_index=True)
    at = models.DateTimeField(_("at"), db_index=True)
    number = models.PositiveSmallIntegerField(_("number"))
    endpoint = models.CharField(_("endpoint"), max_length=200)
    provider = models.CharField(_("provider"), max_length=63)
    upstream_model = models.CharField(_("upstream model"), max_length=200)
    credential = models.CharField(_("provider key"), max_length=130, blank=True)
    outcome = models.CharField(_("outcome"), max_length=32)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    started_ms = models.FloatField(_("started"))
    headers_ms = models.FloatField(_("headers"), null=True)
    first_ms = models.FloatField(_("first content"), null=True)
    end_ms = models.FloatField(_("end"), null=True)

    class Meta:
        ordering: ClassVar = ["request", "number"]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return self.id


class UsageHour(models.Model):
    """Sums of one hour for one combination of names. Requests count at the endpoint that ended them, tries at each.

    ``latency`` and ``first_content`` are histograms that can be added: bucket number → count (``metrics.histogram``).
    ``cost`` sums the known costs; ``unpriced`` counts the requests whose cost is unknown.
    """

    hour = models.DateTimeField(_("hour"), db_index=True)
    model = models.CharField(_("model"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    api_key = models.CharField(_("API key"), max_length=100, blank=True)
    provider = models.CharField(_("provider"), max_length=63, blank=True)
    endpoint = models.CharField(_("endpoint"), max_length=200, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    requests = models.PositiveBigIntegerField(_("requests"), default=0)
    succeeded = models.PositiveBigIntegerField(_("succeeded"), default=0)
    failed = models.PositiveBigIntegerField(_("failed"), default=0)
    cancelled = models.PositiveBigIntegerField(_("cancelled"), default=0)
    tries = models.PositiveBigIntegerField(_("tries"), default=0)
    failed_tries = models.PositiveBigIntegerField(_("failed tries"), default=0)
    failovers = models.PositiveBigIntegerField(_("failovers"), default=0)
    limit_skips = models.PositiveBigIntegerField(_("skipped for a limit"), default=0)
    prompt_tokens = models.PositiveBigIntegerField(_("prompt tokens"), default=0)
    completion_tokens = models.PositiveBigIntegerField(_("completion tokens"), default=0)
    cached_tokens = models.PositiveBigIntegerField(_("cached tokens"), default=0)
    reasoning_tokens = models.PositiveBigIntegerField(_("reasoning tokens"), default=0)
    cost = models.DecimalField(_("cost"), max_digits=24, decimal_places=12, default=0)
    unpriced = models.PositiveBigIntegerField(_("requests without a known cost"), default=0)
    duration_ms = models.FloatField(_("sum of durations"), default=0)
    latency = models.JSONField(_("latency histogram"), default=dict)
    first_content = models.JSONField(_("first content histogram"), default=dict)

    class Meta:
        ordering: ClassVar = ["-hour"]
        verbose_name = _("hour of usage")
        verbose_name_plural = _("hours of usage")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["hour", "model", "category", "api_key", "provider", "endpoint", "currency"], name="usage_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} {self.model}"


class SpoolMark(models.Model):
    """How far a worker's spool file has been drained. Moves in the transaction that inserts its records."""

    name = models.CharField(primary_key=True, max_length=100)
    offset = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        verbose_name = _("spool mark")
        verbose_name_plural = _("spool marks")

    def __str__(self) -> str:
        return f"{self.name}@{self.offset}"
