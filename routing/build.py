"""The canonical document, the secrets it leaves out and the API keys → one frozen Catalog. Pure. ◇ no framework.

Everything that a request needs is worked out here, once a generation: credentials, deadlines, and for each endpoint
that configuration alone rules out the reason why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.kinds import KINDS
from providers.targets import make_target, normal_url
from providers.wire import Credential, Limits, Target
from routing.circuit import Rule
from routing.classify import Classifier, compile_categories
from routing.limits import Window
from routing.listing import listed_models
from routing.lists import Lists, ruled_out
from routing.resolve import default_limits, identity, why_unusable
from routing.types import Candidate, Catalog, Facts, Grant, PriceInForce, ProviderEntry, Route

Document = Mapping[str, Any]
WILDCARD = "*"
WINDOW_SECONDS = 60.0
PASS_NAME = "*"  # noqa: S105 - an upstream model, not a password


@dataclass(frozen=True, slots=True)
class Sources:
    """What a Catalog is built from. ``secrets``: by path (``providers/openai/keys/default/secret``), None where a
    stored one cannot be decrypted; ``environ``: for keys named by variable; ``created``: Unix seconds for /v1/models.
    """

    document: Document
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    grants: Mapping[str, Grant] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    generation: int = 0
    created: int = 0


def build(sources: Sources) -> Catalog:
    """One generation, ready to be read by every request. Raises KeyError or ValueError for rows that make no sense."""
    document = sources.document
    offers = {name: _provider(name, said, sources) for name, said in document.get("providers", {}).items()}
    endpoints = {name: _endpoint(name, said, offers) for name, said in document.get("endpoints", {}).items()}
    _adopt_endpoints(offers, endpoints)
    models: dict[str, Any] = document.get("models", {})
    lists = Lists(models, endpoints)
    routes = {name: lists.model_route(name, said) for name, said in models.items()}
    wildcard = routes.pop(WILDCARD, None)
    if wildcard is not None and not models[WILDCARD].get("enabled", True):
        wildcard = None
    categories = {name: lists.category_route(name, said) for name, said in document.get("categories", {}).items()}
    catalog = Catalog(
        generation=sources.generation,
        routes=routes,
        aliases={alias: name for name, said in models.items() for alias in said.get("aliases", ())},
        categories=categories,
        providers={name: offer.entry for name, offer in offers.items()},
        endpoints=endpoints,
        bare=_bare(offers),
        grants=sources.grants,
        listed=(),
        wildcard=wildcard,
        classifier=_classifier(document, categories),
    )
    return replace(catalog, listed=listed_models(catalog, document, sources.created))


@dataclass(frozen=True, slots=True)
class _Offer:
    """A provider, with its catalogued models by name and by the name that is sent."""

    entry: ProviderEntry
    catalogued: tuple[str, ...]
    facts: Mapping[str, Facts]
    disabled: frozenset[str]


def _provider(name: str, said: Document, sources: Sources) -> _Offer:
    target = _target(name, said, sources)
    keys: list[Document] = [key for key in said.get("keys", ()) if key.get("enabled", True)]
    credentials = tuple(_credentials(name, target.base_url, keys, sources))
    models: dict[str, Candidate] = {}
    entry = ProviderEntry(
        name=name,
        kind=said["kind"],
        position=said.get("position", 0),
        enabled=said.get("enabled", True),
        target=target,
        credentials=credentials,
        keyless=said.get("keyless", False),
        missing=() if credentials else _missing(said["kind"], keys),
        models=models,
        windows=windows_of(f"provider:{name}", said),
        proxy_missing=isinstance(said.get("proxy"), Mapping) and target.proxy is None,
    )
    offered: Document = said.get("models", {})
    facts = {model: _facts(row) for model, row in offered.items()}
    why = why_unusable(entry)
    for model, row in offered.items():
        off = (f"model {name}/{model} is disabled", "disabled") if not row.get("enabled", True) else (None, "")
        reason, code = why if why[0] else off
        models[model] = _candidate(entry, f"{name}/{model}", row.get("upstream_name") or model, facts[model])
        if reason:
            models[model] = replace(models[model], reason_skipped=reason, skip_code=code)
    disabled = frozenset(model for model, row in offered.items() if not row.get("enabled", True))
    for model, row in offered.items():
        facts.setdefault(row.get("upstream_name") or model, facts[model])
    return _Offer(entry, tuple(offered), facts, disabled)


def _target(name: str, said: Document, sources: Sources) -> Target:
    headers = {}
    for header in said.get("headers", ()):
        value = header.get("value") or sources.secrets.get(f"providers/{name}/headers/{header['name']}/value")
        if value:
            headers[header["name"]] = value
    proxy = said.get("proxy")
    if isinstance(proxy, Mapping):
        proxy = sources.secrets.get(f"providers/{name}/proxy")
    return make_target(name, said, headers, proxy)


def _credentials(name: str, base_url: str, keys: list[Document], sources: Sources) -> Iterator[Credential]:
    for key in keys:
        if "env" in key:
            secret = sources.environ.get(key["env"], "").strip()
        else:
            secret = sources.secrets.get(f"providers/{name}/keys/{key['label']}/secret") or ""
        if secret:
            yield Credential(f"{name}/{key['label']}", secret, _fingerprint(secret, base_url), key.get("env", ""))


def _fingerprint(secret: str, base_url: str) -> str:
    return hashlib.sha256(f"{base_url} {secret}".encode()).hexdigest()[:8]


def _missing(kind: str, keys: list[Document]) -> tuple[str, ...]:
    """The variables that would give it a key."""
    named = tuple(key["env"] for key in keys if "env" in key)
    return named or KINDS[kind].env_vars


def _facts(row: Document) -> Facts:
    return Facts(
        type=row.get("type", "text-generation"),
        max_input_tokens=row.get("max_input_tokens"),
        max_output_tokens=row.get("max_output_tokens"),
        capabilities=frozenset(row.get("capabilities", ())),
        prices=tuple(_price(price) for price in row.get("prices", ())),
    )


def _price(said: Document) -> PriceInForce:
    figures = {
        name: Decimal(said[name]) if said.get(name) is not None else None
        for name in ("input", "output", "cached_input", "cache_write", "request")
    }
    begins = said.get("valid_from")
    return PriceInForce(
        valid_from=datetime.fromisoformat(begins).timestamp() if begins else float("-inf"),
        currency=said.get("currency", "USD"),
        **figures,
    )


def _candidate(entry: ProviderEntry, name: str, upstream_model: str, facts: Facts, base_url: str = "") -> Candidate:
    """One endpoint of ``entry``, with the provider's own reason if it has one."""
    target, credentials = replace(entry.target, upstream_model=upstream_model), entry.credentials
    if base_url:
        base_url = normal_url(base_url)
        target = replace(target, base_url=base_url, wire=KINDS[entry.kind].wire_at(base_url))
        # One place that rejects a key says nothing of the others.
        credentials = tuple(replace(key, fingerprint=_fingerprint(key.secret, base_url)) for key in credentials)
    reason, code = why_unusable(entry)
    return Candidate(
        endpoint=name,
        identity=identity(entry.name, upstream_model, target.base_url),
        target=target,
        credentials=credentials,
        facts=facts,
        limits=default_limits(entry.kind, facts.capabilities),
        reason_skipped=reason,
        skip_code=code,
        pass_model_name=upstream_model == PASS_NAME,
        windows=entry.windows,
    )


def _endpoint(name: str, said: Document, offers: Mapping[str, _Offer]) -> Candidate:
    offer = offers[said["provider"]]
    upstream = said["upstream_model"]
    candidate = _candidate(offer.entry, name, upstream, offer.facts.get(upstream, Facts()), said.get("base_url", ""))
    candidate = replace(
        candidate,
        limits=_limits(candidate.limits, said),
        retries=said.get("retries", 1),
        windows=(*windows_of(candidate.identity, said), *candidate.windows),
        circuit=_circuit(said),
    )
    if not said.get("enabled", True):
        return ruled_out(candidate, f"endpoint {name} is disabled")
    return candidate


def windows_of(key: str, said: Document) -> tuple[Window, ...]:
    """The sliding window of an endpoint, provider or API key, if it has one."""
    requests, tokens = said.get("limit_requests"), said.get("limit_tokens")
    if requests is None and tokens is None:
        return ()
    return (Window(key, requests, tokens, said.get("limit_window") or WINDOW_SECONDS),)


def _circuit(said: Document) -> Rule:
    default = Rule()
    return Rule(
        failures=said.get("circuit_failures", default.failures),
        pause=said.get("circuit_pause", default.pause),
        pause_max=said.get("circuit_pause_max", default.pause_max),
    )


def _limits(default: Limits, said: Document) -> Limits:
    total = said.get("total_timeout", default.total)
    return Limits(
        connect=said.get("connect_timeout", default.connect),
        headers=said.get("headers_timeout", total),
        first_content=said.get("first_content_timeout", default.first_content),
        idle=said.get("idle_timeout", default.idle),
        total=total,
    )


def _adopt_endpoints(offers: Mapping[str, _Offer], endpoints: Mapping[str, Candidate]) -> None:
    """A configured endpoint takes the place of the transient one of its identity; then names as sent are known too."""
    by_identity = {candidate.identity: candidate for candidate in endpoints.values()}
    for offer in offers.values():
        models: dict[str, Candidate] = offer.entry.models  # type: ignore[assignment]  # still being built
        for model in offer.catalogued:
            candidate = by_identity.get(models[model].identity)
            if candidate is not None and model not in offer.disabled:
                models[model] = replace(candidate, facts=models[model].facts)
        for model in offer.catalogued:
            if model not in offer.disabled:
                models.setdefault(models[model].target.upstream_model, models[model])
    for candidate in endpoints.values():
        entry = offers[candidate.target.provider].entry
        if candidate.target.base_url == entry.target.base_url and not candidate.pass_model_name:
            entry.models.setdefault(candidate.target.upstream_model, candidate)  # type: ignore[attr-defined]  # as above


def _classifier(document: Document, categories: Mapping[str, Route]) -> Classifier:
    usable = {name for name, route in categories.items() if any(one.reason_skipped is None for one in route.candidates)}
    return compile_categories(document.get("categories", {}), usable)


def _bare(offers: Mapping[str, _Offer]) -> dict[str, tuple[Candidate, ...]]:
    """Names that providers catalogue → their candidates by the providers' positions."""
    names: dict[str, list[Candidate]] = {}
    for offer in sorted(offers.values(), key=lambda offer: (offer.entry.position, offer.entry.name)):
        for model in offer.catalogued:
            names.setdefault(model, []).append(offer.entry.models[model])
    return {name: tuple(candidates) for name, candidates in names.items()}
