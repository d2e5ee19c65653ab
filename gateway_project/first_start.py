"""What a new installation gets once: its administrator and its first application key.

A first start is one that finds neither an administrator nor an application key; nothing here is ever done again, so
that a key that was revoked does not come back.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from routing.config.revisions import INSTALLATION, reconcile, revision
from routing.models import ApiKey
from routing.models.access import SCOPES, generate_key


@dataclass(frozen=True, slots=True)
class Login:
    """What was generated at the first start; None where the environment said it, so that nobody needs telling."""

    user: str
    password: str | None = field(repr=False)
    key: str | None = field(repr=False)

    def lines(self, admin_url: str) -> list[str]:
        """For a person: where, who, and the secrets that were generated."""
        lines = [f"Admin:    {admin_url}", f"User:     {self.user}"]
        lines += [f"Password: {self.password}"] if self.password else []
        return lines + ([f"API key:  {self.key}"] if self.key else [])


def install(deliver: Callable[[Login], None]) -> Login | None:
    """Make administrator and key, and hand them to ``deliver`` before they are committed; None at later starts.

    Delivered first, because a secret that was stored but never told is a lock without a key.
    """
    users = get_user_model().objects
    with transaction.atomic():
        if users.filter(is_superuser=True).exists() or ApiKey.objects.exists():
            return None
        login = Login(
            user=settings.FIRST_ADMIN_USER,
            password=None if settings.FIRST_ADMIN_PASSWORD else secrets.token_urlsafe(12),
            key=None if settings.FIRST_API_KEY else generate_key(),
        )
        users.create_superuser(login.user, password=login.password or settings.FIRST_ADMIN_PASSWORD)
        key = ApiKey(name="first", scopes=list(SCOPES))
        key.set_key(login.key or settings.FIRST_API_KEY)
        with revision(INSTALLATION, INSTALLATION, "First start"):
            key.save()
        deliver(login)
    return login


def record_installation() -> None:
    """Rows that migrations brought become a revision, so that the history begins with them."""
    reconcile(origin=INSTALLATION)


def write_login(file: Path, lines: list[str]) -> None:
    """The login for whoever may read ``file``: mode 600."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write("\n".join(lines) + "\n")
