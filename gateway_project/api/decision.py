"""What a request means and who may answer it: resolve → authorise → plan. Real requests and explanations share it."""

from __future__ import annotations

from dataclasses import replace

from gateway_project.api.auth import authorise_model, may_name
from gateway_project.api.dialects.base import Parsed
from gateway_project.api.errors import ApiError
from providers.models import ModelType
from providers.operations import OPERATIONS, paths_for
from routing.estimate import need_of
from routing.outlook import Moment
from routing.plan import plan
from routing.resolve import NotFound, join, resolve
from routing.types import Catalog, Grant, Need, Plan, Route


def decide(
    parsed: Parsed, catalog: Catalog, grant: Grant | None, moment: Moment, prompt_tokens: int | None = None
) -> tuple[Plan, Need]:
    """The plan for one request, and what it needs. Raises ``NotFound``, or ``ApiError`` 400 or 403.

    ``prompt_tokens``: supposed instead of estimated, for requests that nobody has made.
    """
    routes = [
        _route(name, parsed, catalog, grant)
        for name in (parsed.model, *(name for name in parsed.models if name != parsed.model))
    ]
    need = need_of(parsed.call, parsed.steering)
    if prompt_tokens is not None:
        need = replace(need, prompt_tokens=prompt_tokens)
    return plan(join(routes), need, moment), need


def _route(name: str, parsed: Parsed, catalog: Catalog, grant: Grant | None) -> Route:
    try:
        route = resolve(catalog, name, parsed.provider or None, parsed.call.body)
    except NotFound as error:
        raise error.suggesting(lambda known: grant is None or may_name(grant, known)) from None
    if grant is not None:
        authorise_model(grant, route, parsed.provider)
    operation = OPERATIONS[parsed.call.operation]
    if not route.type or route.type in operation.types:
        return route
    there = " or ".join(paths_for(route.type))
    kind = f"{route.type} ({ModelType(route.type).label})"
    message = f"The model '{name}' is of type {kind}: it is not served at {operation.path} but at {there}."
    raise ApiError(400, message, param="model", code="unsupported_operation")
