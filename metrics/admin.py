"""What can be seen of the past: single requests with their attempts, and hours of usage. Nothing can be changed.

Pages are cut without counting, and filters offer what the newest rows hold: these tables are large.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from metrics import histogram
from metrics.models import AttemptLog, RequestLog, UsageHour

NEWEST = 1000
CELL = "border-b border-base-200 px-3 py-2 text-left align-top dark:border-base-800"
STATUS_RANGES = {"2xx": (200, 299), "4xx": (400, 499), "429": (429, 429), "5xx": (500, 599), "none": (0, 0)}


class SeenFilter(admin.SimpleListFilter):
    """The values of one column that occur among the newest rows: a list of all would mean reading the whole table."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        rows = model_admin.model.objects.values_list(self.parameter_name, flat=True)
        values = {*rows[:NEWEST], request.GET.get(str(self.parameter_name), "")} - {""}
        return [(value, value) for value in sorted(values)]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class OutcomeFilter(SeenFilter):
    title, parameter_name = _("outcome"), "outcome"


class ProviderFilter(SeenFilter):
    title, parameter_name = _("provider"), "provider"


class ModelFilter(SeenFilter):
    title, parameter_name = _("model"), "model"


class ApiKeyFilter(SeenFilter):
    title, parameter_name = _("API key"), "api_key"


class StatusFilter(admin.SimpleListFilter):
    """By hundreds; 429 by itself. A request whose caller left before an answer began has none."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, _("none") if name == "none" else name) for name in STATUS_RANGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        limits = STATUS_RANGES.get(self.value() or "")
        return queryset.filter(status__range=limits) if limits else queryset


class ReadOnlyAdmin(ModelAdmin):
    """Display only; pages are cut without COUNT(*)."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(RequestLog)
class RequestLogAdmin(ReadOnlyAdmin):
    list_display = (
        "at",
        "outcome_label",
        "status",
        "requested_model",
        "endpoint",
        "api_key",
        "tries",
        "duration",
        "tokens",
        "price",
        "stream",
    )
    list_filter = (StatusFilter, OutcomeFilter, ProviderFilter, "stream", "at")
    search_fields = ("id__exact", "request_id__exact")
    search_help_text = _("A request id, ours or the caller's, in full.")
    fieldsets = (
        (None, {"fields": ("id", "request_id", "at", "api_key", "operation", "dialect", "stream", "generation")}),
        (
            _("Way"),
            {"fields": ("requested_model", "route", "category", "provider", "endpoint", "upstream_model", "tried")},
        ),
        (
            _("Answer"),
            {
                "fields": (
                    "status",
                    "outcome",
                    "error_code",
                    "error",
                    "answered_model",
                    "finish_reason",
                    "duration_ms",
                    "first_ms",
                    "overhead_ms",
                    "dropped_params",
                )
            },
        ),
        (
            _("Usage"),
            {
                "fields": (
                    "prompt_tokens",
                    "completion_tokens",
                    "cached_tokens",
                    "cache_write_tokens",
                    "reasoning_tokens",
                    "usage_source",
                    "price",
                )
            },
        ),
    )

    @display(
        description=_("outcome"),
        label={"success": "success", "cancelled": "info", "rate_limited": "warning", "failed": "danger"},
    )
    def outcome_label(self, request: RequestLog) -> tuple[str, str]:
        known = request.outcome in ("success", "cancelled", "rate_limited")
        return (request.outcome if known else "failed", request.outcome)

    @display(description=_("duration"))
    def duration(self, request: RequestLog) -> str:
        return milliseconds(request.duration_ms)

    @display(description=_("tokens"))
    def tokens(self, request: RequestLog) -> str | None:
        if request.prompt_tokens is None and request.completion_tokens is None:
            return None
        return f"{request.prompt_tokens or 0} + {request.completion_tokens or 0}"

    @display(description=_("cost"))
    def price(self, request: RequestLog) -> Any:
        return _("unknown") if request.cost is None else f"{request.cost:.6f} {request.currency}"

    @display(description=_("attempts"))
    def tried(self, request: RequestLog) -> SafeString:
        attempts = AttemptLog.objects.filter(request=request.pk).order_by("number")
        rows: list[tuple[Any, ...]] = [
            (
                str(attempt.number),
                attempt.endpoint,
                attempt.upstream_model,
                attempt.credential,
                attempt.outcome,
                "" if attempt.status is None else str(attempt.status),
                milliseconds(attempt.started_ms),
                milliseconds(attempt.first_ms),
                milliseconds(attempt.end_ms),
                attempt.error,
            )
            for attempt in attempts
        ]
        skips = [skip for skip in request.skipped if isinstance(skip, dict)]
        rows += [
            ("–", skip.get("endpoint", ""), "", "", _("skipped"), "", "", "", "", skip.get("reason", ""))
            for skip in skips
        ]
        heads = ("", _("endpoint"), _("model"), _("key"), _("outcome"), _("status"))
        return table((*heads, _("started"), _("first content"), _("end"), _("reason")), rows)


@admin.register(UsageHour)
class UsageHourAdmin(ReadOnlyAdmin):
    list_display = (
        "hour",
        "model",
        "endpoint",
        "api_key",
        "requests",
        "succeeded",
        "failed",
        "tries",
        "tokens",
        "median",
        "price",
    )
    list_filter = ("hour", ModelFilter, ProviderFilter, ApiKeyFilter)

    @display(description=_("tokens"))
    def tokens(self, row: UsageHour) -> str:
        return f"{row.prompt_tokens} + {row.completion_tokens}"

    @display(description=_("median"))
    def median(self, row: UsageHour) -> str:
        return milliseconds(histogram.quantile(row.latency, 0.5))

    @display(description=_("cost"))
    def price(self, row: UsageHour) -> str:
        known = f"{row.cost:.6f} {row.currency}" if row.currency else ""
        unknown = _("%(count)s unknown") % {"count": row.unpriced} if row.unpriced else ""
        return ", ".join(part for part in (known, str(unknown)) if part)


def milliseconds(value: float | None) -> str:
    """A duration for people: three digits, "–" for unknown."""
    if value is None:
        return "–"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.3g} ms"


def table(heads: Iterable[Any], rows: Iterable[Iterable[Any]]) -> SafeString:
    """An HTML table; every cell is escaped."""
    head = format_html_join("", '<th class="{}" scope="col">{}</th>', ((CELL, name) for name in heads))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        ((format_html_join("", f'<td class="{CELL}">{{}}</td>', ((c,) for c in row)),) for row in rows),
    )
    return format_html('<table class="w-full"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body)
