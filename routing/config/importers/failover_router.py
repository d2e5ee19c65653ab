"""The failover router's ``ROUTER_SERVICES``: a list of services, each with its own account, limits and priority.

A service becomes a provider named like it, and an endpoint of that name which passes on whatever model is asked for.
All of them are the entries of the public model ``*``, by priority: it answers for every name that nothing else knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from providers.kinds import KINDS
from providers.models import validate_http_url
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers import accounts, wildcard
from routing.config.importers.accounts import Credential
from routing.config.importers.format import Format
from routing.config.importers.source import Source

FIELDS = (
    "name",
    "backend_type",
    "base_url",
    "api_key",
    "timeout",
    "priority",
    "rate_limit_requests",
    "rate_limit_window",
)
USUAL_WINDOW = 60.0
MOST = 1000


@dataclass(frozen=True, slots=True)
class Service:
    """One service as the file says it. ``settings``: its endpoint's."""

    name: str
    kind: str
    base_url: str
    key: Credential
    priority: int
    settings: Mapping[str, Any]


def take_over(draft: Draft, services: Any, path: str, choice: wildcard.Choice, source: str) -> None:
    """Make ``services`` the entries of ``*``. ``path``: where they stand in the source called ``source``."""
    if not isinstance(services, list) or not 0 < len(services) <= MOST:
        draft.complain(path, f"expected a list of 1 to {MOST} services")
        return
    problems = len(draft.problems)
    read = [_service(draft, f"{path}/{index}".lstrip("/"), said) for index, said in enumerate(services)]
    names = [one.name for one in read if one is not None]
    for index, one in enumerate(read):
        if one is not None and one.name in names[:index]:
            draft.complain(f"{path}/{index}/name".lstrip("/"), f"a second service {shown(one.name)}")
    if len(draft.problems) > problems:
        return
    entries: list[wildcard.Place] = []
    used: set[str] = set()
    for index, one in enumerate(read):
        assert one is not None
        provider = _provider(draft, one, used)
        used.add(provider)
        entries.append(
            wildcard.Place(wildcard.endpoint(draft, provider, one.name, one.settings), one.kind, one.priority)
        )
        draft.came_from(f"endpoints/{entries[-1].endpoint}", f"{path}/{index}".lstrip("/"))
    wildcard.fill(draft, entries, choice)
    draft.tell(f"Configuration of the failover services loaded from {source}: {accounts.counted(len(read), 'service')}")


def _service(draft: Draft, path: str, said: Any) -> Service | None:
    if not isinstance(said, dict):
        draft.complain(path, "expected an object with name, backend_type, base_url, api_key …")
        return None
    unknown = [shown(key) for key in said if key not in FIELDS]
    if unknown:
        draft.note(path, f"not understood, and left out: {', '.join(unknown[:50])}")
    texts = {name: _text(draft, f"{path}/{name}", said.get(name)) for name in FIELDS[:4]}
    kind = texts["backend_type"].lower()
    if kind not in KINDS:
        draft.complain(f"{path}/backend_type", f"expected one of {', '.join(KINDS)}, not {shown(kind)}")
        return None
    settings = _settings(draft, path, said)
    priority = said.get("priority") or 0
    if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > 2**31 - 1:
        draft.complain(f"{path}/priority", f"expected a whole number, not {shown(priority)}")
        return None
    base_url = _base_url(draft, path, kind, texts["base_url"])
    return Service(texts["name"] or kind, kind, base_url, accounts.credential(texts["api_key"]), priority, settings)


def _text(draft: Draft, path: str, value: Any) -> str:
    """Never shows the value: it may be a key."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    draft.complain(path, "expected text")
    return ""


def _base_url(draft: Draft, path: str, kind: str, said: str) -> str:
    url = said or accounts.kind_urls().get(kind, "")
    try:
        validate_http_url(url)
    except (ValidationError, ValueError):
        draft.complain(f"{path}/base_url", "expected a URL such as https://api.example.com/v1, without credentials")
    return accounts.with_path(kind, url)


def _settings(draft: Draft, path: str, said: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if said.get("timeout") is not None and _is_seconds(draft, f"{path}/timeout", said["timeout"]):
        settings |= accounts.timeouts(said["timeout"])
    limit, window = said.get("rate_limit_requests"), said.get("rate_limit_window")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit < 2**31):
        draft.complain(f"{path}/rate_limit_requests", f"expected a whole number from 1, not {shown(limit)}")
    if window is not None and _is_seconds(draft, f"{path}/rate_limit_window", window) and limit is None:
        draft.note(f"{path}/rate_limit_window", "limits nothing without rate_limit_requests, and is left out")
    if limit is not None:
        settings |= {"limit_requests": limit, "limit_window": USUAL_WINDOW if window is None else window}
    return settings


def _is_seconds(draft: Draft, path: str, value: Any) -> bool:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not 0.05 <= value <= 86400
    ):
        draft.complain(path, f"expected seconds, from 0.05 to 86400, not {shown(value)}")
        return False
    return True


def _provider(draft: Draft, service: Service, used: set[str]) -> str:
    """The service's own account: the one it has, one of its name that fits, or a new one."""
    rows = draft.section("providers")
    wanted = accounts.provider_name(service.name)
    own = wildcard.provider_of(draft, service.name)
    numbered = [wanted, *(f"{wanted}-{number}" for number in range(2, len(rows) + 3))]
    found = next(
        name
        for name in ([own] if own else []) + numbered
        if name not in used and (name not in rows or _fits(draft, name, service, its_own=name == own))
    )
    row = rows.setdefault(found, {})
    if found not in wildcard.vendors() or row.get("base_url", "").rstrip("/") != service.base_url:
        row.pop("keys", None)
        row.pop("keyless", None)
    row |= {"kind": service.kind, "base_url": service.base_url}
    row.pop("enabled", None)
    _sign(draft, found, service)
    return found


def _fits(draft: Draft, name: str, service: Service, *, its_own: bool) -> bool:
    """Whether a provider that is there can be this service's: its own of an earlier import, else one of the vendors'
    that leads to the same place and whose key, if it has one, is the service's."""
    if name not in wildcard.vendors():
        return its_own
    row = draft.section("providers")[name]
    free = not row.get("enabled", True) or (its_own and not KINDS[service.kind].env_vars)
    if row["kind"] != service.kind or not (free or row["base_url"].rstrip("/") == service.base_url):
        return False
    return not service.key or accounts.has_key(draft, name, service.key) or not accounts.has_usable_key(draft, name)


def _sign(draft: Draft, provider: str, service: Service) -> None:
    """The service's key; without one the kind's variables where the vendor itself is asked, else none. A variable that
    holds the vendor's key is for no other address."""
    row = draft.section("providers")[provider]
    needless = service.kind in accounts.keyless_kinds()
    own = needless or accounts.kind_urls().get(service.kind) == service.base_url
    if service.key:
        if not accounts.has_key(draft, provider, service.key):
            accounts.give_key(draft, provider, service.key)
    elif not row.get("keys"):
        for variable in KINDS[service.kind].env_vars if own else ():
            accounts.give_key(draft, provider, Credential(env=variable), variable.lower().replace("_", "-"))
        if needless or not own:
            row["keyless"] = True


def _recognises(source: Source) -> bool:
    content: Sequence[Any] = source.content if isinstance(source.content, list) else ()
    return bool(content) and any(isinstance(one, dict) and one.keys() & {"backend_type", "api_key"} for one in content)


FORMAT = Format(
    "the failover router's services as JSON",
    "a list of objects with “backend_type”",
    _recognises,
    lambda source, draft: take_over(draft, source.content, "", wildcard.Choice(), source.name),
)
