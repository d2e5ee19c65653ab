"""A document that nobody has applied: which stored secrets would outlive it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from providers.destination import origin

Document = Mapping[str, Any]


def secrets_that_stay(before: Document, after: Document, secrets: Mapping[str, str | None]) -> dict[str, str | None]:
    """Of ``secrets`` (by path) those that applying ``after`` over ``before`` would keep: as in ``apply``, none that
    would be sent elsewhere than before."""
    sent_before, sent_after = _destinations(before), _destinations(after)
    moved = {name for name, sent in sent_after.items() if name in sent_before and not sent <= sent_before[name]}
    return {
        path: secret for path, secret in secrets.items() if path.split("/")[1] not in moved or path.endswith("/proxy")
    }


def _destinations(document: Document) -> dict[str, frozenset[tuple[Any, ...]]]:
    """Where each provider's secrets are sent: its own address and its endpoints', with proxy and certificates."""
    urls: dict[str, set[str]] = {}
    providers: Document = document.get("providers", {})
    for name, said in providers.items():
        urls[name] = {said.get("base_url", "")}
    for endpoint in document.get("endpoints", {}).values():
        if endpoint.get("base_url"):
            urls.setdefault(endpoint["provider"], set()).add(endpoint["base_url"])
    return {
        name: frozenset(
            (*origin(url), json.dumps(said.get("proxy", "")), said.get("ca_bundle", "")) for url in urls[name]
        )
        for name, said in providers.items()
    }
