"""A requested name → the Route it means. Pure: everything is looked up in one Catalog. ◇ no framework.

The order (DESIGN "Names"): public model → alias → category, by name or ``router/<category>``; where ``router`` or
``auto`` is asked for, the one that the request is about → ``provider/model``, catalogued or not → the bare name of a
catalogued model → the wildcard ``*`` → not found. The providers meant are those that are configured (enabled, with a
key or in need of none). What only others know is a route all the same, if nothing else answers: its candidates say what
to set.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from providers.kinds import KINDS
from providers.wire import Limits
from routing.classify import DEFAULT, classify
from routing.types import Candidate, Catalog, Facts, Group, ProviderEntry, Route

ROUTER_NAMES = frozenset({"router", "auto", "router/router", "router/auto"})
SUGGESTIONS = 3


class NotFound(Exception):
    """No route has this name. ``suggestions``: close names that exist."""

    def __init__(self, requested: str, suggestions: tuple[str, ...] = (), why: str = "") -> None:
        shown = requested if len(requested) <= 200 else f"{requested[:200]}…"
        hint = f" Did you mean {' or '.join(repr(name) for name in suggestions)}?" if suggestions else ""
        super().__init__(f"Model not found: '{shown}'{why}.{hint}")
        self.requested = requested
        self.suggestions = suggestions
        self.why = why

    def suggesting(self, may_see: Callable[[str], bool]) -> NotFound:
        """The same, with those suggestions only that the caller ``may_see``."""
        return NotFound(self.requested, tuple(name for name in self.suggestions if may_see(name)), self.why)


def resolve(catalog: Catalog, model: str, provider: str | None, body: Mapping[str, Any]) -> Route:
    """The route that ``model`` means, within ``provider`` (a Provider's name, else a kind) if one is given.

    ``body``: the request in the inner form, read only where the router itself is asked for. Raises ``NotFound``.
    """
    if provider:
        return _within(catalog, model, provider)
    route = (
        catalog.routes.get(model)
        or _alias(catalog, model)
        or _category(catalog, model, body)
        or _provider_model(catalog, model)
        or _bare(catalog, model)
        or _wildcard(catalog, model)
        or _unconfigured(catalog, model)
    )
    if route is None:
        raise NotFound(model, suggest(catalog, model), _why_no_router(catalog, model))
    return _passing_name(route, model)


def join(routes: Sequence[Route]) -> Route:
    """Several routes as one: the first one's candidates in its own order, then the second's, each endpoint once."""
    if len(routes) == 1:
        return routes[0]
    candidates: dict[str, Candidate] = {}
    for route in routes:
        for each in route.candidates:
            candidates.setdefault(each.endpoint, each)
    members = tuple(Group(route.name, route.strategy, members_of(route)) for route in routes)
    return replace(routes[0], strategy="ordered", candidates=tuple(candidates.values()), members=members)


def members_of(route: Route) -> tuple[str | Group, ...]:
    """The route's list as it was configured, or its candidates one by one."""
    return route.members or tuple(candidate.endpoint for candidate in route.candidates)


def _alias(catalog: Catalog, name: str) -> Route | None:
    target = catalog.aliases.get(name)
    route = catalog.routes.get(target) if target is not None else None
    return None if route is None else replace(route, requested=name, how="alias")


def _category(catalog: Catalog, name: str, body: Mapping[str, Any]) -> Route | None:
    """A category by name, or, where the router itself is asked for, the one that the request is about."""
    if name not in ROUTER_NAMES:
        chosen = catalog.categories.get(name.removeprefix("router/"))
        return None if chosen is None else replace(chosen, requested=name)
    found = classify(catalog.classifier, body)
    chosen = catalog.categories.get(found.category)
    return None if chosen is None else replace(chosen, requested=name, how="router", classification=found)


def _why_no_router(catalog: Catalog, name: str) -> str:
    if name not in ROUTER_NAMES:
        return ""
    missing = f"there is no category '{DEFAULT}'" if catalog.categories else "there are no categories"
    if DEFAULT in catalog.categories:
        missing = f"the category '{DEFAULT}' is disabled"
    return f" (classification is not configured: {missing})"


def _provider_model(catalog: Catalog, name: str) -> Route | None:
    """``provider/model``. Where the prefix names a provider that does not catalogue the rest, but another configured
    one catalogues the whole string (DeepInfra's ``google/gemma-2-9b-it``), that one is meant."""
    prefix, slash, rest = name.partition("/")
    entry = catalog.providers.get(prefix)
    if not slash or not rest or entry is None or not entry.configured:
        return None
    catalogued = entry.models.get(rest)
    if catalogued is not None:
        return _route(name, (catalogued,), "provider_model")
    return _bare(catalog, name) or _route(name, (_transient(entry, rest),), "transient")


def _bare(catalog: Catalog, name: str) -> Route | None:
    """A catalogued model by its own name, at the first configured provider."""
    for candidate in catalog.bare.get(name, ()):
        if candidate.reason_skipped is None:
            return _route(name, (candidate,), "bare")
    return None


def _wildcard(catalog: Catalog, name: str) -> Route | None:
    if catalog.wildcard is None or name in ROUTER_NAMES or name == catalog.wildcard.name:
        return None
    return replace(catalog.wildcard, requested=name, how="wildcard")


def _unconfigured(catalog: Catalog, name: str) -> Route | None:
    """A route that cannot answer and says why: the provider that is named, else all who catalogue the name."""
    prefix, slash, rest = name.partition("/")
    entry = catalog.providers.get(prefix)
    offers = catalog.bare.get(name, ())
    if slash and rest and entry is not None and (rest in entry.models or not offers):
        return _route(name, (entry.models.get(rest) or _transient(entry, rest),), "provider_model")
    return _route(name, offers, "bare") if offers else None


def _within(catalog: Catalog, model: str, provider: str) -> Route:
    entry = catalog.providers.get(provider)
    entries = [entry] if entry is not None else _of_kind(catalog, provider)
    if not entries:
        close = difflib.get_close_matches(provider, list(catalog.providers), SUGGESTIONS)
        raise NotFound(f"{provider}/{model}", tuple(f"{name}/{model}" for name in close))
    ready = [each for each in entries if each.configured] or entries
    catalogued = [known for each in ready if (known := _known(each, model)) is not None]
    if catalogued:
        return _route(model, catalogued, "provider_model")
    return _route(
        model, (_transient(each, model.removeprefix(f"{each.name}/") or model) for each in ready), "transient"
    )


def _known(entry: ProviderEntry, model: str) -> Candidate | None:
    return entry.models.get(model) or entry.models.get(model.removeprefix(f"{entry.name}/"))


def _of_kind(catalog: Catalog, kind: str) -> list[ProviderEntry]:
    entries = [entry for entry in catalog.providers.values() if entry.kind == kind and entry.enabled]
    return sorted(entries, key=lambda entry: (entry.position, entry.name))


def _transient(entry: ProviderEntry, model: str) -> Candidate:
    """A model that nobody catalogued and no endpoint names, made for this request."""
    reason, code = why_unusable(entry)
    return Candidate(
        endpoint=f"{entry.name}/{model}",
        identity=identity(entry.name, model, entry.target.base_url),
        target=replace(entry.target, upstream_model=model),
        credentials=entry.credentials,
        facts=Facts(),
        limits=default_limits(entry.kind, frozenset()),
        reason_skipped=reason,
        skip_code=code,
        windows=entry.windows,
        known=False,
    )


def why_unusable(entry: ProviderEntry) -> tuple[str | None, str]:
    """(None, "") for a provider that requests can be sent to, else (what a person should know, code)."""
    if not entry.enabled:
        return f"provider {entry.name} is disabled", "disabled"
    if entry.proxy_missing:
        return f"provider {entry.name} has no proxy: enter it in the admin, its password is in no document", "no_key"
    if not entry.configured:
        setting = f"set {' or '.join(entry.missing)}, or add" if entry.missing else "add"
        return f"provider {entry.name} has no key: {setting} a key in the admin", "no_key"
    return None, ""


def default_limits(kind: str, capabilities: frozenset[str]) -> Limits:
    """Deadlines where an endpoint says nothing: first content later for models that reason or have to be loaded."""
    slow = "reasoning" in capabilities or KINDS[kind].slow_start
    return Limits(first_content=60.0 if slow else 10.0)


def identity(provider: str, upstream_model: str, base_url: str) -> str:
    """The key of all shared state of an endpoint: who, what, where."""
    return f"{provider}|{upstream_model}|{base_url}"


def _passing_name(route: Route, model: str) -> Route:
    """Endpoints that pass the caller's own name through get it. Their limits and circuits stay those of the place."""
    if not any(candidate.pass_model_name for candidate in route.candidates):
        return route
    named = (_named(candidate, model) if candidate.pass_model_name else candidate for candidate in route.candidates)
    return replace(route, candidates=tuple(named))


def _named(candidate: Candidate, model: str) -> Candidate:
    return replace(candidate, target=replace(candidate.target, upstream_model=model))


def _route(name: str, candidates: Iterable[Candidate], how: str) -> Route:
    chosen = tuple(candidates)
    return Route(name, chosen[0].endpoint, how, chosen[0].facts.type, "ordered", chosen)


def suggest(catalog: Catalog, name: str) -> tuple[str, ...]:
    """Up to three names that exist and look like ``name``."""
    known = [model.id for model in catalog.listed]
    known += [name for name in (*catalog.aliases, *catalog.bare) if name not in known]
    return tuple(difflib.get_close_matches(name[:200], known, SUGGESTIONS, cutoff=0.7))
