"""How things stand, read only: circuits, keys, endpoint statistics. Written by the gateway itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from providers.admin.base import ReadOnlyAdmin
from routing.models import CircuitState, EndpointStats, KeyState


def moment(seconds: float | None) -> datetime | None:
    """Unix seconds → aware time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


PHASES = {"closed": "success", "open": "danger", "half-open": "warning", "half_open": "warning"}


@admin.register(CircuitState)
class CircuitStateAdmin(ReadOnlyAdmin):
    list_display = ("identity", "shown_phase", "failures", "resting", "probe", "cause", "changed")
    list_filter = ("phase",)
    search_fields = ("identity", "cause")
    ordering = ("-updated_at",)
    fields = ("identity", "shown_phase", "failures", "resting", "probe", "cause", "changed")

    @display(description=_("phase"), ordering="phase", label=PHASES)
    def shown_phase(self, row: CircuitState) -> str:
        return row.phase

    @display(description=_("rests until"), ordering="rests_until")
    def resting(self, row: CircuitState) -> Any:
        return moment(row.rests_until)

    @display(description=_("next probe"), ordering="next_probe_at")
    def probe(self, row: CircuitState) -> Any:
        return moment(row.next_probe_at)

    @display(description=_("changed"), ordering="updated_at")
    def changed(self, row: CircuitState) -> Any:
        return moment(row.updated_at)


@admin.register(KeyState)
class KeyStateAdmin(ReadOnlyAdmin):
    list_display = ("identity", "resting", "cause", "last_used_at", "changed")
    search_fields = ("identity", "cause")
    ordering = ("-updated_at",)
    fields = ("identity", "resting", "cause", "last_used_at", "changed")

    @display(description=_("rests until"), ordering="rests_until")
    def resting(self, row: KeyState) -> Any:
        return moment(row.rests_until)

    @display(description=_("changed"), ordering="updated_at")
    def changed(self, row: KeyState) -> Any:
        return moment(row.updated_at)


@admin.register(EndpointStats)
class EndpointStatsAdmin(ReadOnlyAdmin):
    list_display = ("identity", "tries", "failed", "first_content", "total", "last_error", "last_error_at")
    search_fields = ("identity", "last_error")
    ordering = ("identity",)
    fields = ("identity", "tries", "failed", "first_content", "total", "last_error", "last_error_at")

    @display(description=_("failed"), ordering="failures")
    def failed(self, row: EndpointStats) -> str:
        return f"{row.failures} ({row.failures / row.tries:.1%})" if row.tries else "0"

    @display(description=_("first content"), ordering="first_content_ms", empty_value="")
    def first_content(self, row: EndpointStats) -> str | None:
        return None if row.first_content_ms is None else f"{row.first_content_ms:.0f} ms"

    @display(description=_("whole answer"), ordering="total_ms", empty_value="")
    def total(self, row: EndpointStats) -> str | None:
        return None if row.total_ms is None else f"{row.total_ms:.0f} ms"
