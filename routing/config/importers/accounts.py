"""Where an imported client finds its provider and endpoint in the draft, or gets new ones. Twice gives the same."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from providers.catalogue import known_providers
from providers.kinds import KINDS
from routing.config.amend import Draft

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
IMPORTED = "imported"
LONGEST_NAME = 59
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Credential:
    """A provider's key: the secret itself, or the name of the variable that holds it; neither: none is given."""

    secret: str = field(default="", repr=False)
    env: str = ""

    def __bool__(self) -> bool:
        return bool(self.secret or self.env)


def credential(said: str) -> Credential:
    """``${NAME}``, ``$NAME`` and LiteLLM's ``os.environ/NAME`` name a variable; anything else is the key itself."""
    named = re.fullmatch(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|os\.environ/([A-Za-z_]\w*)", said)
    return Credential(env=named[named.lastindex or 0]) if named else Credential(secret=said)


def of_variable(draft: Draft, name: str, path: str) -> Credential:
    """The variable as a key; a note, once for each, where it is not set."""
    said = f"{name} is not set here: the provider has no key until it is"
    if not os.environ.get(name) and all(note.message != said for note in draft.notes):
        draft.note(path, said)
    return Credential(env=name)


@cache
def kind_urls() -> Mapping[str, str]:
    """The vendors' own base URLs, by kind."""
    return {one.kind: one.base_url for one in reversed(known_providers())}


@cache
def keyless_kinds() -> frozenset[str]:
    """Kinds of servers that work without a key."""
    usual = {one.kind for one in known_providers() if one.keyless}
    return frozenset(usual | {kind.name for kind in KINDS.values() if not kind.env_vars})


def with_path(kind: str, base_url: str) -> str:
    """A base URL without a slash at its end; one without a path gets that of the kind (``/v1`` of most)."""
    base_url = base_url.rstrip("/")
    if urlsplit(base_url).path:
        return base_url
    return base_url + urlsplit(kind_urls().get(kind, "http://host/v1")).path


def account(
    draft: Draft, kind: str, base_url: str, key: Credential, headers: Mapping[str, str] = NO_HEADERS, name: str = ""
) -> str:
    """The name of the provider of this kind and URL with this key and these headers: one that is there, or a new one
    called ``name``, else after its kind, and its host where that is not the vendor's.

    An empty URL means the vendor's own. A provider without any key that can be used (its variables are not set) is
    given this one; one with another key, or that this change found by another, is another account. Headers are stored
    as secrets: they may be.
    """
    own = kind_urls().get(kind, "")
    base_url = with_path(kind, base_url or own)
    found = _found(draft, kind, base_url, key, headers)
    if found is None:
        name = name or (kind if base_url == own else f"{kind}-{urlsplit(base_url).hostname}")
        found = free_name(provider_name(name), draft.section("providers"))
        draft.section("providers")[found] = {"kind": kind, "base_url": base_url}
        _give_headers(draft, found, headers)
    if key:
        draft.claims.setdefault(found, (key, dict(headers)))
    provider = draft.section("providers")[found]
    if not provider.get("enabled", True):
        provider.pop("enabled")
    if key and not has_key(draft, found, key):
        give_key(draft, found, key)
    elif not key and not provider.get("keys"):
        if base_url == own and KINDS[kind].env_vars:
            give_key(draft, found, Credential(env=KINDS[kind].env_vars[0]))
        else:
            provider["keyless"] = True
    return found


def become(
    draft: Draft, name: str, kind: str, base_url: str, key: Credential, headers: Mapping[str, str] = NO_HEADERS
) -> bool:
    """Make the provider called ``name`` the one of this kind, URL, key and headers: a new one, or one that no endpoint
    asks and that nobody has set up (an earlier import may have). Whether it is."""
    rows = draft.section("providers")
    if provider_name(name) != name or not (name not in rows or _is(draft, name, kind, base_url, key, headers)
                                           or _is_free(draft, name)):  # fmt: skip
        return False
    if name in rows and _is(draft, name, kind, base_url, key, headers):
        rows[name].pop("enabled", None)
        return True
    kept = {field: value for field, value in rows.get(name, {}).items() if field not in ("keys", "keyless", "headers")}
    rows[name] = kept | {"kind": kind, "base_url": base_url}
    rows[name].pop("enabled", None)
    _give_headers(draft, name, headers)
    if key:
        give_key(draft, name, key)
    else:
        rows[name]["keyless"] = True
    draft.claims[name] = (key, dict(headers))
    return True


def _is(draft: Draft, name: str, kind: str, base_url: str, key: Credential, headers: Mapping[str, str]) -> bool:
    row = draft.section("providers")[name]
    signed = has_key(draft, name, key) if key else not row.get("keys")
    return (row["kind"], row["base_url"]) == (kind, base_url) and signed and _headers(draft, name) == headers


def _is_free(draft: Draft, name: str) -> bool:
    row = draft.section("providers")[name]
    own = row["base_url"] == kind_urls().get(row["kind"])
    labels = {said.get("label") for said in row.get("keys", ())}
    unused = all(one["provider"] != name for one in draft.section("endpoints").values())
    return unused and (not has_usable_key(draft, name) if own else labels == {IMPORTED})


def kind_at(kind: str, base_url: str) -> str:
    """``openai`` at another address than the vendor's is a server that speaks like it."""
    if kind != "openai" or not base_url:
        return kind
    ours = urlsplit(kind_urls()[kind]).hostname
    return kind if urlsplit(base_url).hostname == ours else "openai-compatible"


def give_key(draft: Draft, provider: str, key: Credential, label: str = IMPORTED) -> None:
    """Put a key behind those the provider has; one of the same label is replaced."""
    said = draft.section("providers")[provider]
    keys = [one for one in said.get("keys", []) if one.get("label", "default") != label]
    said["keys"] = [*keys, {"label": label} | ({"env": key.env} if key.env else {"stored": True})]
    if key.secret:
        draft.secrets[f"providers/{provider}/keys/{label}/secret"] = key.secret


def endpoint(
    draft: Draft, provider: str, upstream_model: str, settings: Mapping[str, Any] | None = None, name: str = ""
) -> str:
    """The name of the endpoint of this identity (``settings`` may say ``base_url``): the one that is there, with
    ``settings`` written into it, or a new one called ``name``, else ``provider/model``."""
    settings = dict(settings or {})
    base_url = settings.get("base_url", "")
    rows = draft.section("endpoints")
    identity = (provider, upstream_model, base_url)
    for known, row in rows.items():
        if (row["provider"], row["upstream_model"], row.get("base_url", "")) == identity:
            row.update(settings)
            return str(known)
    new = free_name(name or f"{provider}/{upstream_model}", rows)
    rows[new] = {"provider": provider, "upstream_model": upstream_model} | settings
    return new


def timeouts(seconds: float | None) -> dict[str, Any]:
    """One timeout for all → an endpoint's settings: until an answer begins, until a stream's first content, the longest
    silence, and the whole of an answer that is not streamed."""
    if seconds is None:
        return {}
    return dict.fromkeys(("headers_timeout", "first_content_timeout", "idle_timeout"), seconds)


def keep_keys(draft: Draft, provider: str) -> None:
    """The provider's stored secrets stay although they will be sent to more places: whoever imports says so."""
    path = f"providers/{provider}/"
    kept = {name: value for name, value in draft.stored.items() if name.startswith(path)}
    draft.secrets.update({name: value for name, value in kept.items() if name not in draft.secrets})


def forget(draft: Draft, endpoint: str, by: str) -> None:
    """Drop an endpoint that ``by`` (``models/NAME``) no longer names, unless another list does."""
    lists = {
        f"{section}/{name}": row for section in ("models", "categories") for name, row in draft.section(section).items()
    }
    users = [path for path, row in lists.items() if endpoint in (one.get("endpoint") for one in row.get("entries", ()))]
    if not set(users) - {by}:
        draft.section("endpoints").pop(endpoint, None)
        for path in users:
            lists[path]["entries"] = [one for one in lists[path]["entries"] if one.get("endpoint") != endpoint]


def counted(number: int, what: str) -> str:
    """``1 model``, ``2 models``."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def provider_name(wanted: str) -> str:
    """``wanted`` as the name of a provider: letters, digits, dots, hyphens and underscores."""
    return _UNFIT.sub("-", wanted).strip("-._")[:LONGEST_NAME] or "service"


def free_name(wanted: str, taken: Mapping[str, Any]) -> str:
    """``wanted``, or with the first number behind it that makes it free."""
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _found(draft: Draft, kind: str, base_url: str, key: Credential, headers: Mapping[str, str]) -> str | None:
    """Where no headers are wanted, those without any come first."""
    rows = draft.section("providers")
    fitting = [
        name
        for name, row in sorted(rows.items(), key=lambda item: bool(item[1].get("headers")))
        if row["kind"] == kind
        and row["base_url"].rstrip("/") == base_url
        and headers.items() <= _headers(draft, name).items()
        and (not key or draft.claims.get(name, (key, headers)) == (key, headers))
    ]
    if key:
        with_it = [name for name in fitting if has_key(draft, name, key)]
        return next(iter(with_it or [name for name in fitting if not has_usable_key(draft, name)]), None)
    return next(iter(fitting), None)


def _give_headers(draft: Draft, provider: str, headers: Mapping[str, str]) -> None:
    if headers:
        draft.section("providers")[provider]["headers"] = [{"name": name, "secret": True} for name in sorted(headers)]
    for name, value in headers.items():
        draft.secrets[f"providers/{provider}/headers/{name}/value"] = value


def _headers(draft: Draft, provider: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for said in draft.section("providers")[provider].get("headers", []):
        path = f"providers/{provider}/headers/{said['name']}/value"
        found[said["name"]] = said.get("value") or draft.secrets.get(path) or draft.stored.get(path, "")
    return found


def _secret(draft: Draft, provider: str, said: Mapping[str, Any]) -> str:
    path = f"providers/{provider}/keys/{said.get('label', 'default')}/secret"
    return draft.secrets.get(path) or draft.stored.get(path, "")


def secrets_of(draft: Draft, provider: str) -> set[str]:
    """The provider's stored keys."""
    return {_secret(draft, provider, said) for said in draft.section("providers")[provider].get("keys", [])} - {""}


def has_key(draft: Draft, provider: str, key: Credential) -> bool:
    """Whether the provider has this key: stored, or in a variable that is set to it; or names this variable."""
    keys = draft.section("providers")[provider].get("keys", [])
    if key.env:
        return any(said.get("env") == key.env for said in keys)
    return any(_secret(draft, provider, said) == key.secret for said in keys) or any(
        os.environ.get(said["env"]) == key.secret for said in keys if said.get("env")
    )


def has_usable_key(draft: Draft, provider: str) -> bool:
    """Whether the provider has a key: one that is stored, or a variable that is set."""
    keys = draft.section("providers")[provider].get("keys", [])
    return any(_secret(draft, provider, said) or os.environ.get(said.get("env", "")) for said in keys)
