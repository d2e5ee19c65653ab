"""Words for the phases of circuits."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from routing.models import CircuitEvent

PHASES = {
    "closed": _("closed"),
    "open": _("open"),
    "half_open": _("on trial"),
    "drained": _("drained"),
    "serving": _("in use"),
}
CHIPS = {"closed": "good", "open": "bad", "half_open": "warn", "drained": "warn", "serving": "good"}


def phase(name: str) -> Any:
    """What operators call a phase."""
    return PHASES.get(name, name)


def change_of(event: CircuitEvent) -> str:
    """What happened: "closed → open"."""
    return f"{phase(event.before)} → {phase(event.after)}"
