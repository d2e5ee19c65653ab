"""The OVHcloud proxy's ``endpoints_config.json``: ``{"alternative_endpoints": {model: [URL, …]}}``.

The file lists alternatives only: each model becomes a public model that asks the OVHcloud provider's own URL first, and
then the alternatives in their order. One token, the provider's, serves all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from providers.models import validate_http_url
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers import accounts
from routing.config.importers.format import Format
from routing.config.importers.source import Source

KIND = "ovhcloud"
SECTION = "alternative_endpoints"
TOKEN = accounts.Credential(env="OVH_TOKEN_ENDPOINT")
# Hosts of a single model, as mistral-7b-instruct-v0-3.endpoints.kepler.ai.cloud.ovh.net; "oai" serves all models.
_MODEL_HOST = re.compile(r"(?!oai\.)[^.]+\.endpoints\..+")
_MODEL_PATH = "/api/openai_compat/v1"


def _read(source: Source, draft: Draft) -> None:
    for key in source.mapping:
        if key != SECTION:
            draft.note("", f"not understood, and left out: {shown(key)}")
    models = source.mapping[SECTION]
    if not isinstance(models, dict):
        draft.complain(SECTION, f"expected an object of models with lists of URLs, not {shown(models)}")
        return
    provider = _provider(draft)
    count = 0
    for name, urls in models.items():
        path = f"{SECTION}/{name}"
        places = list(_places(draft, path, urls))
        _model(draft, provider, name, places)
        draft.came_from(f"models/{name}", path)
        count += len(places)
    draft.tell(
        f"Configuration of the alternative endpoints loaded from {source.name}: "
        f"{accounts.counted(len(models), 'model')}, {accounts.counted(count, 'endpoint')}"
    )


def _provider(draft: Draft) -> str:
    """The provider whose token and URL are meant: the one named so, whatever its URL is by now."""
    if draft.section("providers").get(KIND, {}).get("kind") != KIND:
        return accounts.account(draft, KIND, "", TOKEN)
    draft.section("providers")[KIND].pop("enabled", None)
    return KIND


def _places(draft: Draft, path: str, urls: Any) -> Iterator[str]:
    """The alternatives of a model, complete, each once."""
    if not isinstance(urls, list):
        draft.complain(path, f"expected a list of URLs, not {shown(urls)}")
        return
    seen: set[str] = set()
    for index, url in enumerate(urls):
        try:
            validate_http_url(url if isinstance(url, str) else "")
        except (ValidationError, ValueError):
            draft.complain(
                f"{path}/{index}", "expected a URL such as https://model.endpoints.example.com, no credentials"
            )
            continue
        place = _complete(url)
        if place in seen:
            draft.note(f"{path}/{index}", "the same URL as one before, and left out")
        else:
            seen.add(place)
            yield place


def _complete(url: str) -> str:
    parts = urlsplit(url)
    if not parts.path.strip("/") and _MODEL_HOST.fullmatch(parts.hostname or ""):
        return url.rstrip("/") + _MODEL_PATH
    return accounts.with_path(KIND, url)


def _model(draft: Draft, provider: str, name: str, places: list[str]) -> None:
    """A public model: the provider's own URL, then ``places``. Alternatives that the file no longer names go."""
    upstream = _as_catalogued(draft, provider, name)
    prefix = f"{provider}/{name}/alternative-"
    for known, row in list(draft.section("endpoints").items()):
        if known.startswith(prefix) and row.get("base_url") not in places:
            accounts.forget(draft, known, f"models/{name}")
    primary = accounts.endpoint(draft, provider, upstream, name=f"{provider}/{name}")
    names = [primary] + [
        accounts.endpoint(draft, provider, upstream, {"base_url": place}, f"{prefix}{number}")
        for number, place in enumerate(places, 1)
    ]
    if places:
        accounts.keep_keys(draft, provider)
    said = draft.section("models").setdefault(name, {})
    said["strategy"] = "ordered"
    said["entries"] = [{"endpoint": one} for one in names]


def _as_catalogued(draft: Draft, provider: str, name: str) -> str:
    """The name as the vendor writes it, where the provider's catalogue knows it in another spelling."""
    offered = draft.section("providers")[provider].get("models", {})
    sent = {known: row.get("upstream_name") or known for known, row in offered.items()}
    if name in sent:
        return str(sent[name])
    alike = {upstream for known, upstream in sent.items() if _bare(name) in (_bare(known), _bare(upstream))}
    return str(alike.pop()) if len(alike) == 1 else name


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


FORMAT = Format(
    "the OVHcloud proxy's endpoints_config.json",
    f"“{SECTION}”",
    lambda source: SECTION in source.mapping,
    _read,
)
