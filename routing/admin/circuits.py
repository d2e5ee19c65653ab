"""Circuits: how every endpoint stands, well or not, and what has happened to it. Circuits can be steered from here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from providers.admin.base import ReadOnlyAdmin
from routing import catalog
from routing.admin import show
from routing.admin.acting import OneRow
from routing.admin.panel import history_of
from routing.admin.standing import Condition, condition, names_by_identity
from routing.admin.steering import ACTIONS, DEEDS, SHORT, CircuitActions, sensible
from routing.admin.words import CHIPS, change_of, phase
from routing.models import CircuitEvent, CircuitState, Endpoint, KeyState
from routing.sharing import KEY

SHOWN = ("used", "ill", "gone")


def circuits(now: float) -> list[dict[str, Any]]:
    """Every endpoint and every other row of state, the ill ones first: what the page shows of each."""
    places = names_by_identity()
    offered = offers_by_identity()
    rows = CircuitState.objects.in_bulk()
    found = []
    for identity in {**places, **rows}:
        endpoint, row = places.get(identity), rows.get(identity)
        how = condition(endpoint, row, now)
        found.append(
            {
                "identity": identity,
                "endpoint": endpoint,
                "name": endpoint.name if endpoint else offered.get(identity) or told(identity),
                "used": endpoint is not None or identity in offered,
                "condition": how,
                "row": row,
                "changed": show.moment(row.updated_at) if row and row.updated_at else None,
                "ill": _is_ill(how),
                "page": _page_of(endpoint, identity),
                "deeds": [(deed, *DEEDS[deed]) for deed in sensible(row, now)],
            }
        )
    return sorted(found, key=lambda one: (not one["ill"], str(one["name"]).casefold()))


def offers_by_identity() -> dict[str, str]:
    """What providers offer without an endpoint of its own: "provider/model" by the key of its shared state."""
    entries = catalog.current().providers.values()
    return {one.identity: one.endpoint for entry in entries for one in entry.models.values()}


def resting_keys(now: float) -> list[dict[str, Any]]:
    """Keys of providers that are not tried for the moment: whose, why, until when."""
    rows = KeyState.objects.filter(identity__startswith=KEY, rests_until__gt=now).order_by("identity")
    return [
        {
            "name": row.identity.removeprefix(KEY).rpartition("#")[0] or row.identity.removeprefix(KEY),
            "why": row.cause,
            "until": show.moment(row.rests_until),
        }
        for row in rows
    ]


def told(identity: str) -> str:
    """A place that no endpoint names: "provider/model"."""
    return "/".join(identity.split("|")[:2])


def _is_ill(how: Condition) -> bool:
    return how.kind in ("bad", "warn")


def _page_of(endpoint: Endpoint | None, identity: str) -> str:
    if endpoint is not None:
        return reverse("admin:routing_endpoint_change", args=[endpoint.pk])
    return reverse("admin:routing_circuitstate_change", args=[quote(identity)])


@admin.register(CircuitState)
class CircuitStateAdmin(CircuitActions, OneRow, ReadOnlyAdmin):
    actions = ACTIONS
    change_form_outer_before_template = "routing/state.html"
    fieldsets = (
        (None, {"fields": ("identity", "told_use", "changed")}),
        (_("Circuit"), {"fields": ("told_phase", "failures", "failed", "opened", "probe", "circuit_cause")}),
        (_("Rest"), {"fields": ("resting", "cause")}),
    )

    def identities(self, queryset: QuerySet[CircuitState]) -> dict[str, CircuitState]:
        return {row.identity: row for row in queryset}

    def called(self, chosen: Mapping[str, Any]) -> list[str]:
        places, offered = names_by_identity(), offers_by_identity()
        return [places[one].name if one in places else offered.get(one) or told(one) for one in chosen]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """All endpoints with their states, and not only those that have a row of their own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self.steer(request)
        wanted = request.GET.get("show", SHOWN[0])
        sought = request.GET.get("q", "").strip().casefold()
        everything = circuits(time.time())
        groups = {
            "used": [one for one in everything if one["used"]],
            "ill": [one for one in everything if one["ill"]],
            "gone": [one for one in everything if not one["used"]],
        }
        shown = groups.get(wanted, groups["used"])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Circuits"),
            "opts": self.opts,
            "rows": [one for one in shown if sought in f"{one['name']} {one['identity']}".casefold()],
            "wanted": wanted if wanted in groups else SHOWN[0],
            "sought": request.GET.get("q", ""),
            "groups": [
                ("used", _("In use"), len(groups["used"])),
                ("ill", _("Not healthy"), len(groups["ill"])),
                ("gone", _("No longer used"), len(groups["gone"])),
            ],
            "actions": list(SHORT.items()),
            "keys": resting_keys(time.time()),
            "may_steer": self.has_steer_permission(request),
            "media": self.media,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "routing/circuits.html", context)

    def steer(self, request: HttpRequest) -> HttpResponse:
        """Do an action to the chosen identities, whether or not they have a row yet."""
        deed, _space, one = request.POST.get("do", request.POST.get("action", "")).partition(" ")
        if deed not in (*ACTIONS, "") or not self.has_steer_permission(request):
            raise PermissionDenied
        if not deed:
            self.message_user(request, _("Choose an action"), messages.WARNING)
            return HttpResponseRedirect(request.get_full_path())
        chosen = [one] if one else request.POST.getlist("_selected_action")
        places = names_by_identity()
        known = {*places, *CircuitState.objects.filter(pk__in=chosen).values_list("pk", flat=True)}
        wanted = [identity for identity in chosen if identity in known]
        if wanted:
            for identity in wanted:
                CircuitState.objects.get_or_create(identity=identity)
            getattr(self, deed)(request, CircuitState.objects.filter(pk__in=wanted))
        else:
            self.message_user(request, _("Choose at least one endpoint."), messages.WARNING)
        return HttpResponseRedirect(request.get_full_path())

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            allowed = self.get_actions(request)
            deeds = [(deed, SHORT[deed]) for deed in sensible(obj, time.time()) if deed in allowed]
            context["panel"] = {
                "condition": condition(names_by_identity().get(obj.identity), obj, time.time()),
                "deeds": deeds,
                "address": self.address(obj.pk),
                "history": history_of(obj.identity),
                "identity": obj.identity,
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @display(description=_("circuit"))
    def told_phase(self, row: CircuitState) -> Any:
        return phase(row.phase)

    @display(description=_("new requests"))
    def told_use(self, row: CircuitState) -> Any:
        return phase("drained" if row.drained else "serving")

    @display(description=_("rests until"))
    def resting(self, row: CircuitState) -> Any:
        return show.moment(row.rests_until) if row.rests_until and row.rests_until > time.time() else None

    @display(description=_("next try"))
    def probe(self, row: CircuitState) -> Any:
        if row.phase != "open":
            return None
        if row.next_probe_at is None:
            return _("none until it is closed by hand")
        return show.moment(row.next_probe_at) if row.next_probe_at > time.time() else _("with the next request")

    @display(description=_("last failure"))
    def failed(self, row: CircuitState) -> Any:
        return show.moment(row.last_failure_at)

    @display(description=_("opened"))
    def opened(self, row: CircuitState) -> Any:
        return show.moment(row.opened_at)

    @display(description=_("changed"))
    def changed(self, row: CircuitState) -> Any:
        return show.moment(row.updated_at)


@admin.register(CircuitEvent)
class CircuitEventAdmin(OneRow, ReadOnlyAdmin):
    list_display = ("at_second", "place", "what", "cause", "who")
    list_filter = ("after", "by")
    search_fields = ("identity", "cause", "by")
    show_full_result_count = False
    fields = ("at_second", "identity", "what", "cause", "who")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """Endpoints are found by their names, too."""
        rows, again = super().get_search_results(request, queryset, search_term)
        if search_term:
            sought = search_term.casefold()
            named = [key for key, row in names_by_identity().items() if sought in row.name.casefold()]
            rows = rows | queryset.filter(identity__in=named)
        return rows, again

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        places = names_by_identity()
        for row in rows:
            row.endpoint = places.get(row.identity)

    @display(description=_("at"), ordering="at")
    def at_second(self, event: CircuitEvent) -> Any:
        return show.moment(event.at)

    @display(description=_("endpoint"), ordering="identity")
    def place(self, event: Any) -> SafeString:
        if event.endpoint is None:
            return show.lines(told(event.identity), _("no endpoint of its own"))
        return show.hint(event.endpoint.name, event.identity)

    @display(description=_("change"))
    def what(self, event: CircuitEvent) -> SafeString:
        return show.chip(CHIPS.get(event.after, ""), change_of(event))

    @display(description=_("by"), ordering="by")
    def who(self, event: CircuitEvent) -> Any:
        return show.nobody(event.by)
