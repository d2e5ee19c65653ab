"""Where a provider's secrets are sent, and the rule that a stored secret never follows a changed address by itself.

Whoever may edit a provider could otherwise read its keys by pointing it at a server of theirs. The rule is one
function for every way in (admin, REST, import): ``refuse_moved_secrets``. Keys named by environment variable are not
stored here and belong to whoever runs the machine.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .models import Provider

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Destination:
    """Scheme, host and port, and what stands between: proxy and trusted certificates. The path does not count."""

    origin: tuple[str, str, int | None]
    proxy: str
    ca_bundle: str


def origin(url: str) -> tuple[str, str, int | None]:
    """(scheme, host, port) of a URL, in lower case, with the scheme's own port where none is written; a port that is
    none is -1: such a URL is refused elsewhere, and is like no other here."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    try:
        port = parts.port or DEFAULT_PORTS.get(scheme)
    except ValueError:
        port = -1
    return scheme, (parts.hostname or "").rstrip("."), port


def destination(provider: Provider) -> Destination:
    """Where the keys of ``provider``, as it is in memory, would be sent."""
    return Destination(origin(provider.base_url), provider.proxy, provider.ca_bundle)


def moved(before: Destination, after: Destination) -> list[str]:
    """The names of the provider's fields that make the difference; [] where secrets stay where they are sent."""
    differ = {
        "base_url": before.origin != after.origin,
        "proxy": before.proxy != after.proxy,
        "ca_bundle": before.ca_bundle != after.ca_bundle,
    }
    return [name for name, different in differ.items() if different]


def refuse_moved_secrets(before: Destination, after: Destination, kept: Iterable[str]) -> None:
    """ValidationError on each changed field where stored secrets (``kept``: their labels) were not given again."""
    names = ", ".join(kept)
    if names:
        message = _("This changes where keys are sent: enter again in the same step: %(names)s.") % {"names": names}
        fields = moved(before, after)
        if fields:
            raise ValidationError(dict.fromkeys(fields, message))


def stored_secrets(provider: Provider) -> list[str]:
    """The secrets of ``provider`` that the database holds: its keys, its secret headers."""
    keys = [key.secret for key in provider.keys.all() if key.secret]
    return keys + [header.value for header in provider.headers.all() if header.secret and header.value]


def known_origins(provider: Provider) -> set[tuple[str, str, int | None]]:
    """Where the keys of ``provider`` are sent already: its own address and its endpoints'."""
    urls = provider.endpoints.exclude(base_url="").values_list("base_url", flat=True)
    return {origin(provider.base_url), *(origin(url) for url in urls)}


def is_stored_secret(provider: Provider, typed: str) -> bool:
    """Whether ``typed`` is one of the secrets of ``provider``."""
    return any(hmac.compare_digest(secret.encode(), typed.encode()) for secret in stored_secrets(provider))
