"""The Catalog of this worker: built from the rows, swapped when the clock moves, read by every request.

A generation that cannot be built is refused: the last good one stays, and ``status()`` says so. ``current`` is a plain
read of a module global; everything that touches the database runs through ``metrics.native``.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import DatabaseError

from metrics import native
from providers.secrets import Undecryptable
from routing.build import Sources, build, windows_of
from routing.config import revisions
from routing.config.check import check
from routing.config.proposal import secrets_that_stay
from routing.config.serialize import fingerprint, read
from routing.models import ApiKey, ConfigClock, ConfigRevision
from routing.types import Catalog, Grant

log = logging.getLogger("switchyard.catalog")

READINGS = 20
LIMITS = ("limit_requests", "limit_tokens", "limit_window")


class CatalogUnavailable(RuntimeError):
    """There is no catalog: the first one could not be built."""


class Unsettled(RuntimeError):
    """The configuration kept changing while it was read."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is served. ``error``: why the newest generation is not; ``built_at``: Unix seconds, 0 before the first."""

    generation: int
    error: str | None
    built_at: float


@dataclass(slots=True)
class _Served:
    catalog: Catalog | None = None
    error: str | None = None
    refused: int | None = None
    built_at: float = 0.0
    inputs: str = field(default="", repr=False)


_served = _Served()


def current() -> Catalog:
    """The catalog that this worker serves. Builds the first one; raises CatalogUnavailable if that fails."""
    if _served.catalog is not None:
        return _served.catalog
    native.run(_rebuild)
    if _served.catalog is None:
        raise CatalogUnavailable(_served.error)
    return _served.catalog


def refresh() -> None:
    """Serve the newest generation now, if the clock has moved. Never raises: see ``status``."""
    native.run(refresh_here)


def refresh_here() -> None:
    """``refresh`` within the calling thread, which has done the database work that made it necessary."""
    try:
        value = _clock()
    except DatabaseError as error:
        log.warning("the configuration's clock cannot be read: %s", error)
        return
    follow(value)


def follow(value: int) -> None:
    """The clock reads ``value``: rebuild unless that is what is served, or was refused already."""
    if _served.catalog is None or value not in (_served.catalog.generation, _served.refused):
        _rebuild()


def stored() -> dict[str, Any]:
    """The canonical document as it is stored now, read at one moment. Database work of the calling thread."""
    return dict(_sources()[0].document)


def proposed(document: Mapping[str, Any]) -> Catalog:
    """The catalog that ``document`` would make, with the secrets that would stay where they are; nothing is written.

    Raises DocumentError with every problem. Database work of the calling thread.
    """
    check(document)
    sources, _inputs = _sources()
    secrets = secrets_that_stay(sources.document, document, sources.secrets)
    return build(replace(sources, document=document, secrets=secrets))


def status() -> Status:
    """What is served, and whether the newest generation was refused."""
    generation = _served.catalog.generation if _served.catalog else 0
    return Status(generation, _served.error, _served.built_at)


def forget() -> None:
    """Back to the state of a fresh process."""
    global _served
    _served = _Served()


def notice_outside_changes() -> None:
    """What raw SQL or a restored backup changed becomes a revision, and reaches every worker."""
    served = _served.catalog
    sources, inputs = _sources()
    if fingerprint(dict(sources.document)) != revisions.recorded():
        revisions.reconcile()
    elif served is not None and served.generation == sources.generation and inputs != _served.inputs:
        revisions.move_clock()


def _rebuild() -> None:
    value: int | None = None
    seen = _served.catalog
    try:
        sources, inputs = _sources()
        value = sources.generation
        fresh = build(sources)
    except Exception as error:
        log.exception("the configuration of generation %s cannot be served; the last good one stays", value)
        _served.error, _served.refused = f"{type(error).__name__}: {error}"[:300], value
        return
    if _served.catalog is seen or _served.catalog is None or fresh.generation > _served.catalog.generation:
        _served.catalog, _served.inputs, _served.built_at = fresh, inputs, time.time()
        _served.error = _served.refused = None


def _sources() -> tuple[Sources, str]:
    """One consistent reading of everything, and its digest. The clock says whether a change fell into it."""
    for _reading in range(READINGS):
        before = _clock()
        document, secrets = read()
        grants = _grants()
        created = ConfigRevision.objects.order_by("number").values_list("at", flat=True).first()
        if _clock() == before:
            opened = {path: None if isinstance(text, Undecryptable) else text for path, text in secrets.items()}
            sources = Sources(
                document, opened, grants, os.environ, before, int(created.timestamp()) if created is not None else 0
            )
            digest = {"document": document, "secrets": secrets, "grants": {key: str(grants[key]) for key in grants}}
            return sources, fingerprint(digest)
    raise Unsettled(f"the configuration changed during each of {READINGS} readings")


def _clock() -> int:
    return ConfigClock.objects.values_list("value", flat=True).filter(pk=revisions.CLOCK_ID).first() or 0


def _grants() -> dict[str, Grant]:
    rows = ApiKey.objects.order_by("hash").values_list(
        *("hash", "name", "prefix", "scopes", "allowed_models", "expires_at", "enabled", "log_content", *LIMITS)
    )
    return {
        hash_: Grant(
            name=name,
            prefix=prefix,
            scopes=frozenset(scopes),
            allowed=tuple(allowed),
            expires_at=expires.timestamp() if expires else None,
            enabled=enabled,
            log_content=log_content == "on",
            windows=windows_of(f"api:{name}", dict(zip(LIMITS, limits, strict=True))),
        )
        for hash_, name, prefix, scopes, allowed, expires, enabled, log_content, *limits in rows
    }


def start_polling(interval: float = 0.5) -> None:
    """Follow the clock beside the requests, in a daemon thread (a greenlet under gevent). Once a process."""
    from routing import polling

    polling.start(interval)


revisions.on_change.append(refresh_here)
