"""Endpoints as the failover router knew them: services, in its order, and what its figures mean. ◇ no framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from routing.limits import Window
from routing.types import Candidate, Catalog

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
DEGRADED_FROM, UNHEALTHY_FROM = 10.0, 50.0  # per cent of tries that failed


@dataclass(frozen=True, slots=True)
class Service:
    """An enabled endpoint. ``window``: its own, None where nothing limits it."""

    candidate: Candidate
    priority: int
    window: Window | None

    @property
    def name(self) -> str:
        """The endpoint's."""
        return self.candidate.endpoint

    @property
    def kind(self) -> str:
        """Its provider's, the failover router's ``backend_type``."""
        return self.candidate.target.kind

    @property
    def has_key(self) -> bool:
        """Whether requests to it are signed."""
        return bool(self.candidate.credentials)


def services(catalog: Catalog) -> tuple[Service, ...]:
    """The endpoints of ``*`` by priority, then the others by name, as if they came after.

    Endpoints of others that lack a key are no services: a new installation has some, which wait for one.
    """
    listed = catalog.wildcard.candidates if catalog.wildcard is not None else ()
    first = sorted((one for one in listed if one.skip_code != "disabled"), key=lambda one: one.priority)
    names = {candidate.endpoint for candidate in first}
    after = max((one.priority for one in first), default=-1) + 1
    others = sorted(name for name, one in catalog.endpoints.items() if name not in names and not one.reason_skipped)
    return tuple(_service(one, one.priority) for one in first) + tuple(
        _service(catalog.endpoints[name], after) for name in others
    )


def of_any_name(catalog: Catalog) -> tuple[Candidate, ...]:
    """The usable endpoints of ``*``, which answer for every name that nothing else has, by priority."""
    listed = catalog.wildcard.candidates if catalog.wildcard is not None else ()
    return tuple(sorted((one for one in listed if one.reason_skipped is None), key=lambda one: one.priority))


def single(found: tuple[Service, ...], use_router: bool | None) -> bool:
    """Whether there is nothing to fail over to. ``use_router`` False: nobody wants to."""
    return use_router is False or len(found) <= 1


def rate(part: int, whole: int) -> float:
    """``part`` of ``whole`` in per cent, one decimal; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0


def status(circuit_open: bool, failure_rate: float) -> str:
    """How a service is. ``failure_rate``: per cent of its tries."""
    if circuit_open or failure_rate >= UNHEALTHY_FROM:
        return UNHEALTHY
    return DEGRADED if failure_rate >= DEGRADED_FROM else HEALTHY


def overall(statuses: Iterable[str]) -> str:
    """How all services together are: as the best of them."""
    found = set(statuses)
    return next((status for status in (HEALTHY, DEGRADED) if status in found), UNHEALTHY)


def _service(candidate: Candidate, priority: int) -> Service:
    own = [window for window in candidate.windows if window.key == candidate.identity]
    return Service(candidate, priority, own[0] if own else None)
