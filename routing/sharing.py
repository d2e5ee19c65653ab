"""The rows behind shared state: what one worker writes of endpoints and keys, and what the others read.

Every function here is plain database work: callers see to it that no event loop waits for it. Times are Unix seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from routing import circuit
from routing.circuit import Circuit
from routing.models import CircuitEvent, CircuitState, EndpointStats, KeyState

KEY = "provider:"  # before a provider key's identity in its table; application keys have another word there
CIRCUIT = {
    "phase": "phase",
    "failures": "failures",
    "last_failure_at": "last_failure_at",
    "opened_at": "opened_at",
    "pause": "pause",
    "next_probe_at": "next_probe_at",
    "lease_until": "lease_until",
    "lease_holder": "lease_holder",
    "circuit_cause": "cause",
}

Rest = tuple[float, str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """One endpoint or key as it stands. ``circuit`` and ``drained`` are an endpoint's."""

    identity: str
    rest: Rest | None
    circuit: Circuit = circuit.WELL
    drained: bool = False


def store_rest(identity: str, is_key: bool, rest: Rest | None) -> None:
    """``rest`` in place of whatever rest there was."""
    until, code, cause = rest or (None, "", "")
    values: dict[str, Any] = {"rests_until": until, "rest_code": code, "cause": cause, "updated_at": time.time()}
    if is_key:
        values["flagged_at"] = time.time() if rest else None
        KeyState.objects.update_or_create(identity=f"{KEY}{identity}", defaults=values)
    else:
        CircuitState.objects.update_or_create(identity=identity, defaults=values)


def take_probe(identity: str, seen: float, until: float) -> bool:
    """A flagged key whose rest ended at ``seen`` may be tried by one request until ``until``: is it this one?"""
    rows = KeyState.objects.filter(identity=f"{KEY}{identity}", rests_until=seen)
    return rows.update(rests_until=until, updated_at=time.time()) == 1


def change_circuit(identity: str, change: Callable[[Circuit], Circuit], by: str = "") -> Circuit:
    """Apply ``change`` to the shared circuit, alone; a change of phase is kept in its history. Returns the outcome."""
    with transaction.atomic():
        row, _ = CircuitState.objects.select_for_update().get_or_create(identity=identity)
        before = _circuit(row)
        after = change(before)
        if after != before:
            for column, name in CIRCUIT.items():
                setattr(row, column, getattr(after, name))
            row.updated_at = time.time()
            row.save(update_fields=[*CIRCUIT, "updated_at"])
        if after.phase != before.phase or (by and after != before):
            CircuitEvent.objects.create(
                identity=identity, at=time.time(), before=before.phase, after=after.phase, cause=after.cause, by=by
            )
    return after


def drain(identity: str, drained: bool, by: str = "") -> None:
    """Whether an operator wants no new requests there; kept in its history."""
    before, after = ("serving", "drained") if drained else ("drained", "serving")
    with transaction.atomic():
        row, _ = CircuitState.objects.select_for_update().get_or_create(identity=identity)
        if row.drained != drained:
            row.drained, row.updated_at = drained, time.time()
            row.save(update_fields=["drained", "updated_at"])
            CircuitEvent.objects.create(identity=identity, at=time.time(), before=before, after=after, by=by)


def changed_since(moment: float) -> list[Seen]:
    """All endpoints and provider keys that were written at ``moment`` or later."""
    endpoints = CircuitState.objects.filter(updated_at__gte=moment)
    keys = KeyState.objects.filter(updated_at__gte=moment, identity__startswith=KEY)
    return [Seen(row.identity, _rest(row), _circuit(row), row.drained) for row in endpoints] + [
        Seen(row.identity.removeprefix(KEY), _rest(row)) for row in keys
    ]


def averages_since(moment: float) -> dict[str, float]:
    """Endpoints' names → moving average in ms until the first content, of those that were tried since ``moment``."""
    rows = EndpointStats.objects.filter(updated_at__gte=moment).values_list("identity", "first_content_ms")
    return {identity: average for identity, average in rows if average is not None}


def forget_old(now: float, after: float = 3600.0, history: float = 30 * 86400.0) -> None:
    """What has been over for an hour, and a month of history, is nobody's business any more."""
    over = CircuitState.objects.filter(updated_at__lt=now - after, phase=circuit.CLOSED, drained=False)
    over.exclude(rests_until__gte=now - after).delete()
    KeyState.objects.filter(rests_until__lt=now - after, last_used_at=None).delete()
    CircuitEvent.objects.filter(at__lt=now - history).delete()


def _rest(row: Any) -> Rest | None:
    return None if row.rests_until is None else (row.rests_until, row.rest_code, row.cause)


def _circuit(row: CircuitState) -> Circuit:
    return Circuit(**{name: getattr(row, column) for column, name in CIRCUIT.items()})
