"""What the environment says of signing in with accounts from elsewhere (OpenID Connect)."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from gateway_project import env

ROLES = ("Viewer", "Auditor", "Operator", "Key manager", "superuser")
ENDPOINTS = {
    "authorization_endpoint": "GATEWAY_OIDC_AUTHORIZATION_URL",
    "token_endpoint": "GATEWAY_OIDC_TOKEN_URL",
    "userinfo_endpoint": "GATEWAY_OIDC_USERINFO_URL",
    "jwks_uri": "GATEWAY_OIDC_JWKS_URL",
}


@dataclass(frozen=True, slots=True)
class Oidc:
    """``groups``: the issuer's → ours. ``endpoints``: by their names in the issuer's description, where given here."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    groups: dict[str, str]
    claim: str
    scopes: str
    name: str
    endpoints: dict[str, str]


def oidc() -> Oidc | None:
    """None where GATEWAY_OIDC_ISSUER is unset. Raises ImproperlyConfigured where something is missing beside it."""
    issuer = env.url("GATEWAY_OIDC_ISSUER", ("https", "http"), "https://login.example.com/realms/main")
    if not issuer:
        return None
    needed = {name: env.text(name, "") for name in ("GATEWAY_OIDC_CLIENT_ID", "GATEWAY_OIDC_CLIENT_SECRET")}
    for name, value in needed.items():
        if not value:
            raise ImproperlyConfigured(f"{name} must be set where GATEWAY_OIDC_ISSUER is.")
    given = {
        key: env.url(name, ("https", "http"), "https://login.example.com/token") for key, name in ENDPOINTS.items()
    }
    return Oidc(
        issuer=issuer,
        client_id=needed["GATEWAY_OIDC_CLIENT_ID"],
        client_secret=needed["GATEWAY_OIDC_CLIENT_SECRET"],
        groups=_groups("GATEWAY_OIDC_GROUPS"),
        claim=env.text("GATEWAY_OIDC_GROUPS_CLAIM", "groups"),
        scopes=env.text("GATEWAY_OIDC_SCOPES", "openid email profile"),
        name=env.text("GATEWAY_OIDC_NAME", "OpenID Connect"),
        endpoints={key: url for key, url in given.items() if url},
    )


def _groups(name: str) -> dict[str, str]:
    """``gateway-admins=superuser, staff=Viewer`` → {theirs: ours}."""
    pairs = [
        (theirs.strip(), ours.strip()) for theirs, _equals, ours in (word.rpartition("=") for word in env.words(name))
    ]
    if not pairs or any(not theirs or ours not in ROLES for theirs, ours in pairs):
        raise ImproperlyConfigured(
            f"{name} must say who may come in: groups of the issuer with ours, such as staff=Viewer, admins=Operator"
            f" (ours: {', '.join(ROLES)})."
        )
    return dict(pairs)
