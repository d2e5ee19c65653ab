"""Secrets at rest: one encrypted field, one mask.

Ciphertext is Fernet under ``settings.ENCRYPTION_KEYS`` (the first encrypts, all decrypt). A value that no key
decrypts reads as ``Undecryptable``: never "" and never the ciphertext, so that it can neither be sent nor saved again
by accident.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class Undecryptable(str):
    """The token of a secret that no present key decrypts. Saving it keeps the token as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Undecryptable()"


TO_BE_ENTERED = Undecryptable("to-be-entered")
"""Stands where a document says that there is a secret, and this installation has not been given it."""


def encrypt(plain: str) -> str:
    """Plain text → Fernet token; "" stays ""."""
    return _fernet().encrypt(plain.encode()).decode() if plain else ""


def decrypt(token: str) -> str:
    """Fernet token → plain text; "" stays ""; a foreign token comes back as ``Undecryptable``."""
    if not token:
        return ""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken:
        return Undecryptable(token)


def seal(content: bytes) -> str:
    """What leaves this server and comes back soon: a token that nobody else reads or makes."""
    return _fernet().encrypt(content).decode()


def unseal(token: str, seconds: int) -> bytes | None:
    """What ``seal`` was given; None for what it did not make, or made more than ``seconds`` ago."""
    try:
        return _fernet().decrypt(token.encode(), ttl=seconds)
    except (InvalidToken, UnicodeError):
        return None


def mask(secret: str) -> str:
    """What may be shown of a secret: first 10 and last 5 characters from 40 up, 4 + 2 from 20, else the length.

    The form is the start-up line of the OVHcloud proxy: ``abcdefghij...12345 (longueur: 64)``.
    """
    n = len(secret)
    if isinstance(secret, Undecryptable):
        return "undecryptable (no present GATEWAY_ENCRYPTION_KEYS opens it)"
    if n >= 40:
        return f"{secret[:10]}...{secret[-5:]} (length: {n})"
    if n >= 20:
        return f"{secret[:4]}...{secret[-2:]} (length: {n})"
    return f"(length: {n})"


class EncryptedTextField(models.TextField):
    """Text that is encrypted in the database and plain in Python. Cannot be searched, only tested for null."""

    def get_prep_value(self, value: Any) -> Any:
        if not value:
            return ""
        return str(value) if isinstance(value, Undecryptable) else encrypt(str(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value if value is None else decrypt(value)

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
