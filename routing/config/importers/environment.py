"""Variables of a ``.env`` file or the gateway's own environment: vendors' keys, Ollama's place, the failover router.

A vendor's key that this gateway has in its own environment needs nothing, another one is stored. ``BACKEND_TYPE`` or
``USE_ROUTER`` without ``ROUTER_SERVICES`` is the failover router's simplified form: the vendors whose keys are there
become its services, that of ``BACKEND_TYPE`` first. Values are never shown: any of them may be a secret.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from providers.kinds import KINDS
from providers.models import validate_http_url
from routing.config import dotenv
from routing.config.amend import Draft
from routing.config.document import DocumentError, Problem
from routing.config.importers import accounts, failover_router, wildcard
from routing.config.importers.accounts import Credential
from routing.config.importers.format import Format
from routing.config.importers.source import Source, parse_json

SERVICES, BACKEND, ROUTER, OLLAMA = "ROUTER_SERVICES", "BACKEND_TYPE", "USE_ROUTER", "OLLAMA_BASE_URL"
ACTED_ON = (SERVICES, BACKEND, ROUTER, OLLAMA)
VENDORS: Mapping[str, str] = {variable: kind.name for kind in KINDS.values() for variable in kind.env_vars}
OWN = frozenset(
    {"HOST", "PORT", "WEB_CONCURRENCY", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "LOG_LEVEL"}
    | {"LOG_FORMAT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
)
THE_ENVIRONMENT = "the environment"


def of_this_process() -> Source:
    """The variables of this process's environment (``.env`` beside manage.py included) that importing acts on."""
    said = {name: os.environ[name] for name in (*ACTED_ON, *VENDORS) if os.environ.get(name, "").strip()}
    return Source(THE_ENVIRONMENT, dotenv.render(said).encode("utf-8", "surrogateescape"))


def acts(source: Source) -> bool:
    """Whether there is anything in it beside vendors' keys."""
    return source.is_env and any(name in source.content for name in ACTED_ON)


def essence(source: Source) -> bytes:
    """What of it decides what importing does: not the vendors' keys, but whose are there where these are services."""
    said: dict[str, str] = source.content
    acting = {name: value for name, value in said.items() if name in ACTED_ON}
    return json.dumps([acting, [] if SERVICES in acting else sorted(said.keys() - acting.keys())]).encode()


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A vendor that the source has a key for, by its provider."""

    provider: str
    kind: str
    position: int


def _read(source: Source, draft: Draft) -> None:
    said = {name: value.strip() for name, value in source.content.items() if value.strip()}
    vendors = list(dict.fromkeys(_keys(draft, said)))
    if OLLAMA in said:
        vendors += _ollama(draft, said[OLLAMA], source.name)
    choice = wildcard.Choice(_flag(draft, said), _backend(draft, said))
    if SERVICES in said:
        failover_router.take_over(draft, _services(said[SERVICES]), SERVICES, choice, source.name)
    elif BACKEND in said or said.get(ROUTER, "").lower() == "true":
        _fail_over(draft, vendors, choice, source.name)
    _note_others(draft, [name for name in source.content if name not in (*ACTED_ON, *VENDORS)])


def _keys(draft: Draft, said: Mapping[str, str]) -> Iterator[_Vendor]:
    """Store the keys that this gateway's environment lacks; the vendors that have one."""
    for variable, kind in VENDORS.items():
        if variable not in said:
            continue
        named = _named(draft, variable)
        key, own = Credential(secret=said[variable]), os.environ.get(variable, "").strip()
        if own == said[variable]:
            if named is not None:
                yield _vendor(draft, named)
            continue
        provider = named or accounts.account(draft, kind, "", Credential(env=variable))
        if not accounts.has_key(draft, provider, key):
            accounts.give_key(draft, provider, key, f"{accounts.IMPORTED}-{variable.lower().replace('_', '-')}")
        if own:
            draft.note(variable, "stored, but this gateway's own environment has another key of this name, used first")
        yield _vendor(draft, provider)


def _named(draft: Draft, variable: str) -> str | None:
    """The provider whose keys name the variable: the first by position."""
    rows = draft.section("providers")
    naming = [name for name in rows if variable in (key.get("env") for key in rows[name].get("keys", ()))]
    own = [name for name in naming if name in wildcard.vendors()]
    return min(own or naming, key=lambda name: (rows[name].get("position", 0), name), default=None)


def _vendor(draft: Draft, provider: str) -> _Vendor:
    row = draft.section("providers")[provider]
    return _Vendor(provider, row["kind"], row.get("position", 0))


def _ollama(draft: Draft, url: str, source: str) -> list[_Vendor]:
    """Point the provider "ollama" there, and take it into service."""
    try:
        validate_http_url(url)
    except (ValidationError, ValueError):
        draft.complain(OLLAMA, "expected a URL such as http://localhost:11434")
        return []
    provider = "ollama"
    row = draft.section("providers").get(provider, {})
    if row.get("kind") == "ollama":
        row["base_url"] = accounts.with_path("ollama", url)
        row.pop("enabled", None)
    else:
        provider = accounts.account(draft, "ollama", url, Credential())
    draft.tell(f"Provider {provider} points where OLLAMA_BASE_URL of {source} says")
    return [_vendor(draft, provider)]


def _flag(draft: Draft, said: Mapping[str, str]) -> bool:
    word = said.get(ROUTER, "true").lower()
    if word not in ("true", "false"):
        draft.complain(ROUTER, "expected true or false")
    return word != "false"


def _backend(draft: Draft, said: Mapping[str, str]) -> str:
    kind = said.get(BACKEND, "").lower()
    if kind and kind not in KINDS:
        draft.complain(BACKEND, f"expected one of {', '.join(KINDS)}")
        return ""
    return kind


def _services(content: str) -> Any:
    try:
        return parse_json(content)
    except DocumentError as error:
        raise DocumentError(
            Problem(", ".join(filter(None, (SERVICES, one.path))), one.message) for one in error.problems
        ) from error


def _fail_over(draft: Draft, vendors: list[_Vendor], choice: wildcard.Choice, source: str) -> None:
    """``*`` over the vendors that have keys: that of ``BACKEND_TYPE`` first, the others in their providers' order."""
    kind = choice.backend_type
    vendors = [one for one in vendors if draft.section("providers")[one.provider].get("enabled", True)]
    if kind and kind not in (one.kind for one in vendors):
        key = Credential(env=next(iter(KINDS[kind].env_vars), ""))
        vendors = [*vendors, _vendor(draft, accounts.account(draft, kind, "", key))]
        if key:
            draft.note(BACKEND, f"no key is there for {kind}: it waits for {' or '.join(KINDS[kind].env_vars)}")
    ordered = sorted(vendors, key=lambda one: (one.kind != kind, one.position, one.provider))
    if not ordered:
        draft.note(ROUTER, f"left out: neither {SERVICES} nor a vendor's key says what to fail over between")
        return
    places = [
        wildcard.Place(wildcard.endpoint(draft, one.provider, one.provider, {}), one.kind, priority)
        for priority, one in enumerate(ordered)
    ]
    wildcard.fill(draft, places, choice)
    names = ", ".join(one.provider for one in ordered)
    draft.tell(f"Configuration of the failover services loaded from {source}: {names}")


def _note_others(draft: Draft, names: list[str]) -> None:
    ours = [name for name in names if name in OWN or name.startswith("GATEWAY_")]
    others = [name for name in names if name not in ours]
    if ours:
        draft.note("", f"belongs into this gateway's own .env, and is left out: {', '.join(ours)}")
    if others:
        more = f" and {len(others) - 50} more" if len(others) > 50 else ""
        draft.note("", f"not understood, and left out: {', '.join(others[:50])}{more}")


FORMAT = Format("a .env file", "lines of NAME=value", lambda source: source.is_env, _read)
