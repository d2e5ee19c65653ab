"""The public model ``*`` as the failover router's list of services: endpoints that pass the caller's model name on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from providers.catalogue import known_providers
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers import accounts
from routing.config.references import WILDCARD

PASS_NAME = "*"  # noqa: S105 - an upstream model, not a password
SERVICE_SETTINGS = (*accounts.timeouts(1), "limit_requests", "limit_window", "enabled")


@dataclass(frozen=True, slots=True)
class Choice:
    """``USE_ROUTER``: False enables one service alone, that of the kind ``backend_type`` if it is said."""

    use_router: bool = True
    backend_type: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One service: its endpoint's name, its kind, its priority (lowest first)."""

    endpoint: str
    kind: str
    priority: int


@cache
def vendors() -> frozenset[str]:
    """The providers that every installation begins with."""
    return frozenset(one.name for one in known_providers())


def provider_of(draft: Draft, service: str) -> str | None:
    """The provider of the service's endpoint, where that is there."""
    row = draft.section("endpoints").get(service, {})
    return str(row["provider"]) if row.get("upstream_model") == PASS_NAME else None


def endpoint(draft: Draft, provider: str, name: str, settings: Mapping[str, Any]) -> str:
    """The service's endpoint, with ``settings`` in place of those of an earlier import."""
    rows = draft.section("endpoints")
    if provider_of(draft, name) not in (None, provider):
        rows[name] = {key: value for key, value in rows[name].items() if key != "base_url"} | {"provider": provider}
    elif name in rows and provider_of(draft, name) is None:
        draft.complain("", f"there is an endpoint {shown(name)} already, and it is no service")
    found = accounts.endpoint(draft, provider, PASS_NAME, name=name)
    kept = {key: value for key, value in rows[found].items() if key not in SERVICE_SETTINGS}
    rows[found] = kept | dict(settings)
    return found


def fill(draft: Draft, places: Sequence[Place], choice: Choice) -> None:
    """Make ``places`` the entries of ``*``. Services that are named no longer go, with their accounts."""
    said = draft.section("models").setdefault(WILDCARD, {})
    named = {place.endpoint for place in places}
    for entry in list(said.get("entries", ())):
        if entry.get("endpoint", "") not in named:
            _forget(draft, entry.get("endpoint", ""))
    said.pop("enabled", None)
    said["strategy"] = "priority"
    said["entries"] = [{"endpoint": place.endpoint, "priority": place.priority} for place in places]
    if not choice.use_router:
        ordered = sorted(places, key=lambda place: place.priority)
        chosen = next((place for place in ordered if place.kind == choice.backend_type), ordered[0])
        for place in places:
            if place is not chosen:
                draft.section("endpoints")[place.endpoint]["enabled"] = False


def _forget(draft: Draft, endpoint: str) -> None:
    provider = provider_of(draft, endpoint)
    if provider is None:
        return
    accounts.forget(draft, endpoint, f"models/{WILDCARD}")
    used = any(row["provider"] == provider for row in draft.section("endpoints").values())
    row = draft.section("providers")[provider]
    # A key of another label was entered by hand, and no rollback would bring it back.
    entered = any(key.get("stored") and key["label"] != accounts.IMPORTED for key in row.get("keys", ()))
    if not used and not entered and provider not in vendors() and not row.get("models"):
        draft.section("providers").pop(provider)
