"""The category router's endpoints: its categories as JSON, changes of them, and circuits reset by hand.

A change is an ordinary one of the configuration: made by the importer's own code, validated, a revision of origin "api"
in the name of the API key, in force at once in the worker that answers and within a second in all others. All database
work is done apart from the event loop.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from gateway_project.api.body import read_json
from gateway_project.api.dialects import openai
from gateway_project.api.dialects.base import InvalidRequest, missing, wrong_type
from gateway_project.api.drf import GatewayView
from gateway_project.api.errors import ApiError
from metrics import native
from routing import catalog, circuit
from routing.classify import DEFAULT
from routing.config.amend import Draft, Outcome, amend
from routing.config.document import DocumentError
from routing.config.importers import categories
from routing.config.text import refuse_unstorable
from routing.models import CircuitState
from routing.resolve import ROUTER_NAMES, why_unusable
from routing.state import STATE
from routing.types import ProviderEntry

OWN = frozenset(categories.OWN)
_TURN = threading.Lock()  # of this worker: many changes at once would outwait each other at SQLite's own lock
_INDEX = re.compile(r"/(\d+)(?=/|$)")


class Providers(GatewayView):
    """GET /providers: who can be asked, and what those lack who cannot."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        entries = sorted(self.catalog.providers.values(), key=lambda entry: (entry.position, entry.name))
        return _json({"providers": [_provider(entry) for entry in entries]})


class Config(GatewayView):
    """GET /config: all categories, as a ``router_config.json`` that changes nothing when it is imported."""

    scope = "admin"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return _json(_stored(lambda: categories.rendered(catalog.stored())))


class Change(GatewayView):
    """Base of what changes the configuration or circuits."""

    scope = "admin"
    http_method_names = ["post"]

    @property
    def actor(self) -> str:
        """Who is recorded: the API key's name."""
        return self.account.grant.name if self.account.grant is not None else ""

    def change(self, change: Callable[[Draft], None]) -> Outcome:
        """Amend the configuration. Raises 400 with the parameter that is wrong."""
        message = f"{self.request.method} {self.request.path_info}"
        try:
            with _TURN:
                outcome: Outcome = _stored(partial(amend, change, self.actor, "api", message))
        except DocumentError as error:
            raise _refusal(error) from error
        self.account.read_with(catalog.current())
        return outcome


class ConfigCategory(Change):
    """POST /config/category: a category, new or in the place of the one of its name."""

    def post(self, request: Request) -> HttpResponseBase:
        said = _fields(request, ("name", "models"), OWN)
        name = said["name"]
        told: dict[str, Any] = {}

        def change(draft: Draft) -> None:
            told["created"] = name not in draft.section("categories")
            categories.take(draft, name, "name", afresh=True)
            categories.set_own(draft, name, {key: said[key] for key in OWN & said.keys()}, "")
            categories.set_chain(draft, name, said["models"], "models")
            told.update(categories.settings(draft.section("categories")[name]))
            told["models"] = categories.chain(draft.document, name)

        outcome = self.change(change)
        return _json({"category": name, **told, **_of(outcome)})


class ModelMapping(Change):
    """POST /config/model-mapping: another chain for a category that is there."""

    def post(self, request: Request) -> HttpResponseBase:
        said = _fields(request, ("category", "models"))
        name = said["category"]
        told: dict[str, Any] = {}

        def change(draft: Draft) -> None:
            _must_exist(draft, name, "category")
            categories.set_chain(draft, name, said["models"], "models")
            told["models"] = categories.chain(draft.document, name)

        outcome = self.change(change)
        return _json({"category": name, **told, **_of(outcome)})


class ConfigCategoryNamed(Change):
    """DELETE /config/category/{name}. Endpoints stay; those in no list any more are told."""

    http_method_names = ["delete"]

    def delete(self, request: Request, name: str) -> HttpResponseBase:
        told: dict[str, Any] = {"category": name, "deleted": True}

        def change(draft: Draft) -> None:
            _must_exist(draft, name, None)
            gone = draft.section("categories").pop(name)
            chained = [entry["endpoint"] for entry in gone.get("entries", ()) if "endpoint" in entry]
            told["unused_endpoints"] = categories.unused(draft.document, chained)
            if name == DEFAULT:
                draft.note("", f"without the category {DEFAULT}, {', '.join(sorted(ROUTER_NAMES))} answer 404")

        outcome = self.change(change)
        return _json({**told, **_of(outcome)})


class CircuitReset(Change):
    """POST /circuit-breaker/reset/{model}: its endpoints are well: circuits are closed, rests end."""

    def post(self, request: Request, model: str) -> HttpResponseBase:
        return _json({"reset": _stored(partial(_reset, model, self.actor))})


class CircuitResetAll(Change):
    """POST /circuit-breaker/reset-all: the same for whatever is not simply well."""

    def post(self, request: Request) -> HttpResponseBase:
        return _json({"reset": _stored(partial(_reset_all, self.actor))})


def _provider(entry: ProviderEntry) -> dict[str, Any]:
    models = sorted(name for name, candidate in entry.models.items() if candidate.skip_code != "disabled")
    return {
        "name": entry.name,
        "kind": entry.kind,
        "configured": entry.configured,
        "enabled": entry.enabled,
        "reason": why_unusable(entry)[0],
        "missing": [] if entry.configured or entry.keyless else list(entry.missing),
        "base_url": entry.target.base_url,
        "models": models,
    }


def _fields(request: Request, needed: tuple[str, str], others: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The body's fields that are not null. The first of ``needed`` is a name. Raises ``InvalidRequest``."""
    body = read_json(request._request)
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    known = {*needed, *others}
    unknown = next((key for key in body if key not in known), None)
    if unknown is not None:
        message = f"Unknown parameter: '{unknown[:200]}'; known here: {', '.join(sorted(known))}."
        raise InvalidRequest(message, unknown[:200], "unknown_parameter")
    said = {key: value for key, value in body.items() if value is not None}
    for name in needed:
        if name not in said:
            raise missing(name)
    if not isinstance(said[needed[0]], str):
        raise wrong_type(needed[0], "a string")
    try:
        refuse_unstorable("", said)
    except DocumentError as error:
        raise _refusal(error) from error
    return said


def _of(outcome: Outcome) -> dict[str, Any]:
    """``revision``: null where the configuration said so already."""
    return {"revision": outcome.number, "notes": [str(note) for note in outcome.notes]}


def _must_exist(draft: Draft, name: str, param: str | None) -> None:
    if name not in draft.section("categories"):
        known = ", ".join(sorted(draft.section("categories")))
        message = f"There is no category '{name[:200]}'. Categories: {known or 'none'}."
        raise ApiError(404, message, code="category_not_found", param=param)


def _reset(model: str, actor: str) -> list[str]:
    found = categories.identities(catalog.stored(), model)
    if not found:
        message = f"Nothing here is called '{model[:200]}': expected an endpoint's name or provider/model."
        raise ApiError(404, message, code="model_not_found", param="model")
    for identity in found:
        STATE.reset(identity, actor)
    return sorted(found.values())


def _reset_all(actor: str) -> list[str]:
    names = categories.names(catalog.stored())
    ill = CircuitState.objects.filter(~Q(phase=circuit.CLOSED) | Q(failures__gt=0) | Q(rests_until__gt=time.time()))
    identities = list(ill.order_by("identity").values_list("identity", flat=True))
    for identity in identities:
        STATE.reset(identity, actor)
    return [names.get(identity) or _catalogued(identity) for identity in identities]


def _catalogued(identity: str) -> str:
    """A model that no endpoint stands for, as callers name it."""
    provider, _, rest = identity.partition("|")
    return f"{provider}/{rest.rpartition('|')[0]}"


def _stored(work: Callable[[], Any]) -> Any:
    """``work`` with the database, apart from the event loop. Raises 503 where the database does not answer."""
    try:
        return native.run_request(work)
    except DatabaseError as error:
        raise ApiError(
            503,
            "The database did not answer in time: nothing was changed. Try again.",
            type="service_unavailable_error",
            code="database_unavailable",
            headers={"Retry-After": "1", "x-should-retry": "true"},
        ) from error


def _refusal(error: DocumentError) -> InvalidRequest:
    """The document's problems as one of the request's: ``models/0`` is ``models[0]``."""
    problems = [(_INDEX.sub(r"[\1]", one.path).replace("/", "."), one.message) for one in error.problems]
    message = " ".join(f"Invalid value for '{path}': {said.rstrip('.')}." if path else said for path, said in problems)
    return InvalidRequest(message, problems[0][0] or None, "invalid_value")


def _json(body: Any) -> HttpResponse:
    return HttpResponse(openai.dumps(body), content_type="application/json")
