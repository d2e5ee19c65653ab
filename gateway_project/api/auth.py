"""Who is calling: an API key, looked up by hash in the catalog. No database, but for the tokens of our own pages."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

from django.conf import settings
from django.http import HttpRequest

from gateway_project.api import page_tokens
from gateway_project.api.errors import ApiError, unauthorised
from gateway_project.api.origins import own_origins
from routing.models.access import SCOPES, hash_key
from routing.types import Catalog, Grant, Route

ANY_KEY = ""  # a scope that every key has
ANONYMOUS = Grant("anonymous", "", frozenset(SCOPES))


def authenticate(request: HttpRequest, catalog: Catalog, scope: str) -> Grant:
    """The caller's key, if it may do ``scope``. ``Authorization: Bearer`` or ``x-api-key``. Raises 401 or 403.

    With GATEWAY_AUTH=off a valid key still names its caller and keeps its limits; any other caller is anonymous.
    """
    plain = _presented(request)
    if plain.startswith(page_tokens.PREFIX):
        return _allowed(page_tokens.grant_of(plain, request, catalog), scope)
    grant = catalog.grants.get(hash_key(plain)) if plain else None
    if not settings.AUTH_REQUIRED:
        _refuse_foreign_pages(request)
        return grant if grant is not None and _valid(grant) else ANONYMOUS
    if not plain:
        raise unauthorised("You didn't provide an API key. Send it as 'Authorization: Bearer <key>'.", None)
    if grant is None or not grant.enabled:
        raise unauthorised("Incorrect API key provided.", "invalid_api_key")
    return _allowed(grant, scope)


def _allowed(grant: Grant, scope: str) -> Grant:
    if not _valid(grant):
        raise unauthorised("This API key has expired.", "expired_api_key")
    if scope != ANY_KEY and scope not in grant.scopes:
        raise ApiError(
            403, f"This API key lacks the scope '{scope}'.", type="permission_error", code="insufficient_scope"
        )
    return grant


def authorise_model(grant: Grant, route: Route, provider: str) -> None:
    """Raise 403 unless the key may use the route, as it was asked for or as it is named.

    Where the caller chose the ``provider`` too, it must be allowed as ``provider/model`` at each that may answer: the
    bare name's permission was given for what the bare name means.
    """
    if not grant.allowed:
        return
    if provider:
        asked = [_qualified(candidate.target.provider, route.requested) for candidate in route.candidates]
        allowed = all(may_name(grant, name) for name in asked)
    else:
        allowed = may_name(grant, route.requested) or may_name(grant, route.name)
    if not allowed:
        raise ApiError(
            403,
            f"This API key may not use the model '{route.requested}'.",
            type="permission_error",
            code="model_not_allowed",
            param="model",
        )


def _qualified(provider: str, model: str) -> str:
    return f"{provider}/{model.removeprefix(f'{provider}/')}"


def may_name(grant: Grant, name: str) -> bool:
    """Whether the key may use the model of this name."""
    return not grant.allowed or any(fnmatchcase(name, pattern) for pattern in grant.allowed)


def _refuse_foreign_pages(request: HttpRequest) -> None:
    """Where no key is asked for, a web page that a user of this machine visits must not be able to call."""
    origin = request.META.get("HTTP_ORIGIN", "")
    own = own_origins(request)
    if origin and origin not in own and origin not in settings.CORS_ORIGINS and not settings.CORS_ALLOW_ALL_ORIGINS:
        raise ApiError(403, "Requests from other origins need GATEWAY_CORS_ORIGINS.", type="permission_error")


def _presented(request: HttpRequest) -> str:
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header[:7].lower() == "bearer ":
        return header[7:].strip()
    return request.META.get("HTTP_X_API_KEY", "").strip()


def _valid(grant: Grant) -> bool:
    return grant.enabled and (grant.expires_at is None or grant.expires_at > time.time())
