"""The panel above an endpoint's form: how it stands, what happened to it, and the buttons that change that."""

from __future__ import annotations

import time
from typing import Any

from routing.admin import show
from routing.admin.figures import figures_of, last_error_of, traffic_of, window_of
from routing.admin.standing import standings
from routing.admin.steering import SHORT, sensible
from routing.admin.words import change_of
from routing.models import CircuitEvent, Endpoint

LATEST = 20  # changes shown


def now() -> float:
    """Unix seconds."""
    return time.time()


def of_endpoint(row: Endpoint, allowed: frozenset[str], address: str) -> dict[str, Any]:
    """What ``routing/state.html`` shows, of the endpoint as stored: a refused form has changed ``row``."""
    row = Endpoint.objects.select_related("provider").get(pk=row.pk)
    standing = standings([row])[row.pk]
    deeds = [(deed, SHORT[deed]) for deed in sensible(standing.row, now()) if deed in allowed]
    return {
        "condition": standing.condition,
        "window": window_of(standing.window, standing.reading),
        "figures": figures_of(standing),
        "traffic": traffic_of(standing),
        "error": last_error_of(standing),
        "history": history_of(standing.identity),
        "deeds": deeds,
        "clone": "clone" in allowed,
        "address": address,
        "identity": standing.identity,
    }


def history_of(identity: str) -> list[dict[str, Any]]:
    """The latest changes of a circuit: at, what, who, cause."""
    return [
        {"at": show.moment(event.at), "what": change_of(event), "who": show.nobody(event.by), "cause": event.cause}
        for event in CircuitEvent.objects.filter(identity=identity)[:LATEST]
    ]
