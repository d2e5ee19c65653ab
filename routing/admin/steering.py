"""What an operator does to endpoints' circuits, from the list of circuits and from that of endpoints.

Each action holds at once in this worker and within a second in all others. It is no change of the configuration.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from routing import circuit
from routing.state import STATE

ACTIONS = ("trip", "reset", "drain", "undrain")


class CircuitActions:
    """Mixin of a page whose rows are endpoints in some form; subclasses say which ``identities`` rows have."""

    def identities(self, queryset: QuerySet[Any]) -> Iterable[str]:
        """The keys of shared state of the chosen rows."""
        raise NotImplementedError

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Whoever may change circuits."""
        return bool(request.user.has_perm("routing.change_circuitstate"))

    @action(description=_("Circuit: open it until it is closed by hand"), permissions=["steer"])
    def trip(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by = request.user.get_username()

        def opened(_seen: circuit.Circuit) -> circuit.Circuit:
            return circuit.tripped(time.time(), f"opened by {by}"[:300])

        self._each(request, queryset, partial(STATE.change_circuit, change=opened, by=by))

    @action(description=_("Circuit: close it, and end any rest"), permissions=["steer"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, partial(STATE.reset, by=request.user.get_username()))

    @action(description=_("Drain: finish what is under way, begin nothing new"), permissions=["steer"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, partial(STATE.drain, drained=True, by=request.user.get_username()))

    @action(description=_("Drain: end it, take new requests again"), permissions=["steer"])
    def undrain(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, partial(STATE.drain, drained=False, by=request.user.get_username()))

    def _each(self, request: HttpRequest, queryset: QuerySet[Any], change: Callable[[str], None]) -> None:
        chosen = list(self.identities(queryset))
        for identity in chosen:
            change(identity)
        done = ngettext("%(n)d endpoint: done.", "%(n)d endpoints: done.", len(chosen)) % {"n": len(chosen)}
        self.message_user(request, done)  # type: ignore[attr-defined]  # the next class is a page of the admin
