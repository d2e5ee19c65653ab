"""How endpoints stand: circuit, rest, window and the last day's figures, for a page of rows in a few queries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.targets import normal_url
from routing import catalog, circuit
from routing.admin import show
from routing.admin.usage import UNUSED, Used, last_day
from routing.build import WINDOW_SECONDS
from routing.limits import Reading, Window
from routing.models import ApiKey, CircuitState, Endpoint, EndpointStats
from routing.resolve import identity
from routing.windows import WINDOWS


@dataclass(frozen=True, slots=True)
class Condition:
    """How an endpoint is at a glance: ``kind`` as of chips, its ``word``, why and until when."""

    kind: str
    word: str
    why: str = ""
    until: str = ""

    @property
    def said(self) -> str:
        """All in one line."""
        return " · ".join(filter(None, (self.word, self.why, self.until)))


@dataclass(frozen=True, slots=True)
class Standing:
    """``share``: of all requests that some endpoint ended, 0 … 1; ``reading`` None: no limit, or nobody can say."""

    identity: str
    row: CircuitState | None
    condition: Condition
    window: Window | None = None
    reading: Reading | None = None
    usage: Used = UNUSED
    share: float | None = None
    stats: EndpointStats | None = None


def identity_of(endpoint: Endpoint) -> str:
    """The key of an endpoint's shared state. Reads its provider: select it along."""
    url = normal_url(endpoint.base_url or endpoint.provider.base_url)
    return identity(endpoint.provider.name, endpoint.upstream_model, url)


def names_by_identity() -> dict[str, Endpoint]:
    """All endpoints by the keys of their shared state, in one query."""
    return {identity_of(row): row for row in Endpoint.objects.select_related("provider")}


def conditions(endpoints: Iterable[Endpoint]) -> dict[int, Condition]:
    """How endpoints are, by their ids, in one query."""
    identities = {row.pk: (row, identity_of(row)) for row in endpoints}
    rows = CircuitState.objects.in_bulk([name for _row, name in identities.values()])
    now = time.time()
    return {pk: condition(row, rows.get(name), now) for pk, (row, name) in identities.items()}


def standings(endpoints: Sequence[Endpoint]) -> dict[int, Standing]:
    """How endpoints stand, by their ids, in as many queries however many they are."""
    identities = {row.pk: identity_of(row) for row in endpoints}
    names = [row.name for row in endpoints]
    circuits = CircuitState.objects.in_bulk(list(identities.values()))
    figures = EndpointStats.objects.in_bulk(names)
    windows = {row.pk: one for row in endpoints if (one := window_of(row, identities[row.pk])) is not None}
    readings = WINDOWS.read(list(windows.values())) if windows else {}
    usage = last_day("endpoint")
    whole = sum(one.requests for name, one in usage.items() if name)
    now = time.time()
    found: dict[int, Standing] = {}
    for row in endpoints:
        key = identities[row.pk]
        used = usage.get(row.name, UNUSED)
        found[row.pk] = Standing(
            identity=key,
            row=circuits.get(key),
            condition=condition(row, circuits.get(key), now),
            window=windows.get(row.pk),
            reading=readings.get(key),
            usage=used,
            share=used.requests / whole if whole else None,
            stats=figures.get(row.name),
        )
    return found


def window_of(row: Endpoint | ApiKey, key: str) -> Window | None:
    """The sliding window of an endpoint or application key, if it has one."""
    if row.limit_requests is None and row.limit_tokens is None:
        return None
    return Window(key, row.limit_requests, row.limit_tokens, row.limit_window or WINDOW_SECONDS)


def condition(endpoint: Endpoint | None, row: CircuitState | None, now: float) -> Condition:
    """What keeps an endpoint from being used, the strongest reason first."""
    if endpoint is not None and not endpoint.enabled:
        return Condition("", _("Disabled"))
    if row is not None and row.drained:
        return Condition("warn", _("Drained"), _("takes no new requests"))
    if row is not None and row.phase == circuit.OPEN:
        return _open(row, now)
    if row is not None and row.phase == circuit.HALF_OPEN:
        return Condition("warn", _("On trial"), row.circuit_cause, _("one request finds out whether it is well again"))
    if row is not None and row.rests_until is not None and row.rests_until > now:
        until = _("until %(at)s, %(left)s more") % {
            "at": show.moment(row.rests_until),
            "left": show.lasting(row.rests_until - now),
        }
        return Condition("warn", _("Resting"), row.cause, until)
    why = _unusable(endpoint)
    if why:
        return Condition("bad", _("Not usable"), why)
    return _well(row, now)


def _open(row: CircuitState, now: float) -> Condition:
    if row.next_probe_at is None:
        return Condition("bad", _("Circuit open"), row.circuit_cause, _("until it is closed by hand"))
    if row.next_probe_at <= now:
        return Condition("bad", _("Circuit open"), row.circuit_cause, _("the next request tries it"))
    words = {"at": show.moment(row.next_probe_at), "left": show.lasting(row.next_probe_at - now)}
    return Condition("bad", _("Circuit open"), row.circuit_cause, _("next try at %(at)s, in %(left)s") % words)


def _well(row: CircuitState | None, now: float) -> Condition:
    recent = row is not None and row.failures and now - (row.last_failure_at or 0) <= circuit.MEMORY
    if row is None or not recent:
        return Condition("good", _("Healthy"))
    failed = ngettext("%(n)d request failed in a row", "%(n)d requests failed in a row", row.failures)
    return Condition("warn", _("Failing"), failed % {"n": row.failures})


def _unusable(endpoint: Endpoint | None) -> str:
    """What the configuration alone keeps it from, e.g. a key that is missing."""
    served = catalog.current().endpoints.get(endpoint.name) if endpoint is not None else None
    return (served.reason_skipped or "") if served is not None else ""
