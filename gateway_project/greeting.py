"""What a person reads when the gateway is ready: where it is, and a request that works as pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from gateway_project import listening, start_log
from metrics import native
from providers.catalogue import KnownModel, known_models, known_providers
from providers.operations import OPERATIONS
from routing import catalog, services
from routing.classify import DEFAULT
from routing.config.revisions import INSTALLATION
from routing.management.telling import pasted
from routing.models import ConfigRevision
from routing.models.access import hash_key
from routing.types import Candidate, Catalog, ListedModel

EXAMPLE_MODEL = "gpt-4o-mini"


def announce(fresh_key: str | None) -> str:
    """The greeting of this installation; ``fresh_key``: the application key, only in the start that generated it."""
    url = listening.base_url(settings.HOST, settings.PORT, settings.PUBLIC_URL)
    try:
        now = catalog.current()
    except catalog.CatalogUnavailable as error:
        return f"\nSwitchyard is up at {url}, but its configuration cannot be served: {error}\nAdmin: {url}/admin/\n"
    start_log.tell(now)
    own_categories = native.run(categories_are_own)
    model = first_model(now, own_categories)
    about = about_names(now) if model else no_model(now, own_categories)
    if not settings.AUTH_REQUIRED:
        return greeting(url, None, "", model, about)
    key, note = presented_key(now, fresh_key, settings.FIRST_API_KEY, settings.DATA_DIR / "first-login.txt")
    return greeting(url, key, note, model, about)


def greeting(url: str, key: str | None, note: str, model: str | None, about: str) -> str:
    """``key``: what follows "Bearer " in the curl line, None where none is needed; ``note``: where it is found;
    ``about``: which models there are beside this one, or why there is none."""
    lines = [f"\nSwitchyard is ready at {url}", f"Admin: {url}/admin/", ""]
    lines += ([about] if about else []) + ["Try it:" if model else "Then:"]
    lines.append(f"  {curl(url, key, model)}")
    return "\n".join(lines + ([f"  ({note})"] if note else []) + [""])


def curl(url: str, key: str | None, model: str | None) -> str:
    """A first request, as it is pasted into a shell."""
    body = {"model": model or EXAMPLE_MODEL, "messages": [{"role": "user", "content": "Say hello in one sentence."}]}
    header = f' -H "Authorization: Bearer {key}"' if key else ""
    data = shlex.quote(json.dumps(body))
    return f"curl {url}/v1/chat/completions{header} -H 'Content-Type: application/json' -d {data}"


def presented_key(served: Catalog, fresh: str | None, from_environment: str, login_file: Path) -> tuple[str, str]:
    """(what the curl line presents, a note): the key itself only in the start that generated it."""
    if fresh:
        return fresh, ""
    if from_environment and hash_key(from_environment) in served.grants:
        return "$GATEWAY_API_KEY", "with GATEWAY_API_KEY as set for the gateway"
    if login_file.is_file() and "API key:" in login_file.read_text():
        return f"$(sed -n 's/^API key: *//p' {shlex.quote(str(login_file))})", ""
    return (
        "$GATEWAY_API_KEY",
        "with GATEWAY_API_KEY as shown at the first start, or a new one from the admin's API keys",
    )


def first_model(served: Catalog, own_categories: bool) -> str | None:
    """A chat model to be tried: an operator's own name; ``router``, where the categories are an operator's; a name that
    fits the services of ``*``; else a known model whose provider has a key, a local server's last."""
    chat = [listed for listed in served.listed if listed.type in OPERATIONS["chat"].types]
    names = [listed.id for listed in chat]
    categories = [name for name in names if name in served.categories] if own_categories else []
    if DEFAULT in categories:
        categories = ["router"]
    own = [name for name in names if name in served.routes] or categories
    if own:
        return min(own)
    anyone = services.of_any_name(served)
    if anyone:
        return _fitting(anyone)
    return min(chat, key=lambda listed: _rank(served, listed)).id if chat else None


def about_names(served: Catalog) -> str:
    """What a person should know of names where every one is answered; else nothing."""
    anyone = services.of_any_name(served)
    return f"Any model name is answered by {start_log.told(anyone)}." if anyone else ""


def no_model(served: Catalog, own_categories: bool) -> str:
    """What is to be done: the keys that the configured models lack, or where models come from."""
    routes = [*served.routes.values(), *([served.wildcard] if served.wildcard else [])]
    routes += served.categories.values() if own_categories else []
    reasons = {one.reason_skipped for route in routes for one in route.candidates if one.skip_code == "no_key"}
    if reasons:
        return "\n  ".join(["No model can be called yet:", *sorted(filter(None, reasons))])
    return (
        "No model can be called yet. Put a vendor's key into .env and start again\n"
        f"(OPENAI_API_KEY=… for {EXAMPLE_MODEL}, MISTRAL_API_KEY=…, OLLAMA_BASE_URL=http://localhost:11434;\n"
        ".env.example names them all), or enter it in the admin, Providers,\n"
        f"or take over a configuration that you have: {pasted('import_config', 'FILE')}\n"
        "or run `make demo` for a small real model on this machine."
    )


def categories_are_own() -> bool:
    """Whether the categories are others than those that the product brought."""
    rows = ConfigRevision.objects
    newest, brought = rows.first(), rows.filter(origin=INSTALLATION).first()
    if newest is None or brought is None or newest == brought:
        return False
    return newest.canonical().get("categories") != brought.canonical().get("categories")


def _fitting(anyone: Sequence[Candidate]) -> str:
    """A model that the first service of a known vendor has."""
    vendors = {vendor.name: vendor.kind for vendor in known_providers()}
    for service in anyone:
        known = [one for one in known_models() if vendors.get(one.provider) == service.target.kind and _is_chat(one)]
        if EXAMPLE_MODEL in [one.name for one in known]:
            return EXAMPLE_MODEL
        priced = [(one.price.output, one.name) for one in known if one.price and one.price.output is not None]
        if priced:
            return min(priced)[1]
    return EXAMPLE_MODEL


def _is_chat(model: KnownModel) -> bool:
    return model.type in OPERATIONS["chat"].types


def _rank(served: Catalog, listed: ListedModel) -> tuple[bool, bool, bool, bool, Decimal, str]:
    candidates: tuple[Candidate, ...] = served.bare.get(listed.id, ())
    prices = candidates[0].facts.prices if candidates else ()
    output = prices[-1].output if prices else None
    provider = served.providers.get(listed.owned_by)
    local = provider is not None and provider.keyless
    category = listed.id in served.categories
    return category, local, listed.id != EXAMPLE_MODEL, output is None, output or Decimal(0), listed.id
