"""What the failover router's and the category router's figures are made of, read at one moment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from django.db import DatabaseError

from gateway_project.api.errors import ApiError
from metrics import marks, native, spool
from routing import circuit
from routing.circuit import Circuit
from routing.limits import Reading, Window
from routing.services import Service
from routing.state import STATE
from routing.types import Candidate, Catalog
from routing.windows import WINDOWS

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("switchyard.api")

PATIENCE = 5.0  # seconds for one reading: a backlog of records, or a lock, may take long


@dataclass(frozen=True, slots=True)
class Figures:
    """``since``: sums since the last reset; ``readings``: the services' own windows by key, those that can be read."""

    since: marks.SinceReset
    readings: Mapping[str, Reading] = field(default_factory=dict)


def figures(services: Sequence[Service] = ()) -> Figures:
    """Sums of all that was answered until now, and the windows of ``services``. Raises ``ApiError`` 503."""
    since = read(marks.since_reset, spool.default_directory())
    return Figures(since, readings(services))


def readings(services: Sequence[Service]) -> Mapping[str, Reading]:
    """The services' own windows now, by key; none where their store cannot say."""
    windows: list[Window] = [service.window for service in services if service.window is not None]
    return read(WINDOWS.read, windows) if windows else {}


def look_at_circuits() -> None:
    """What other workers have learnt of circuits is known to ``STATE`` after this."""
    read(STATE.poll)


def open_circuits(catalog: Catalog) -> Iterator[tuple[Candidate, Circuit]]:
    """The endpoints and catalogued models whose circuits are not closed, as far as this worker knows."""
    offered = (one for entry in catalog.providers.values() for one in entry.models.values())
    known = {candidate.identity: candidate for candidate in (*offered, *catalog.endpoints.values())}
    for identity, candidate in known.items():
        if is_open(identity):
            yield candidate, STATE.circuit_of(identity)


def is_open(identity: str) -> bool:
    """Whether an endpoint's circuit keeps ordinary requests away from it."""
    return STATE.circuit_of(identity).phase != circuit.CLOSED


def read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Database work apart from the event loop. Raises ``ApiError`` 503 where the database does not answer in time."""
    try:
        return native.run_within(PATIENCE, function, *args, **kwargs)
    except (DatabaseError, TimeoutError) as error:
        log.warning("statistics cannot be read: %s", error)
        raise ApiError(
            503,
            "The statistics cannot be read now: the database does not answer.",
            type="service_unavailable_error",
            code="statistics_unavailable",
            headers={"Retry-After": "5"},
        ) from error
