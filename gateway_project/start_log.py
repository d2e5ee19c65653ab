"""What the log says once per start: which keys were found, masked, and what was loaded. As the OVHcloud proxy did."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from providers.secrets import mask
from routing import services
from routing.types import Candidate, Catalog, Route

MOST_MODELS = 20

log = logging.getLogger("switchyard.start")


def tell(served: Catalog) -> None:
    """Log the lines."""
    for line in lines(served):
        log.info("%s", line)


def lines(served: Catalog) -> Iterator[str]:
    """A line a key, one for all providers without, one for what is loaded, one a model with alternative endpoints."""
    providers = [entry for entry in served.providers.values() if entry.enabled]
    for entry in sorted(providers, key=lambda entry: (entry.position, entry.name)):
        for credential in entry.credentials:
            source = credential.source or "the database"
            yield f"Provider {entry.name}: key {mask(credential.secret)}, from {source}"
    keyless = sorted(entry.name for entry in providers if entry.keyless)
    bare = sum(not entry.keyless and not entry.credentials for entry in providers)
    yield f"Providers without a key: {bare}" + (f"; that need none: {', '.join(keyless)}" if keyless else "")
    public = len(served.routes) + (served.wildcard is not None)
    anyone = services.of_any_name(served)
    loaded = f"{len(served.endpoints)} endpoints, {public} public models, {len(served.listed) + bool(anyone)} callable"
    yield f"Loaded: {loaded}" + (f"; any other name is answered by {told(anyone)}" if anyone else "")
    alternatives = [(route.name, places) for route in served.routes.values() if (places := _alternatives(route))]
    for name, places in alternatives[:MOST_MODELS]:
        yield f"Alternative endpoints of {name}, in order: {', '.join(places)}"
    if len(alternatives) > MOST_MODELS:
        yield f"Alternative endpoints of {len(alternatives) - MOST_MODELS} more models"


def told(asked: Sequence[Candidate]) -> str:
    """``2 services: primary-cerebras, fallback-openai``."""
    names = [service.endpoint for service in asked]
    more = f" and {len(names) - MOST_MODELS} more" if len(names) > MOST_MODELS else ""
    return f"{len(names)} service{'' if len(names) == 1 else 's'}: {', '.join(names[:MOST_MODELS])}{more}"


def _alternatives(route: Route) -> list[str]:
    """Where else a model is asked for: other base URLs of the same provider and model as the first one's."""

    def offer(candidate: Candidate) -> tuple[str, str]:
        return candidate.target.provider, candidate.target.upstream_model

    used = [candidate for candidate in route.candidates if candidate.skip_code != "disabled"]
    return [candidate.target.base_url for candidate in used[1:] if offer(candidate) == offer(used[0])]
