"""What a person reads when the gateway is ready: where it is, and a request that works as pasted."""

from __future__ import annotations

import json
import shlex
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from gateway_project import listening
from providers.operations import OPERATIONS
from routing import catalog
from routing.models.access import hash_key
from routing.types import Candidate, Catalog

EXAMPLE_MODEL = "gpt-4o-mini"
NO_MODEL = (
    f"No model can be called yet. Put a vendor's key into .env and start again (OPENAI_API_KEY=… for {EXAMPLE_MODEL},\n"
    "MISTRAL_API_KEY=…, OLLAMA_BASE_URL=http://localhost:11434; .env.example names them all),\n"
    "or run `make demo` for a small real model on this machine. Then:"
)


def announce(fresh_key: str | None) -> str:
    """The greeting of this installation; ``fresh_key``: the application key, only in the start that generated it."""
    url = listening.base_url(settings.HOST, settings.PORT, settings.PUBLIC_URL)
    try:
        now = catalog.current()
    except catalog.CatalogUnavailable as error:
        return f"\nSwitchyard is up at {url}, but its configuration cannot be served: {error}\nAdmin: {url}/admin/\n"
    if not settings.AUTH_REQUIRED:
        return greeting(url, None, "", first_model(now))
    key, note = presented_key(now, fresh_key, settings.FIRST_API_KEY, settings.DATA_DIR / "first-login.txt")
    return greeting(url, key, note, first_model(now))


def greeting(url: str, key: str | None, note: str, model: str | None) -> str:
    """``key``: what follows "Bearer " in the curl line, None where none is needed; ``note``: where it is found."""
    lines = [f"\nSwitchyard is ready at {url}", f"Admin: {url}/admin/", ""]
    lines.append("Try it:" if model else NO_MODEL)
    body = {"model": model or EXAMPLE_MODEL, "messages": [{"role": "user", "content": "Say hello in one sentence."}]}
    header = f' -H "Authorization: Bearer {key}"' if key else ""
    data = shlex.quote(json.dumps(body))
    lines.append(f"  curl {url}/v1/chat/completions{header} -H 'Content-Type: application/json' -d {data}")
    return "\n".join(lines + ([f"  ({note})"] if note else []) + [""])


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


def first_model(served: Catalog) -> str | None:
    """A chat model that can be called now: the operators' own names first, then the least expensive known one."""
    chat = [listed.id for listed in served.listed if listed.type in OPERATIONS["chat"].types]
    return min(chat, key=lambda name: _rank(served, name), default=None)


def _rank(served: Catalog, name: str) -> tuple[bool, bool, Decimal, str]:
    candidates: tuple[Candidate, ...] = served.bare.get(name, ())
    prices = candidates[0].facts.prices if candidates else ()
    output = prices[-1].output if prices else None
    return name not in served.routes, output is None, output or Decimal(0), name
