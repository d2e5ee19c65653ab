"""The Albert registry's YAML: ``models`` with a type, aliases, a routing strategy and clients.

Source: the document "Routing" of the Albert API, and the schemas of its releases: the address of a client is called
``base_url`` or ``api_url``, and later releases write ``name`` for ``id``, ``providers`` for ``clients``, ``model_name``
for ``model``, and a client's ``url``, ``key`` and ``timeout`` without ``args``. ``${NAME}`` and ``${NAME:-default}``
stand for variables of the environment. A model that exists is replaced by the file's; others stay.
"""

from __future__ import annotations

import os
import re
from typing import Any

from providers.kinds import KINDS
from providers.models import ModelType
from providers.operations import OPERATIONS, speaks
from providers.targets import make_target
from routing.config.amend import Draft
from routing.config.document import shown
from routing.config.importers import accounts, succession
from routing.config.importers.accounts import Credential
from routing.config.importers.fields import Fields, variable
from routing.config.importers.format import Format
from routing.config.importers.offers import Facts, offer
from routing.config.importers.publishing import publish
from routing.config.importers.source import Source

TYPES = {str(one): str(one) for one in ModelType}
STRATEGIES = {"shuffle": "shuffle", "round_robin": "round_robin", "least_busy": "least_busy"}
CLIENTS = {name: name for name in ("openai", "vllm", "tei", "albert", "mistral")}
NO_KEY = frozenset({"", "EMPTY"})
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")
HINTS = {
    "databases": "not taken over: this gateway keeps its own database (DATABASE_URL) and searches no documents",
    "dependencies": "not taken over: this gateway keeps its own database (DATABASE_URL) and searches no documents",
    "auth": "not taken over: callers' keys are made in the admin",
    "settings": "not taken over: the settings of this gateway are in .env.example",
}


def expanded(text: str) -> str:
    """``${NAME}`` and ``${NAME:-default}`` → the environment's values. Raises KeyError: one that is not set."""
    return _VARIABLE.sub(lambda found: _variable(found[1], found[2]), text)


def _variable(name: str, default: str | None) -> str:
    return default if default is not None and name not in os.environ else variable(name)


def _recognises(source: Source) -> bool:
    return isinstance(source.mapping.get("models"), list) and "version" not in source.mapping


def _read(source: Source, draft: Draft) -> None:
    succession.take_over(draft, lambda one: _models(source, one))


def _models(source: Source, draft: Draft) -> None:
    file = Fields(draft, "", source.mapping, expanded)
    seen: set[str] = set()
    for model in file.rows("models"):
        key = model.has("id", "name")
        name = model.name(key)
        if name in seen:
            draft.complain(model.at(key), f"a second model {shown(name)}")
        elif name:
            seen.add(name)
            _model(draft, name, model)
    file.note_others(HINTS)


def _model(draft: Draft, name: str, said: Fields) -> None:
    kind = said.one_of("type", TYPES)
    row: dict[str, Any] = {"type": kind} if kind != ModelType.TEXT_GENERATION else {}
    aliases = [alias for alias in said.texts("aliases") if alias != name]
    row |= {"strategy": said.one_of("routing_strategy", STRATEGIES, "shuffle")}
    row |= {"aliases": sorted(aliases)} if aliases else {}
    row |= {"owned_by": owner} if (owner := said.text("owned_by")) else {}
    facts = Facts(kind, said.whole("max_context_length"))
    clients = list(said.rows(said.has("clients", "providers")))
    names = [_client(draft, client, facts) for client in clients]
    if not clients:
        draft.complain(said.at(said.has("clients", "providers")), "expected at least one client")
    row["entries"] = [{"endpoint": endpoint} for endpoint in dict.fromkeys(names) if endpoint]
    publish(draft, name, row, said.path)
    said.note_others()


def _client(draft: Draft, said: Fields, facts: Facts) -> str:
    """The name of its endpoint; "" where something is wrong."""
    problems = len(draft.problems)
    model = said.name(said.has("model", "model_name"))
    kind = said.one_of("type", CLIENTS)
    args = said.inner("args") if said.said.get("args") is not None else said
    where = next((key for key in ("base_url", "api_url", "url") if args.said.get(key) is not None), "base_url")
    url = args.url(where)
    if kind in ("vllm", "tei") and not args.said.get(where):
        draft.complain(args.at(where), f"is missing; a {kind} client is a server of your own")
    key = _key(args, args.has("api_key", "key"))
    settings = accounts.timeouts(args.seconds("timeout"))
    retries = args.whole("max_retries", 10)
    settings |= {} if retries is None else {"retries": retries}
    for one in {id(args): args, id(said): said}.values():
        one.note_others()
    if len(draft.problems) > problems:
        return ""
    kind = accounts.kind_at(kind, url)
    if facts.type and not _serves(kind, url or accounts.kind_urls()[kind], facts.type):
        draft.complain(said.at("type"), f"a {KINDS[kind].label} client serves no {facts.type}")
        return ""
    provider = accounts.account(draft, kind, url, key)
    draft.came_from(f"providers/{provider}", said.path)
    offer(draft, provider, model, facts, "")
    endpoint = accounts.endpoint(draft, provider, model, settings)
    draft.came_from(f"endpoints/{endpoint}", said.path)
    return endpoint


def _key(args: Fields, name: str) -> Credential:
    """Where the whole value is ``${NAME}``, the variable itself is what the provider's key is read from."""
    said = args.text(name, unexpanded=True)
    reference = _VARIABLE.fullmatch(said)
    if reference and (reference[2] is None or reference[1] in os.environ):
        return accounts.of_variable(args.draft, reference[1], args.at(name))
    secret = args.text(name)
    return Credential() if secret in NO_KEY else Credential(secret=secret)


def _serves(kind: str, base_url: str, model_type: str) -> bool:
    target = make_target("", {"kind": kind, "base_url": base_url}, {}, None)
    return any(speaks(target, name) for name, operation in OPERATIONS.items() if model_type in operation.types)


FORMAT = Format("the Albert registry's models", "a list “models:”", _recognises, _read)
