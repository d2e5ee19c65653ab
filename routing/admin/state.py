"""How things stand: circuits, keys, endpoint statistics. Written by the gateway itself; circuits can be steered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from providers.admin.base import ReadOnlyAdmin
from routing.admin.steering import ACTIONS, CircuitActions
from routing.models import CircuitEvent, CircuitState, EndpointStats, KeyState

LATEST = 20  # changes shown on a circuit's own page


def moment(seconds: float | None) -> str | None:
    """Unix seconds → the reader's own time, to the second: circuits open and close within seconds."""
    return None if seconds is None else date_format(localtime(datetime.fromtimestamp(seconds, UTC)), "j M Y, H:i:s")


PHASES = {"closed": "success", "open": "danger", "half_open": "warning"}
NAMES = {
    "closed": _("closed"),
    "open": _("open"),
    "half_open": _("half-open"),
    "drained": _("drained"),
    "serving": _("in use"),
}


@admin.register(CircuitState)
class CircuitStateAdmin(CircuitActions, ReadOnlyAdmin):
    list_display = ("identity", "shown_phase", "failures", "probe", "circuit_cause", "in_use", "resting", "cause")
    list_filter = ("phase", "drained")
    search_fields = ("identity", "circuit_cause", "cause")
    ordering = ("-updated_at",)
    actions = ACTIONS
    fieldsets = (
        (None, {"fields": ("identity", "told_use", "changed")}),
        (_("Circuit"), {"fields": ("told_phase", "failures", "failed", "opened", "probe", "leased", "circuit_cause")}),
        (_("Rest"), {"fields": ("resting", "cause")}),
        (_("History"), {"fields": ("history",)}),
    )

    def identities(self, queryset: QuerySet[CircuitState]) -> Iterable[str]:
        return queryset.values_list("identity", flat=True)

    @display(description=_("circuit"), ordering="phase", label=PHASES)
    def shown_phase(self, row: CircuitState) -> tuple[str, Any]:
        return row.phase, NAMES.get(row.phase, row.phase)

    @display(description=_("new requests"), ordering="drained", label={"drained": "warning", "serving": "success"})
    def in_use(self, row: CircuitState) -> tuple[str, Any]:
        state = "drained" if row.drained else "serving"
        return state, NAMES[state]

    @display(description=_("circuit"))
    def told_phase(self, row: CircuitState) -> Any:
        return NAMES.get(row.phase, row.phase)

    @display(description=_("new requests"))
    def told_use(self, row: CircuitState) -> Any:
        return NAMES["drained" if row.drained else "serving"]

    @display(description=_("rests until"), ordering="rests_until")
    def resting(self, row: CircuitState) -> Any:
        return moment(row.rests_until)

    @display(description=_("next probe"), ordering="next_probe_at")
    def probe(self, row: CircuitState) -> Any:
        if row.phase == "open" and row.next_probe_at is None:
            return _("none until it is closed by hand")
        return moment(row.next_probe_at) if row.phase == "open" else None

    @display(description=_("a probe is under way until"))
    def leased(self, row: CircuitState) -> Any:
        return moment(row.lease_until) if row.phase == "half_open" else None

    @display(description=_("last failure"))
    def failed(self, row: CircuitState) -> Any:
        return moment(row.last_failure_at)

    @display(description=_("opened"))
    def opened(self, row: CircuitState) -> Any:
        return moment(row.opened_at)

    @display(description=_("changed"), ordering="updated_at")
    def changed(self, row: CircuitState) -> Any:
        return moment(row.updated_at)

    @display(description=_("latest changes"))
    def history(self, row: CircuitState) -> SafeString:
        events = CircuitEvent.objects.filter(identity=row.identity)[:LATEST]
        lines = (
            " · ".join(filter(None, (moment(event.at), change_of(event), event.by, event.cause))) for event in events
        )
        return format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines))


def change_of(event: CircuitEvent) -> str:
    """What happened, in words."""
    return f"{NAMES.get(event.before, event.before)} → {NAMES.get(event.after, event.after)}"


@admin.register(CircuitEvent)
class CircuitEventAdmin(ReadOnlyAdmin):
    list_display = ("when", "identity", "what", "cause", "who")
    list_filter = ("after", "by")
    search_fields = ("identity", "cause", "by")
    show_full_result_count = False
    fields = ("when", "identity", "what", "cause", "who")

    @display(description=_("at"), ordering="at")
    def when(self, event: CircuitEvent) -> Any:
        return moment(event.at)

    @display(description=_("change"))
    def what(self, event: CircuitEvent) -> str:
        return change_of(event)

    @display(description=_("by"), ordering="by")
    def who(self, event: CircuitEvent) -> Any:
        return event.by or _("the gateway")


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
