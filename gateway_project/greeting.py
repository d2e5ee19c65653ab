"""What a person reads when the gateway is ready: where it is, and a request that works as pasted."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from routing.models.access import hash_key
from routing.types import Candidate, Catalog

CHAT_TYPES = ("text-generation", "image-text-to-text")
EXAMPLE_MODEL = "gpt-4o-mini"
NO_MODEL = (
    f"No model can be called yet. Put a vendor's key into .env and start again (OPENAI_API_KEY=… for {EXAMPLE_MODEL},\n"
    "MISTRAL_API_KEY=…, OLLAMA_BASE_URL=http://localhost:11434; .env.example names them all),\n"
    "or run `make demo` for a small real model on this machine. Then:"
)


def greeting(url: str, key: str | None, note: str, model: str | None) -> str:
    """``key``: what follows "Bearer " in the curl line, None where none is needed; ``note``: where it is found."""
    lines = [f"\nSwitchyard is ready at {url}", f"Admin: {url}/admin/", ""]
    lines.append("Try it:" if model else NO_MODEL)
    body = {"model": model or EXAMPLE_MODEL, "messages": [{"role": "user", "content": "Say hello in one sentence."}]}
    header = f' -H "Authorization: Bearer {key}"' if key else ""
    lines.append(
        f"  curl {url}/v1/chat/completions{header} -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )
    return "\n".join(lines + ([f"  ({note})"] if note else []) + [""])


def presented_key(catalog: Catalog, fresh: str | None, from_environment: str, login_file: Path) -> tuple[str, str]:
    """(what the curl line presents, a note): the key itself only in the start that generated it."""
    if fresh:
        return fresh, ""
    if from_environment and hash_key(from_environment) in catalog.grants:
        return "$GATEWAY_API_KEY", "with GATEWAY_API_KEY as set for the gateway"
    if login_file.is_file() and "API key:" in login_file.read_text():
        return f"$(sed -n 's/^API key: *//p' '{login_file}')", ""
    return (
        "$GATEWAY_API_KEY",
        "with GATEWAY_API_KEY as shown at the first start, or a new one from the admin's API keys",
    )


def first_model(catalog: Catalog) -> str | None:
    """A chat model that can be called now: the operators' own names first, then the least expensive known one."""
    chat = [listed.id for listed in catalog.listed if listed.type in CHAT_TYPES]
    return min(chat, key=lambda name: _rank(catalog, name), default=None)


def _rank(catalog: Catalog, name: str) -> tuple[bool, bool, Decimal, str]:
    candidates: tuple[Candidate, ...] = catalog.bare.get(name, ())
    prices = candidates[0].facts.prices if candidates else ()
    output = prices[-1].output if prices else None
    return name not in catalog.routes, output is None, output or Decimal(0), name
