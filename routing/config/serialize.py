"""Rows → the canonical document: ``version: 1``, natural names instead of ids, defaults and secrets left out.

    version: 1
    providers:  {name: {kind, base_url, …, keys: [{label, env} | {label, stored: true}], headers, models}}
    endpoints:  {name: {provider, upstream_model, …}}
    models:     {name: {type, strategy, …, aliases: […], entries: [{endpoint} | {model}, …]}}
    categories: {name: {keywords, …, entries: […]}}

The order of a list is its order of use. A stored key reads ``stored: true``, a secret header ``secret: true``, a proxy
with credentials ``{stored: true}``, whether they have been entered here or not: the document never holds a secret, and
is the same at every installation that it is imported into. API keys are not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import models

from providers.models import Price, Provider, ProviderHeader, ProviderKey, ProviderModel
from providers.secrets import Undecryptable
from routing.config.document import SECTIONS, VERSION
from routing.config.shape import columns, plain
from routing.models import Alias, Category, Endpoint, Entry, PublicModel

Row = dict[str, Any]


def serialize() -> dict[str, Any]:
    """The whole configuration as a document. Ten queries; run it within a revision for one consistent reading."""
    return read()[0]


def secrets() -> dict[str, str]:
    """Every stored secret by its path in the document (``providers/openai/keys/default/secret``). Never to be shown."""
    return read()[1]


def read() -> tuple[dict[str, Any], dict[str, str]]:
    """The document, and the secrets that it leaves out, from the same rows."""
    secret: dict[str, str] = {}
    sections = {
        "providers": _providers(secret),
        "endpoints": _endpoints(),
        **_routes(),
    }
    document: dict[str, Any] = {"version": VERSION}
    document.update((name, sections[name]) for name in SECTIONS if sections[name])
    return document, secret


def fingerprint(document: dict[str, Any]) -> str:
    """SHA-256 of the document's canonical JSON, in hex."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _rows(table: type[models.Model], *others: str) -> list[Row]:
    names = [column.name for column in columns(table)]
    return list(table._default_manager.order_by().values("id", *names, *others))


def _by(rows: Iterable[Row], owner: str) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[owner]].append(row)
    return grouped


def _named(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["name"])


def _providers(secret: dict[str, str]) -> dict[str, Any]:
    keys = _by(_rows(ProviderKey, "provider_id", "position", "secret", "env_var"), "provider_id")
    headers = _by(_rows(ProviderHeader, "provider_id", "value"), "provider_id")
    prices = _by(_rows(Price, "model_id"), "model_id")
    offered = _by(_rows(ProviderModel, "provider_id", "name"), "provider_id")
    said: dict[str, Any] = {}
    for row in _named(_rows(Provider, "name", "proxy")):
        path = f"providers/{row['name']}"
        provider = plain(Provider, row)
        if row["proxy"]:
            provider["proxy"] = _proxy(path, row["proxy"], secret)
        ordered = sorted(keys[row["id"]], key=lambda key: (key["position"], key["label"]))
        parts = {
            "keys": [_key(path, key, secret) for key in ordered],
            "headers": [_header(path, header, secret) for header in _named(headers[row["id"]])],
            "models": {model["name"]: _model(model, prices[model["id"]]) for model in _named(offered[row["id"]])},
        }
        provider.update((name, part) for name, part in parts.items() if part)
        said[row["name"]] = provider
    return said


def is_stored_proxy(proxy: str) -> bool:
    """Whether it holds a password, as far as anyone can read it: a document only says that there is one."""
    return "@" in proxy or isinstance(proxy, Undecryptable)


def _proxy(path: str, proxy: str, secret: dict[str, str]) -> Any:
    if is_stored_proxy(proxy):
        secret[f"{path}/proxy"] = proxy
        return {"stored": True}
    return proxy


def _key(path: str, row: Row, secret: dict[str, str]) -> Row:
    said = {"label": row["label"]} | plain(ProviderKey, row)
    if row["secret"]:
        secret[f"{path}/keys/{row['label']}/secret"] = row["secret"]
    if row["env_var"] and not row["secret"]:
        return said | {"env": row["env_var"]}
    return said | {"stored": True}


def _header(path: str, row: Row, secret: dict[str, str]) -> Row:
    said = plain(ProviderHeader, row)
    if row["secret"] or isinstance(row["value"], Undecryptable):
        if row["value"]:
            secret[f"{path}/headers/{row['name']}/value"] = row["value"]
        return said | {"secret": True}
    return said | {"value": row["value"]}


def _model(row: Row, prices: list[Row]) -> Row:
    said = plain(ProviderModel, row)
    if prices:
        prices = sorted(prices, key=lambda price: (price["valid_from"] is not None, price["valid_from"]))
        said["prices"] = [plain(Price, price) for price in prices]
    return said


def _endpoints() -> dict[str, Any]:
    rows = _named(_rows(Endpoint, "name", "provider__name"))
    return {row["name"]: {"provider": row["provider__name"]} | plain(Endpoint, row) for row in rows}


def _routes() -> dict[str, dict[str, Any]]:
    aliases = _by(_named(_rows(Alias, "name", "model_id")), "model_id")
    owners = ("owner_model_id", "owner_category_id", "position", "endpoint__name", "model__name")
    entries = sorted(_rows(Entry, *owners), key=lambda entry: (entry["position"], entry["id"]))
    of_model, of_category = _by(entries, "owner_model_id"), _by(entries, "owner_category_id")
    said: dict[str, dict[str, Any]] = {"models": {}, "categories": {}}
    for row in _named(_rows(PublicModel, "name")):
        parts = {
            "aliases": [alias["name"] for alias in aliases[row["id"]]],
            "entries": [_entry(entry) for entry in of_model[row["id"]]],
        }
        said["models"][row["name"]] = plain(PublicModel, row) | {name: part for name, part in parts.items() if part}
    for row in _named(_rows(Category, "name")):
        category = plain(Category, row)
        if of_category[row["id"]]:
            category["entries"] = [_entry(entry) for entry in of_category[row["id"]]]
        said["categories"][row["name"]] = category
    return said


def _entry(row: Row) -> Row:
    target = {"endpoint": row["endpoint__name"]} if row["endpoint__name"] is not None else {"model": row["model__name"]}
    return target | plain(Entry, row)
