"""Signing in with an account from elsewhere (OpenID Connect), where GATEWAY_OIDC_ISSUER says so.

The package speaks the protocol; here is what it leaves open: the issuer's own addresses are looked up, tokens must be
meant for this gateway and come from that issuer, and somebody is let in by groups, anew each time. A person is known by
the issuer's own subject, never by a name or an address: those can be taken over.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import urllib.request
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from mozilla_django_oidc import views
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from gateway_project.env_oidc import Oidc
from gateway_project.models import ForeignAccount

SECONDS = 10.0  # for each answer of the issuer
MOST_BYTES = 1 << 20
SUPERUSER = "superuser"
FOUND = {  # our setting → its name in the issuer's description of itself
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}

log = logging.getLogger("switchyard.access")


def configured() -> Oidc:
    """What the environment says; none of this is loaded where it says nothing."""
    found: Oidc | None = settings.OIDC
    if found is None:
        raise ImproperlyConfigured("GATEWAY_OIDC_ISSUER is not set.")
    return found


def setting(name: str, *default: Any) -> Any:
    """What the package asks for: our own settings, else what the issuer says, else the package's default."""
    said = configured()
    fixed = {
        "OIDC_RP_CLIENT_ID": said.client_id,
        "OIDC_RP_CLIENT_SECRET": said.client_secret,
        "OIDC_RP_SCOPES": said.scopes,
        "OIDC_RP_SIGN_ALGO": "RS256",
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": SECONDS,
        "LOGIN_REDIRECT_URL": "/admin/",
        "LOGIN_REDIRECT_URL_FAILURE": "/admin/login/",
    }
    if name in fixed:
        return fixed[name]
    if name in FOUND:
        return said.endpoints.get(FOUND[name]) or described(said.issuer)[FOUND[name]]
    return default[0] if default else getattr(settings, name)


@lru_cache(maxsize=1)
def described(issuer: str) -> dict[str, Any]:
    """What the issuer says of itself. Raises OSError, ValueError; asked again after a failure, and never otherwise."""
    url = f"{issuer}/.well-known/openid-configuration"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - an http(s) address of the settings
        said: dict[str, Any] = json.loads(answer.read(MOST_BYTES))
    if said.get("issuer", "").rstrip("/") != issuer:
        raise ValueError("the issuer calls itself otherwise than GATEWAY_OIDC_ISSUER")
    return said


class Backend(OIDCAuthenticationBackend):
    """Tokens for this gateway, from this issuer, of people in an allowed group."""

    get_settings = staticmethod(setting)
    OIDC_RP_SIGN_ALGO = "RS256"
    OIDC_RP_IDP_SIGN_KEY = None
    UserModel = User

    def __init__(self) -> None:
        """Asks nobody: every check of a permission makes one of these, and passwords work while the issuer is down."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("OIDC_OP_", "OIDC_RP_")):
            return setting(name)
        raise AttributeError(name)

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        """Only the callback's own call: a password is none of ours."""
        return super().authenticate(request, **kwargs) if "nonce" in kwargs else None

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super().verify_token(token, **kwargs)
        said = payload.get("aud")
        audience = said if isinstance(said, list) else [said]
        if configured().client_id not in audience:
            raise SuspiciousOperation("the token is meant for somebody else")
        if len(audience) > 1 and payload.get("azp") != configured().client_id:
            raise SuspiciousOperation("the token was made for somebody else")
        if str(payload.get("iss", "")).rstrip("/") != configured().issuer:
            raise SuspiciousOperation("the token is somebody else's")
        if "exp" not in payload or not payload.get("sub"):
            raise SuspiciousOperation("the token names no end or no person")
        return payload

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User | None:
        more = self.get_userinfo(access_token, id_token, payload)
        if more.get("sub") != payload["sub"]:
            raise SuspiciousOperation("what is told of the person is another's")
        claims = {**more, **payload}
        roles = roles_of(claims)
        if not roles:
            log.warning("Signing in refused: in no allowed group, subject %s", payload["sub"])
            return None
        return account_of(claims, roles)


def roles_of(claims: dict[str, Any]) -> set[str]:
    """Our groups, by those that the claim names."""
    said = claims.get(configured().claim, [])
    theirs = [said] if isinstance(said, str) else [one for one in said if isinstance(one, str)]
    return {configured().groups[one] for one in theirs if one in configured().groups}


def account_of(claims: dict[str, Any], roles: set[str]) -> User:
    """The person's account here, made at the first time; groups are what the issuer says now."""
    subject = hashlib.sha256(f"{configured().issuer}\0{claims['sub']}".encode()).hexdigest()
    with transaction.atomic():
        known = ForeignAccount.objects.select_related("user").filter(subject=subject).first()
        user = known.user if known else User(username=free_name(claims))
        if known is None:
            user.set_unusable_password()
        user.email = str(claims.get("email", user.email))[:254]
        user.first_name = str(claims.get("given_name", user.first_name))[:150]
        user.last_name = str(claims.get("family_name", user.last_name))[:150]
        user.is_staff, user.is_superuser = True, SUPERUSER in roles
        user.save()
        if known is None:
            ForeignAccount.objects.create(user=user, subject=subject)
        user.groups.set(Group.objects.filter(name__in=roles - {SUPERUSER}))
    return user


def free_name(claims: dict[str, Any]) -> str:
    """A name that nobody has here yet: never an account that is there already."""
    said = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
    name = re.sub(r"[^\w.@+-]", "-", said)[:140] or "somebody"
    number, free = 1, name
    while User.objects.filter(username__iexact=free).exists():
        number += 1
        free = f"{name}-{number}"
    return free


class Begin(views.OIDCAuthenticationRequestView):
    """To the issuer's page."""

    get_settings = staticmethod(setting)


class Callback(views.OIDCAuthenticationCallbackView):
    """Back from it. Whatever is wrong there ends at the form to sign in with, with a sentence."""

    get_settings = staticmethod(setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            answer: HttpResponse = super().get(request)
        except (SuspiciousOperation, OSError, ValueError, KeyError, jwt.PyJWTError) as error:
            log.warning(
                "Signing in elsewhere failed: %s", type(error).__name__ if isinstance(error, OSError) else error
            )
            return self.login_failure()
        return answer

    def login_failure(self) -> HttpResponse:
        return failure(self.request)


def begin(request: HttpRequest) -> HttpResponse:
    """To the issuer's page, if the issuer can be asked where that is."""
    try:
        answer: HttpResponse = Begin.as_view()(request)
    except (OSError, ValueError, KeyError) as error:
        log.warning("The issuer of accounts cannot be asked: %s", type(error).__name__)
        return failure(request)
    return answer


def failure(request: HttpRequest) -> HttpResponse:
    """Back to the form, with one sentence for all that can be wrong."""
    messages.error(request, _("You could not be signed in with that account. The log of the gateway says why."))
    return HttpResponseRedirect(reverse("admin:login"))
