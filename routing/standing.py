"""What routing knows of providers and their models, for the pages below it: answers, errors, keys that rest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from providers import standing
from providers.errors import RateLimited
from providers.standing import KeyStanding, Standing
from providers.targets import normal_url
from routing import catalog
from routing.models import Endpoint, EndpointStats, KeyState
from routing.resolve import identity
from routing.sharing import KEY

Figures = tuple[Any, str, Any]  # last success, last error and when


class Source(standing.Source):
    def providers(self) -> Mapping[str, Standing]:
        """Three queries: endpoints, their figures, keys that rest."""
        owners = dict(Endpoint.objects.values_list("name", "provider__name"))
        found: dict[str, Standing] = {}
        for name, *figures in _stats():
            owner = owners.get(name) or name.partition("/")[0]
            found[owner] = _later(found.get(owner, standing.NOTHING), *figures)
        for owner, keys in _keys().items():
            before = found.get(owner, standing.NOTHING)
            found[owner] = Standing(before.last_success, before.last_error, before.last_error_at, keys)
        return found

    def models(self, rows: Iterable[Any]) -> Mapping[int, Standing]:
        """Two queries: an endpoint of a model's own identity counts for the model."""
        chosen = list(rows)
        names: dict[str, int] = {}
        places: dict[str, int] = {}
        for row in chosen:
            names[f"{row.provider.name}/{row.name}"] = row.pk
            url = normal_url(row.provider.base_url)
            places[identity(row.provider.name, row.upstream_name or row.name, url)] = row.pk
        endpoints = Endpoint.objects.filter(provider__in={row.provider_id for row in chosen}, base_url="")
        for endpoint in endpoints.select_related("provider"):
            url = normal_url(endpoint.provider.base_url)
            pk = places.get(identity(endpoint.provider.name, endpoint.upstream_model, url))
            if pk is not None:
                names[endpoint.name] = pk
        found: dict[int, Standing] = {}
        for name, *figures in _stats(identity__in=list(names)):
            pk = names[name]
            found[pk] = _later(found.get(pk, standing.NOTHING), *figures)
        return found


def _stats(**only: Any) -> Iterable[tuple[Any, ...]]:
    rows = EndpointStats.objects.filter(**only)
    return rows.values_list("identity", "last_success_at", "last_error", "last_error_at")


def _later(one: Standing, success: datetime | None, error: str, error_at: datetime | None) -> Standing:
    """Both together: the latest of each."""
    newest = max((moment for moment in (one.last_success, success) if moment), default=None)
    if error_at is not None and (one.last_error_at is None or error_at > one.last_error_at):
        return Standing(newest, error, error_at)
    return Standing(newest, one.last_error, one.last_error_at)


def _keys() -> dict[str, dict[str, KeyStanding]]:
    """Providers → labels → keys that are rejected or rest, as they are in the configuration now."""
    served = catalog.current().providers
    current = {key.state_key: key.identity for entry in served.values() for key in entry.credentials}
    now = time.time()
    found: dict[str, dict[str, KeyStanding]] = {}
    for row in KeyState.objects.filter(identity__startswith=KEY, rests_until__isnull=False):
        name = current.get(row.identity.removeprefix(KEY))
        limited = row.rest_code == RateLimited.outcome
        if name is None or row.rests_until is None or (limited and row.rests_until <= now):
            continue
        provider, _slash, label = name.partition("/")
        state = standing.RESTING if limited else standing.REJECTED
        until = datetime.fromtimestamp(row.rests_until, UTC)
        found.setdefault(provider, {})[label] = KeyStanding(state, until, row.cause)
    return found
