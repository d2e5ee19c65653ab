"""Tokens with which a page of the admin calls the API as an API key of its reader's own (the playground).

A token stands for one key, for ten minutes; nobody knows the key itself. What binds it:

- It is signed with SECRET_KEY over the user and the hash of the key, so that it fits no other key, nor the same one
  after a rotation.
- It is good only beside the session cookie of that user, in requests of the gateway's own pages: whoever finds it in a
  log or a history has nothing. A page of another origin is refused, whatever GATEWAY_CORS_ORIGINS says.
- The session, the user and their right to send requests (``metrics.add_requestlog``) are read from the database at each
  use: who signs out, changes the password, is deactivated or loses the right is refused from the next request on. An
  answer that streams already goes on to its end.
- The key's own state, models, limits and expiry come from the catalog as for every caller: a key that is revoked is
  refused within a second. Whatever else the key may do, a token is for inference alone.

Ordinary keys pay nothing for this: a token is told by its beginning.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.core import signing
from django.db import DatabaseError
from django.http import HttpRequest

from gateway_project.api.errors import ApiError, unauthorised
from gateway_project.api.origins import own_origins
from metrics import native
from routing import catalog
from routing.types import Catalog, Grant

log = logging.getLogger("switchyard.api")

PREFIX = "page-sy-"
SECONDS = 600
PERMISSION = "metrics.add_requestlog"
SCOPES = frozenset({"inference"})
PATIENCE = 5.0  # seconds for the database
_SALT = "gateway_project.api.page_tokens"


def issue(user_id: Any, key_hash: str) -> str:
    """A token for the user with this primary key and the API key with this hash."""
    return PREFIX + signing.TimestampSigner(salt=_SALT).sign(f"{user_id}/{key_hash}")


def grant_of(token: str, request: HttpRequest, served: Catalog) -> Grant:
    """What a token allows. Raises ``ApiError`` 401 or 403, or 503 where the database cannot say who is signed in."""
    _refuse_other_pages(request)
    user_id, key_hash = _read(token)
    try:
        may = native.run_within(PATIENCE, _may_use, request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""), user_id)
    except (DatabaseError, TimeoutError) as error:
        log.warning("who is signed in cannot be read: %s", error)
        raise ApiError(503, "Who is signed in cannot be read now.", type="service_unavailable_error") from error
    if not may:
        raise unauthorised("You are not signed in, or may not send requests any more.", "not_signed_in")
    grant = served.grants.get(key_hash)
    if grant is None:  # made a moment ago, by another worker
        catalog.refresh()
        grant = catalog.current().grants.get(key_hash)
    if grant is None or not grant.enabled:
        raise unauthorised("The API key that this page uses for you is revoked.", "invalid_api_key")
    return replace(grant, scopes=grant.scopes & SCOPES)


def _refuse_other_pages(request: HttpRequest) -> None:
    origin = request.META.get("HTTP_ORIGIN")
    site = request.META.get("HTTP_SEC_FETCH_SITE", "same-origin")
    if site != "same-origin" or (origin is not None and origin not in own_origins(request)):
        raise ApiError(403, "This token is for the gateway's own pages.", type="permission_error")


def _read(token: str) -> tuple[str, str]:
    """(the user's primary key, the key's hash)."""
    try:
        said = signing.TimestampSigner(salt=_SALT).unsign(token.removeprefix(PREFIX), max_age=SECONDS)
    except signing.SignatureExpired:
        raise unauthorised("This page's token has expired.", "expired_token") from None
    except signing.BadSignature:
        raise unauthorised("Incorrect API key provided.", "invalid_api_key") from None
    user_id, _slash, key_hash = said.rpartition("/")
    return user_id, key_hash


def _may_use(session_key: str, user_id: str) -> bool:
    """Whether the session is this user's, and the user may send requests. Database work of the calling thread."""
    if not session_key:
        return False
    browser = HttpRequest()
    browser.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = auth.get_user(browser)  # None of it holds for who is deactivated, or has another password by now
    return user.is_active and user.is_staff and str(user.pk) == user_id and user.has_perm(PERMISSION)
