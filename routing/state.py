"""Shared state of endpoints and keys: which rest, until when, and why. The impure shell; readers get a snapshot.

A rest holds at once in this worker, is written to the database by a thread of its own, and reaches the other workers
with their next poll (≤ 1 s). Healthy traffic writes nothing. Durations are seconds, times Unix seconds.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any

from django.db import DatabaseError

from metrics import native
from providers.errors import UpstreamError
from providers.wire import Credential
from routing.gates import resting
from routing.models import CircuitState, KeyState
from routing.types import Candidate, Skip

log = logging.getLogger("switchyard.state")

Rest = tuple[float, str, str]
_OVERLAP = 5.0  # re-read this many seconds at each poll: writers' clocks and commits are not in step


class SharedState:
    """What this worker knows of every endpoint and key that is not simply well."""

    def __init__(self) -> None:
        self._rests: dict[str, Rest] = {}
        self._changes: queue.SimpleQueue[tuple[str, bool, Rest | None]] = queue.SimpleQueue()
        self._seen = 0.0
        self._writer: threading.Thread | None = None

    def rest_of(self, identity: str) -> Rest | None:
        """(until, code, cause) of an endpoint or key, or None."""
        return self._rests.get(identity) if self._rests else None

    def acquire(self, candidate: Candidate) -> Skip | None:
        """The last look before a try: None lets it happen."""
        return resting(candidate, self, time.time()) if self._rests else None

    def key_rests(self, identity: str) -> bool:
        """Whether a provider's key may not be tried now."""
        rest = self.rest_of(identity)
        return rest is not None and rest[0] > time.time()

    def rest(self, identity: str, seconds: float, code: str, cause: str) -> None:
        """``identity`` is not tried for ``seconds``; a rest that already lasts longer stays."""
        until = time.time() + seconds
        known = self._rests.get(identity)
        if known is not None and known[0] >= until:
            return
        log.warning("%s rests %.0f s (%s): %s", identity, seconds, code, cause[:300])
        self._set(identity, (until, code, cause[:300]))

    def succeeded(self, candidate: Candidate, credential: Credential | None) -> None:
        """An answer came: whatever kept the endpoint or its key resting is over."""
        if not self._rests:
            return
        for identity in (candidate.identity, credential.state_key if credential else ""):
            if identity in self._rests:
                self._set(identity, None)

    def failed(self, candidate: Candidate, error: UpstreamError) -> None:
        """A try failed. Only rests are kept so far, and dispatch sets those itself."""

    def _set(self, identity: str, rest: Rest | None) -> None:
        if rest is None:
            self._rests.pop(identity, None)
        else:
            self._rests[identity] = rest
        self._changes.put((identity, "|" not in identity, rest))
        if self._writer is None or not self._writer.is_alive():
            self._writer = threading.Thread(target=self._write_changes, name="state-writer", daemon=True)
            self._writer.start()

    def _write_changes(self) -> None:
        while True:
            identity, is_key, rest = self._changes.get()
            try:
                native.run(_store, identity, is_key, rest)
            except DatabaseError:
                log.warning("the rest of %s could not be shared with other workers", identity, exc_info=True)

    def poll(self) -> None:
        """Read what other workers wrote since the last poll."""
        now = time.time()
        for identity, until, code, cause in native.run(_changed_since, self._seen - _OVERLAP):
            if until is not None and until > now:
                self._rests[identity] = (until, code, cause)
            else:
                self._rests.pop(identity, None)
        self._seen = now
        for identity in [name for name, rest in self._rests.items() if rest[0] <= now]:
            del self._rests[identity]


def _store(identity: str, is_key: bool, rest: Rest | None) -> None:
    until, code, cause = rest or (None, "", "")
    table: Any = KeyState if is_key else CircuitState
    name = f"provider:{identity}" if is_key else identity
    values: dict[str, Any] = {"rests_until": until, "rest_code": code, "cause": cause, "updated_at": time.time()}
    if is_key:
        values["flagged_at"] = time.time() if rest else None
    table.objects.update_or_create(identity=name, defaults=values)


def forget_old() -> None:
    """Rests that ended an hour ago are nobody's business any more."""
    CircuitState.objects.filter(rests_until__lt=time.time() - 3600).delete()
    KeyState.objects.filter(rests_until__lt=time.time() - 3600, last_used_at=None).delete()


def _changed_since(moment: float) -> list[tuple[str, float | None, str, str]]:
    columns = ("identity", "rests_until", "rest_code", "cause")
    endpoints = CircuitState.objects.filter(updated_at__gte=moment).values_list(*columns)
    keys = KeyState.objects.filter(updated_at__gte=moment, identity__startswith="provider:").values_list(*columns)
    return list(endpoints) + [(name.removeprefix("provider:"), *rest) for name, *rest in keys]


STATE = SharedState()
