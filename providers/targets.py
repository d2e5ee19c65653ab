"""What is configured of a provider → the Target that adapters and transport work with. ◇"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from providers.kinds import KINDS
from providers.wire import Credential, Target

DEFAULT_PORTS = {"http": 80, "https": 443}


def make_target(name: str, said: Mapping[str, Any], headers: Mapping[str, str], proxy: str | None) -> Target:
    """The target of a provider, without a model. ``said``: its fields by their names, those that say nothing empty or
    left out; ``headers`` and ``proxy`` with their secrets."""
    kind = KINDS[said["kind"]]
    scheme = said.get("auth_scheme") or kind.auth_scheme
    base_url = normal_url(said["base_url"])
    return Target(
        provider=name,
        kind=kind.name,
        wire=kind.wire_at(base_url),
        base_url=base_url,
        upstream_model="",
        auth_header=said.get("auth_header") or kind.auth_header,
        auth_scheme="" if scheme == "none" else scheme,
        headers=headers,
        paths={**kind.paths, **said.get("paths", {})},
        extra_body=said.get("extra_body", {}),
        proxy=proxy or None,
        ca_bundle=said.get("ca_bundle") or None,
    )


def secrets_of(target: Target, credential: Credential | None) -> tuple[str, ...]:
    """What must not be quoted of a request."""
    return (*filter(None, (credential.secret if credential else "",)), *filter(None, target.headers.values()))


def normal_url(url: str) -> str:
    """``url`` as identities write it: host in lower case, no default port, no slash at the end."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(scheme)) else f":{parts.port}"
    return f"{scheme}://{host}{port}{parts.path.rstrip('/')}"
