"""Hours of usage. Pages are cut without counting, and filters offer what the newest rows hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from metrics import histogram, rollup
from metrics.admin.base import ReadOnlyAdmin
from metrics.log.words import milliseconds
from metrics.models import UsageHour

NEWEST = 1000


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


class ProviderFilter(SeenFilter):
    title, parameter_name = _("provider"), "provider"


class ModelFilter(SeenFilter):
    title, parameter_name = _("model"), "model"


class ApiKeyFilter(SeenFilter):
    title, parameter_name = _("API key"), "api_key"


@admin.register(UsageHour)
class UsageHourAdmin(ReadOnlyAdmin):
    fields = (*rollup.Key._fields, *rollup.COLUMNS)
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
