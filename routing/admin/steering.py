"""What an operator does to endpoints' circuits, from the list of circuits and from that of endpoints.

Each action holds at once in this worker and within a second in all others. It is no change of the configuration.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from routing import circuit
from routing.models import CircuitState
from routing.state import STATE

ACTIONS = ("trip", "reset", "drain", "undrain")
# (action, the word on its button, icon)
DEEDS = {
    "trip": (_("Open the circuit: nothing is sent there until it is closed by hand"), "power_off"),
    "reset": (_("Close the circuit, and end any rest"), "power"),
    "drain": (_("Drain: finish what is under way, begin nothing new"), "pause_circle"),
    "undrain": (_("End the draining: take new requests again"), "play_circle"),
}
SHORT = {
    "trip": _("Open the circuit"),
    "reset": _("Close the circuit"),
    "drain": _("Drain"),
    "undrain": _("Use again"),
}
DONE = {
    "trip": _("Circuit opened"),
    "reset": _("Circuit closed"),
    "drain": _("Drained"),
    "undrain": _("In use again"),
}


def sensible(row: CircuitState | None, now: float) -> tuple[str, ...]:
    """The actions that would change anything, for an endpoint in this state."""
    if row is None:
        return ("trip", "drain")
    resting = row.rests_until is not None and row.rests_until > now
    ill = row.phase != circuit.CLOSED or resting or row.failures > 0
    open_by_hand = row.phase == circuit.OPEN and row.next_probe_at is None
    found = [*(("reset",) if ill else ()), *(() if open_by_hand else ("trip",))]
    return (*found, "undrain" if row.drained else "drain")


class CircuitActions:
    """Mixin of a page whose rows are endpoints in some form; subclasses say which ``identities`` rows have."""

    def identities(self, queryset: QuerySet[Any]) -> Mapping[str, Any]:
        """The chosen rows by the keys of their shared state."""
        raise NotImplementedError

    def called(self, chosen: Mapping[str, Any]) -> list[str]:
        """What people call the chosen ``identities``."""
        return [str(row) for row in chosen.values()]

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Whoever may change circuits."""
        return bool(request.user.has_perm("routing.change_circuitstate"))

    @action(description=DEEDS["trip"][0], permissions=["steer"])
    def trip(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by = request.user.get_username()

        def opened(_seen: circuit.Circuit) -> circuit.Circuit:
            return circuit.tripped(time.time(), f"opened by {by}"[:300])

        self.each(request, queryset, "trip", partial(STATE.change_circuit, change=opened, by=by))

    @action(description=DEEDS["reset"][0], permissions=["steer"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.each(request, queryset, "reset", partial(STATE.reset, by=request.user.get_username()))

    @action(description=DEEDS["drain"][0], permissions=["steer"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.each(request, queryset, "drain", partial(STATE.drain, drained=True, by=request.user.get_username()))

    @action(description=DEEDS["undrain"][0], permissions=["steer"])
    def undrain(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.each(request, queryset, "undrain", partial(STATE.drain, drained=False, by=request.user.get_username()))

    def each(self, request: HttpRequest, queryset: QuerySet[Any], deed: str, change: Callable[[str], None]) -> None:
        """Do it, write it into the log of the admin, and say so."""
        chosen = self.identities(queryset)
        for identity, row in chosen.items():
            change(identity)
            self.log_change(request, row, str(DONE[deed]))  # type: ignore[attr-defined]  # of the page it is mixed into
        done = ngettext("%(what)s: %(names)s.", "%(what)s: %(n)d endpoints (%(names)s).", len(chosen)) % {
            "what": DONE[deed],
            "n": len(chosen),
            "names": ", ".join(self.called(chosen)),
        }
        self.message_user(request, done)  # type: ignore[attr-defined]  # as above
