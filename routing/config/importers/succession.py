"""A file that is imported again with another key or address for a client: its provider is changed in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from routing.config.amend import Draft
from routing.config.importers import accounts, wildcard

LISTS = ("models", "categories")
Sending = set[tuple[str, str]]
"""(public model, what is sent upstream)"""


def take_over(draft: Draft, read: Callable[[Draft], None]) -> None:
    """Let ``read`` amend the draft. It is rehearsed first: a provider that it would make, for what only one of an
    earlier import answered until now, is that one, with its address, keys and headers changed. What an earlier import
    made and no list names any longer is noted."""
    rehearsed = _copy(draft)
    read(rehearsed)
    before = deepcopy(draft.document)
    if not rehearsed.problems:
        for old, new in _successors(draft, rehearsed):
            _change(draft, old, rehearsed, new)
    read(draft)
    _note_unused(draft, before)


def _copy(draft: Draft) -> Draft:
    return replace(
        draft,
        document=deepcopy(draft.document),
        places={},
        claims=dict(draft.claims),
        secrets=dict(draft.secrets),
        notes=[],
        problems=[],
        follow_ups=[],
        told=[],
    )


def _successors(draft: Draft, rehearsed: Draft) -> Iterator[tuple[str, str]]:
    """(provider that is there, the one that would take its place). The shipped categories ask the vendors' providers
    whoever's key these have, and hold no key fast."""
    there = draft.section("providers")
    in_use, by_models = _in_use(rehearsed.document), _in_use(rehearsed.document, ("models",))
    left = [
        name
        for name in there
        if _is_imported(draft, name)
        and not (by_models if name in wildcard.vendors() else in_use) & _endpoints_of(draft.document, name)
    ]
    for new, row in rehearsed.section("providers").items():
        sent = set() if new in there else _sent(rehearsed.document, new)
        fitting = [old for old in left if _fits(there[old], row, old) and sent & _sent(draft.document, old)]
        if fitting:
            closest = min(fitting, key=lambda old: _distance(draft, old, rehearsed, new))
            left.remove(closest)
            yield closest, new


def _fits(old: dict[str, Any], new: dict[str, Any], name: str) -> bool:
    """A vendor's own provider stays at its address."""
    return old["kind"] == new["kind"] and (name not in wildcard.vendors() or old["base_url"] == new["base_url"])


def _distance(draft: Draft, old: str, rehearsed: Draft, new: str) -> int:
    """How much of address and key differs."""
    one, other = draft.section("providers")[old], rehearsed.section("providers")[new]
    keys = accounts.secrets_of(draft, old) == accounts.secrets_of(rehearsed, new)
    named = [key.get("env") for key in one.get("keys", ())] == [key.get("env") for key in other.get("keys", ())]
    return (one["base_url"] != other["base_url"]) + (not (keys and named))


def _is_imported(draft: Draft, provider: str) -> bool:
    """Whether an import made the provider, or gave it its key; none that has a stored key of another label."""
    said = draft.section("providers")[provider]
    labels = {key["label"] for key in said.get("keys", ()) if key.get("stored")} | {
        key["label"] for key in said.get("keys", ()) if provider not in wildcard.vendors()
    }
    return labels == {accounts.IMPORTED} or (not said.get("keys") and provider not in wildcard.vendors())


def _change(draft: Draft, old: str, rehearsed: Draft, new: str) -> None:
    """The provider ``old`` with what ``new`` has. No key that it had goes to another address."""
    said, fresh = draft.section("providers")[old], rehearsed.section("providers")[new]
    keys = fresh.get("keys", [])
    if old in wildcard.vendors():
        keys = [key for key in said["keys"] if key["label"] != accounts.IMPORTED] + keys
    for name in ("keys", "keyless", "headers"):
        said.pop(name, None)
    said |= {name: deepcopy(fresh[name]) for name in ("base_url", "keyless", "headers") if name in fresh}
    said |= {"keys": deepcopy(keys)} if keys else {}
    path = f"providers/{new}/"
    for name, secret in rehearsed.secrets.items():
        if name.startswith(path):
            draft.secrets[f"providers/{old}/" + name.removeprefix(path)] = secret


def _note_unused(draft: Draft, before: dict[str, Any]) -> None:
    """Endpoints that a list named before and none names now, of providers that an import made."""
    in_use = _in_use(draft.document)
    rows = draft.section("endpoints")
    for name in sorted(_in_use(before) - in_use):
        if name in rows and _is_imported(draft, provider := rows[name]["provider"]):
            idle = provider not in wildcard.vendors() and not in_use & _endpoints_of(draft.document, provider)
            draft.note("", f"no longer used: {f'provider {provider}, ' if idle else ''}endpoint {name}")


def _lists(document: dict[str, Any], sections: Sequence[str] = LISTS) -> Iterator[tuple[str, str]]:
    """(public model or category, endpoint that it names)."""
    for section in sections:
        for name, row in document.get(section, {}).items():
            for entry in row.get("entries", ()):
                if entry.get("endpoint"):
                    yield name.removesuffix("/deployments"), entry["endpoint"]


def _in_use(document: dict[str, Any], sections: Sequence[str] = LISTS) -> set[str]:
    return {endpoint for _name, endpoint in _lists(document, sections)}


def _endpoints_of(document: dict[str, Any], provider: str) -> set[str]:
    return {name for name, row in document.get("endpoints", {}).items() if row["provider"] == provider}


def _sent(document: dict[str, Any], provider: str) -> Sending:
    own = _endpoints_of(document, provider)
    return {
        (name, document["endpoints"][endpoint]["upstream_model"])
        for name, endpoint in _lists(document)
        if endpoint in own
    }
