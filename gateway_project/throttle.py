"""Who fails to sign in waits: a person at an address after five tries, an address after fifty.

A try counts before its password is looked at, so that tries at the same time cannot slip through together, and a
success takes it back. While somebody waits nothing is looked at and nothing counts, so that no wait grows by knocking.
Rows of the database: shared by all workers, and there after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from gateway_project.models import SignInTries


@dataclass(frozen=True, slots=True)
class Limit:
    """``free`` tries, then waits from ``first`` to ``longest`` seconds, twice as long each time."""

    free: int
    first: float
    longest: float


PERSON = Limit(free=5, first=30, longest=900)
ADDRESS = Limit(free=50, first=30, longest=300)
FORGOTTEN = 3600.0  # seconds after the last try


def admit(name: str, address: str) -> int:
    """0, and the try counts; or the seconds to wait before the next one."""
    now = time.time()
    with transaction.atomic():
        rows = {key: _row(key, now) for key in sorted((_person(name, address), _place(address)))}
        left = max(row.waits_until for row in rows.values()) - now
        if left > 0:
            return math.ceil(left)
        for key, row in rows.items():
            _count(row, PERSON if key == _person(name, address) else ADDRESS, now)
        SignInTries.objects.filter(last_at__lt=now - FORGOTTEN).exclude(pk__in=rows).delete()
    return 0


def succeeded(name: str, address: str) -> None:
    """The last try was none that fails: the person's are forgotten, the address has one less."""
    with transaction.atomic():
        SignInTries.objects.filter(key=_person(name, address)).delete()
        row = _row(_place(address), time.time())
        row.tries = max(0, row.tries - 1)
        row.waits_until = 0
        row.save()


def forget() -> None:
    """Nobody waits any longer."""
    SignInTries.objects.all().delete()


def _row(key: str, now: float) -> SignInTries:
    row, _made = SignInTries.objects.select_for_update().get_or_create(key=key)
    if row.last_at < now - FORGOTTEN:
        row.tries, row.waits_until = 0, 0
    return row


def _count(row: SignInTries, limit: Limit, now: float) -> None:
    row.tries += 1
    row.last_at = now
    if row.tries >= limit.free:
        row.waits_until = now + min(limit.longest, limit.first * 2 ** min(row.tries - limit.free, 20))
    row.save()


def _person(name: str, address: str) -> str:
    return _digest("person", unicodedata.normalize("NFKC", name).strip().casefold(), address)


def _place(address: str) -> str:
    return _digest("address", address)


def _digest(*parts: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()
