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
    request_id = models.CharField(_("request id"), max_length=128)
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
    # null: rows from before, and those that workers of the version before still write
    how = models.CharField(_("found as"), max_length=16, null=True, blank=True)
    strategy = models.CharField(_("strategy"), max_length=32, null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        # What the request log walks along; together they cost the drainer 5 % (docs/measurements.md). Partial where the
        # usual value needs none.
        indexes: ClassVar = [
            models.Index(fields=["request_id", "at"], name="request_by_request_id"),
            models.Index(fields=["api_key", "at"], name="request_by_key"),
            models.Index(fields=["endpoint", "at"], name="request_by_endpoint"),
            models.Index(fields=["provider", "at"], name="request_by_provider"),
            models.Index(fields=["route", "at"], name="request_by_route"),
            models.Index(fields=["requested_model", "at"], name="request_by_requested"),
            models.Index(fields=["category", "at"], name="request_by_category", condition=models.Q(category__gt="")),
            models.Index(
                fields=["operation", "at"], name="request_by_operation", condition=~models.Q(operation="chat")
            ),
            models.Index(fields=["at"], name="request_failures", condition=~models.Q(outcome="success")),
        ]
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


class RequestContent(models.Model):
    """What was asked and answered, for keys whose content is logged; redacted and cut before it was written.

    ``id``: the request's. ``prompt``: the body as JSON text; ``answer``: text and tool calls as JSON text.
    """

    id = models.CharField(primary_key=True, max_length=26)
    at = models.DateTimeField(_("at"), db_index=True)
    api_key = models.CharField(_("API key"), max_length=100, blank=True)
    prompt = models.TextField(_("prompt"), blank=True)
    answer = models.TextField(_("answer"), blank=True)
    prompt_truncated = models.BooleanField(_("prompt cut"), default=False)
    answer_truncated = models.BooleanField(_("answer cut"), default=False)
    redactions = models.PositiveIntegerField(_("redactions"), default=0)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        verbose_name = _("content of a request")
        verbose_name_plural = _("contents of requests")

    def __str__(self) -> str:
        return self.id


class UsageSums(models.Model):
    """What is counted. Requests count at the endpoint that ended them, tries at each.

    ``latency`` and ``first_content`` are histograms that can be added: bucket number → count (``metrics.histogram``).
    ``cost`` sums the known costs; ``unpriced`` counts the requests whose cost is unknown.
    """

    requests = models.PositiveBigIntegerField(_("requests"), default=0)
    succeeded = models.PositiveBigIntegerField(_("succeeded"), default=0)
    failed = models.PositiveBigIntegerField(_("failed"), default=0)
    cancelled = models.PositiveBigIntegerField(_("cancelled"), default=0)
    tries = models.PositiveBigIntegerField(_("tries"), default=0)
    failed_tries = models.PositiveBigIntegerField(_("failed tries"), default=0)
    failovers = models.PositiveBigIntegerField(_("failovers"), default=0)
    limit_skips = models.PositiveBigIntegerField(_("skipped for its limit"), default=0)
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
        abstract = True


class UsageHour(UsageSums):
    """Sums of one hour for one combination of names."""

    hour = models.DateTimeField(_("hour"), db_index=True)
    model = models.CharField(_("model"), max_length=200, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    api_key = models.CharField(_("API key"), max_length=100, blank=True)
    provider = models.CharField(_("provider"), max_length=63, blank=True)
    endpoint = models.CharField(_("endpoint"), max_length=200, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)

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


class UsageTotal(UsageSums):
    """Sums since ever for one combination of names, kept in step with the hours.

    Nothing is ever taken out: whoever watches a figure takes its fall for a restart.
    """

    model = models.CharField(_("model"), max_length=200, blank=True)
    api_key = models.CharField(_("API key"), max_length=100, blank=True)
    provider = models.CharField(_("provider"), max_length=63, blank=True)
    endpoint = models.CharField(_("endpoint"), max_length=200, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)

    class Meta:
        verbose_name = _("usage since ever")
        verbose_name_plural = _("usage since ever")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "api_key", "provider", "endpoint", "currency"], name="usage_total")
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.endpoint}"


class UsageSpan(UsageSums):
    """Sums of one hour, day or month (UTC) for one name of one dimension, or for everything, kept in step with the
    hours. A page reads a few of these where it would have to sum millions of hours.

    Each dimension adds up to the whole. ``costs``: currency → decimal text, known costs only.
    """

    cost = None  # type: ignore[assignment]  # currencies are no rows here
    costs = models.JSONField(_("costs"), default=dict)
    span = models.CharField(_("span"), max_length=5)
    dimension = models.CharField(_("dimension"), max_length=10, blank=True)
    start = models.DateTimeField(_("start"))
    name = models.CharField(_("name"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("span of usage")
        verbose_name_plural = _("spans of usage")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["span", "dimension", "start", "name"], name="usage_span")
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.start:%Y-%m-%d %H:00} {self.dimension} {self.name}"


class SpanFill(models.Model):
    """How far back the spans hold what the hours say: one row. Hours before ``back_to`` (None: there are none) are
    still to be taken over, the latest first."""

    back_to = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("takeover of the hours")
        verbose_name_plural = _("takeovers of the hours")

    def __str__(self) -> str:
        return "" if self.back_to is None else f"{self.back_to:%Y-%m-%d %H:00}"


class StatsMark(models.Model):
    """When the statistics were last reset, in Unix seconds, and what the totals were then: one row."""

    at = models.FloatField(_("reset"))
    baseline = models.JSONField(default=list)

    class Meta:
        verbose_name = _("reset of the statistics")
        verbose_name_plural = _("resets of the statistics")

    def __str__(self) -> str:
        return f"{self.at:.3f}"


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
