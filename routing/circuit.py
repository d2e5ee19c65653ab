"""The arithmetic of circuits: (circuit, event, now) → circuit. Pure. ◇ no framework.

Consecutive failed requests open a circuit; after a pause one probe may go through, on a lease; its success closes the
circuit, its failure makes the pause longer. A stream whose first content came closes it on probation: until an answer
is whole, the next failure opens it again. Times are Unix seconds, durations seconds.

    closed ──(``failures`` in a row)──→ open ──(pause over, lease taken)──→ half-open ──success──→ closed
                                         ↑────────────(failure: a longer pause)─────┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
MEMORY = 60.0  # failures further back than this are forgotten


@dataclass(frozen=True, slots=True)
class Rule:
    """When an endpoint's circuit opens, and for how long: ``pause``, then as much more after each failed probe, up to
    ``pause_max``. The category router's was (3, 300, 300).

    Doubled pauses would soon be longer than the outage: one of a minute would be over for twenty seconds before the
    next probe.
    """

    failures: int = 3
    pause: float = 10.0
    pause_max: float = 300.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """One endpoint's circuit, as all workers share it.

    ``pause`` is the latest one. An open circuit without ``next_probe_at`` was opened by an operator and stays so.
    ``lease_holder`` has the one probe until ``lease_until``.
    """

    phase: str = CLOSED
    failures: int = 0
    last_failure_at: float | None = None
    opened_at: float | None = None
    pause: float = 0.0
    next_probe_at: float | None = None
    lease_until: float | None = None
    lease_holder: str = ""
    cause: str = ""

    @property
    def well(self) -> bool:
        """Nothing to remember: as if no request had ever failed."""
        return self.phase == CLOSED and self.failures == 0


WELL = Circuit()


def failed(circuit: Circuit, rule: Rule, now: float, cause: str, *, holder: str = "") -> Circuit:
    """A request failed there. ``holder``: whose lease it went out under, "" for an ordinary request.

    Ordinary requests that end after the circuit opened change nothing: they were on their way already.
    """
    if circuit.phase != CLOSED:
        if not holder or holder != circuit.lease_holder:
            return circuit
        return _open(circuit, _next_pause(circuit, rule), now, cause)
    recent = circuit.last_failure_at is not None and now - circuit.last_failure_at <= MEMORY
    failures = circuit.failures + 1 if recent else 1
    counted = replace(
        circuit, failures=failures, last_failure_at=now, cause=cause, pause=circuit.pause if recent else 0.0
    )
    return _open(counted, _next_pause(counted, rule), now, cause) if failures >= rule.failures else counted


def answered(circuit: Circuit, now: float, *, holder: str) -> Circuit:
    """The probe's first content came, and the rest of it may take minutes: others may go there meanwhile.

    The failures stay counted, so that an endpoint whose answers are cut opens again at the next one, for longer.
    """
    if circuit.phase != HALF_OPEN or circuit.lease_holder != holder:
        return circuit
    return Circuit(failures=circuit.failures, last_failure_at=now, pause=circuit.pause, cause=circuit.cause)


def succeeded(circuit: Circuit, *, holder: str = "") -> Circuit:
    """A whole answer came. It closes the circuit if it was the probe, and forgets failures of a closed one.

    An ordinary request that was still on its way when the circuit opened proves nothing of the time since.
    """
    if circuit.phase == CLOSED or (holder and holder == circuit.lease_holder):
        return WELL
    return circuit


def lease(circuit: Circuit, now: float, holder: str, seconds: float) -> Circuit | None:
    """``holder`` takes the one probe for at most ``seconds``; None where it may not."""
    if not probe_due(circuit, now):
        return None
    return replace(circuit, phase=HALF_OPEN, lease_holder=holder, lease_until=now + seconds)


def renewed(circuit: Circuit, now: float, *, holder: str, seconds: float) -> Circuit:
    """The probe is still under way, and its worker alive: its lease lasts ``seconds`` from now."""
    if circuit.phase != HALF_OPEN or circuit.lease_holder != holder:
        return circuit
    return replace(circuit, lease_until=now + seconds)


def released(circuit: Circuit, now: float, *, holder: str) -> Circuit:
    """The probe ended without a verdict (its caller left): the next request may probe at once."""
    if circuit.phase != HALF_OPEN or circuit.lease_holder != holder:
        return circuit
    return replace(circuit, phase=OPEN, lease_holder="", lease_until=None, next_probe_at=now)


def probe_due(circuit: Circuit, now: float) -> bool:
    """Whether a probe may go out now: the pause is over, and no lease is running."""
    if circuit.phase == OPEN:
        return circuit.next_probe_at is not None and circuit.next_probe_at <= now
    return circuit.phase == HALF_OPEN and (circuit.lease_until is None or circuit.lease_until <= now)


def wait(circuit: Circuit, now: float) -> float | None:
    """Seconds until a probe may be due; None where only an operator can say."""
    due = circuit.next_probe_at if circuit.phase == OPEN else circuit.lease_until
    return None if due is None else max(0.0, due - now)


def tripped(now: float, cause: str) -> Circuit:
    """An operator opened it: no probe, until an operator closes it."""
    return Circuit(phase=OPEN, opened_at=now, cause=cause)


def _next_pause(circuit: Circuit, rule: Rule) -> float:
    return min(circuit.pause + rule.pause, max(rule.pause, rule.pause_max))


def _open(circuit: Circuit, pause: float, now: float, cause: str) -> Circuit:
    return Circuit(
        phase=OPEN,
        failures=circuit.failures,
        last_failure_at=now,
        opened_at=circuit.opened_at or now,
        pause=pause,
        next_probe_at=now + pause,
        cause=cause,
    )
