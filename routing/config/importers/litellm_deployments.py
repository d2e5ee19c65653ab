"""One row of LiteLLM's ``model_list`` → an endpoint, with what is said of its model, weight and limits.

Source: LiteLLM's documentation of its proxy's ``config.yaml``. A deployment that cannot be spoken to from here is left
out with a note; whatever is wrong in itself is a problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from routing.config.amend import Draft
from routing.config.importers import accounts
from routing.config.importers.accounts import Credential
from routing.config.importers.fields import Fields, variable
from routing.config.importers.litellm_facts import facts_of, mode_of
from routing.config.importers.litellm_vendors import SERVERS, VENDORS, Vendor, vendor_of
from routing.config.importers.offers import Facts, offer, offered

REFERENCE = re.compile(r"os\.environ/([A-Za-z_]\w*)")
NO_KEY = frozenset({"", "none", "null", "na", "n/a", "empty", "sk-no-key-required"})
MOST_RETRIES = 10
SOURCE = "LiteLLM configuration"


@dataclass(frozen=True, slots=True)
class Deployment:
    """An endpoint in a group. ``weight``, ``order``, ``rpm``, ``tpm``: None where the file says none."""

    endpoint: str
    type: str
    weight: Decimal | None = None
    order: int | None = None
    rpm: int | None = None
    tpm: int | None = None


@dataclass(slots=True)
class Setting:
    """What counts for the whole file. ``variables``: ``environment_variables``; ``credentials``: ``credential_list`` by
    name; ``defaults``: an endpoint's settings unless its row says otherwise; ``seen``: endpoints → the row's path."""

    draft: Draft
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def expand(self, text: str) -> str:
        """``os.environ/NAME`` → its value. Raises KeyError where it has none."""
        found = REFERENCE.fullmatch(text.strip())
        if found is None:
            return text
        return self.variables[found[1]] if found[1] in self.variables else variable(found[1])


def deployment(setting: Setting, row: Fields, *, name: str) -> Deployment | None:
    """The deployment that a row means; None, with a note or a complaint, where there is none to be had."""
    draft, problems = setting.draft, len(setting.draft.problems)
    params, info = _with_credentials(setting, row.inner("litellm_params")), row.inner("model_info")
    model = params.name("model")
    word, upstream = vendor_of(model, params.text("custom_llm_provider"))
    vendor = _vendor(params, word, upstream, name)
    mode = mode_of(draft, info, params)
    if vendor is None or mode is None:
        return None
    url = params.url(params.has("api_base", "base_url")) or vendor.base_url
    kind = accounts.kind_at(vendor.kind, url)
    if kind in SERVERS and not url and len(draft.problems) == problems:
        draft.note(params.at("api_base"), f"is missing; a {word} deployment is a server of your own: left out")
        return None
    place = Place(kind, url, upstream, _key(setting, params, vendor, url), _headers(params), _name(vendor, word))
    settings = {**setting.defaults, **_settings(params, row)}
    weight, order = params.decimal("weight"), params.whole("order")
    facts = facts_of(params, info, mode)
    note_strictness(params)
    for one in (row, params, info):
        one.note_others(HINTS)
    if len(draft.problems) > problems:
        return None
    if upstream == "*" != name:
        _any_model_of(params, place, name.removesuffix("/*"), word)
        return None
    endpoint, known = _put(setting, place, facts, settings, row.path)
    limits = settings.get("limit_requests"), settings.get("limit_tokens")
    return Deployment(endpoint, facts.type or known, weight, order, *limits)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment is, and how requests to it are signed."""

    kind: str
    url: str
    upstream: str
    key: Credential
    headers: Mapping[str, str] = field(repr=False)
    name: str = ""


def _account(draft: Draft, place: Place, path: str) -> str:
    provider = accounts.account(draft, place.kind, place.url, place.key, place.headers, place.name)
    draft.came_from(f"providers/{provider}", path)
    return provider


def _any_model_of(params: Fields, place: Place, prefix: str, word: str) -> None:
    """A row for ``prefix/*``: such callers reach the provider of that name here. One that is nobody's yet becomes the
    row's; where it leads to another place, that is said."""
    draft, path = params.draft, params.at("model")
    own = accounts.kind_urls().get(place.kind, "")
    url = accounts.with_path(place.kind, place.url or own)
    if (prefix != word or url != own) and accounts.become(draft, prefix, place.kind, url, place.key, place.headers):
        draft.came_from(f"providers/{prefix}", params.path)
        draft.note(path, f"needs no row here: callers of {prefix}/… reach provider {prefix} at {url}")
        return
    provider = _account(draft, place, params.path)
    if prefix == word and url == own:
        draft.note(path, f"needs no row here: callers write {provider}/ and any model")
        return
    there = draft.section("providers").get(prefix)
    leads = f"would reach provider {prefix} at {there['base_url']}" if there else "would not be answered"
    draft.note(
        path, f"WARNING: callers of {prefix}/… {leads}, not {url}: for that they write {provider}/ and any model"
    )


def _put(setting: Setting, place: Place, facts: Facts, settings: Mapping[str, Any], path: str) -> tuple[str, str]:
    """The deployment's endpoint, by name, and the type that its model is known to have."""
    draft = setting.draft
    provider = _account(draft, place, f"{path}/litellm_params")
    offer(draft, provider, place.upstream, facts, SOURCE)
    endpoint = accounts.endpoint(draft, provider, place.upstream, settings)
    draft.came_from(f"endpoints/{endpoint}", f"{path}/litellm_params")
    first = setting.seen.setdefault(endpoint, path)
    if first != path:
        draft.note(path, f"is the same place as {first}: one endpoint, with the settings said last")
    name = offered(draft, provider, place.upstream)
    known = draft.section("providers")[provider].get("models", {}).get(name, {}) if name else {}
    return endpoint, known.get("type", "")


HINTS = {
    "id": "deployments are known by their endpoint's name, left out",
    "base_model": "prices are those of the model itself, or of an imported price map; left out",
    "access_groups": "which key may use which model is said with each API key; left out",
}


def _vendor(params: Fields, word: str, upstream: str, name: str) -> Vendor | None:
    draft = params.draft
    if not upstream:
        return None
    if "*" in name or "*" in upstream:
        return _any_model(params, word, upstream, name)
    vendor = VENDORS.get(word)
    if vendor is None and not word and params.said.get(params.has("api_base", "base_url")):
        return VENDORS["openai_like"]
    if vendor is None:
        what = f"{word} is not spoken here" if word else f"LiteLLM's vendor of {upstream} is not known here"
        draft.note(params.at("model"), f"{what}: this deployment is left out")
    return vendor


def _any_model(params: Fields, word: str, upstream: str, name: str) -> Vendor | None:
    """A row with a ``*``: one for every name is a model here, and ``vendor/*`` is a provider without any."""
    vendor = VENDORS.get(word)
    if vendor is not None and upstream == "*" and (name == "*" or (name.endswith("/*") and "*" not in name[:-1])):
        return vendor
    if (word, upstream) == ("", "*"):
        params.draft.note(params.at("model"), "needs no row here: callers write a provider's name, a slash and a model")
        return None
    prefix = name.partition("/")[0]
    there = params.draft.section("providers").get(prefix if "/" in name else "")
    leads = f"would reach provider {prefix} at {there['base_url']}" if there else "are not answered"
    what = f"a pattern of names has no place here, left out: callers of {name.partition('*')[0]}… {leads}"
    params.draft.note(params.at("model"), f"WARNING: {what}")
    return None


def note_strictness(said: Fields) -> None:
    """This gateway leaves such parameters out."""
    if said.flag("drop_params") is False:
        what = "what a vendor has no words for is left out, unless the caller asks for strictness (x-gateway-strict)"
        said.draft.note(said.at("drop_params"), what)


def _with_credentials(setting: Setting, params: Fields) -> Fields:
    """``litellm_params`` with the values of the credential that it names, unless it has its own."""
    name = params.text("litellm_credential_name")
    if not name:
        return params
    if name not in setting.credentials:
        setting.draft.complain(params.at("litellm_credential_name"), "there is no such credential in credential_list")
    merged = {**setting.credentials.get(name, {}), **params.said}
    merged.pop("litellm_credential_name")
    return Fields(setting.draft, params.path, merged, params.expand)


def _key(setting: Setting, params: Fields, vendor: Vendor, url: str) -> Credential:
    """The variable of ``os.environ/NAME`` itself, unless the file says its value; without a key, the vendor's usual
    variable, where the request goes to the vendor."""
    said = params.text("api_key", unexpanded=True)
    reference = REFERENCE.fullmatch(said)
    if reference and reference[1] not in setting.variables:
        return accounts.of_variable(setting.draft, reference[1], params.at("api_key"))
    if said.lower() not in NO_KEY:
        return Credential(secret=params.text("api_key"))
    own = vendor.base_url or accounts.kind_urls().get(vendor.kind, "")
    if said or not vendor.variable or url not in ("", own):
        return Credential()
    return accounts.credential(setting.variables.get(vendor.variable, f"${vendor.variable}"))


def _name(vendor: Vendor, word: str) -> str:
    """Vendors without a kind of their own are called as LiteLLM calls them."""
    return word if vendor.base_url else ""


def _headers(params: Fields) -> dict[str, str]:
    headers: dict[str, str] = {}
    for said in (params.inner("extra_headers"), params.inner("headers")):
        headers |= {str(name): said.text(name) for name in said.said}
    organization = params.raw("organization")
    if isinstance(organization, list):
        params.draft.note(params.at("organization"), "one organization a deployment, left out")
    elif organization is not None:
        headers["OpenAI-Organization"] = params.text("organization")
    for name, value in headers.items():
        if not (value.isprintable() and value.isascii()):
            params.draft.complain(params.path, f"the header {name}: expected printable ASCII characters only")
    return headers


def _settings(params: Fields, row: Fields) -> dict[str, Any]:
    settings = accounts.timeouts(params.seconds("timeout"))
    streams = params.seconds("stream_timeout")
    if streams is not None:
        settings |= {"first_content_timeout": streams, "idle_timeout": streams}
    retries = params.whole(params.has("max_retries", "num_retries"))
    limits = {"retries": None if retries is None else min(retries, MOST_RETRIES)}
    for name, column in (("rpm", "limit_requests"), ("tpm", "limit_tokens")):
        at_row = row.whole(name)
        at_params = params.whole(name)
        limits[column] = at_row if at_params is None else at_params
    return settings | {name: value for name, value in limits.items() if value is not None}
