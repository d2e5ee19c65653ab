"""What lies beside manage.py, and what the environment says: configuration that a gateway takes over by itself, once.

While nobody has configured it (no person, importer or migration of the site), a start applies what it finds, in one
revision. Afterwards it overwrites nothing: a start that finds something else than was applied names it, and the command
that applies it. What was applied is remembered by a salted digest.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from routing.config import text
from routing.config.document import DocumentError, Problem
from routing.config.importers import environment, import_sources
from routing.config.importers.source import Source
from routing.config.revisions import INSTALLATION
from routing.management.telling import pasted
from routing.models import AppliedSource, ConfigRevision

FILES = ("endpoints_config.json", "router_config.json", "circuit_breaker_state.json")
ORIGIN = "environment"
MOST_TOLD = 3

log = logging.getLogger("switchyard.start")


def take_over(folder: Path) -> None:
    """Apply what is found in the environment and in ``folder``, or name what differs. Raises ImproperlyConfigured where
    a gateway that is not configured yet finds something that cannot be read."""
    untouched = not ConfigRevision.objects.exclude(origin=INSTALLATION).exists()
    try:
        waiting = [source for source in _found(folder) if not _is_applied(source)]
        if untouched and waiting:
            _apply(waiting)
    except DocumentError as error:
        reasons = "; ".join(map(str, error.problems))
        if untouched:
            raise ImproperlyConfigured(
                f"What is to configure this gateway at its first start is wrong: {reasons}. Correct it or take it away."
            ) from error
        log.warning("What lies beside manage.py cannot be read: %s", reasons)
        return
    for source in waiting if not untouched else ():
        _name(source)


def remember(sources: Iterable[Source], folder: Path) -> None:
    """Those of ``sources`` that ``take_over`` looks at have been applied as they are."""
    watched = {folder.resolve() / name for name in FILES}
    for source in sources:
        if source.name == environment.THE_ENVIRONMENT or Path(source.name).resolve() in watched:
            _remember(source)


def read(file: str | Path) -> Source:
    """A file as a source: at most one byte more than is accepted. Raises OSError."""
    with Path(file).open("rb") as opened:
        return Source(str(file), opened.read(text.MAX_BYTES + 1))


def _found(folder: Path) -> Iterator[Source]:
    own = environment.of_this_process()
    if environment.acts(own):
        yield own
    if not os.path.isdir(folder):
        raise DocumentError([Problem(str(folder), "is no folder that can be read (GATEWAY_CONFIG_DIR)")])
    for name in FILES:
        source = _beside(Path(name) if folder == settings.BASE_DIR == Path.cwd() else folder / name)
        if source is not None:
            yield source


def _beside(file: Path) -> Source | None:
    """None where there is no such file. Raises DocumentError: one that cannot be read, or a link that leads nowhere."""
    try:
        if file.is_fifo():
            raise DocumentError([Problem(str(file), "expected a file, not a pipe")])
        return read(file)
    except FileNotFoundError as error:
        if not file.is_symlink():
            return None
        raise DocumentError([Problem(str(file), "a link that leads nowhere")]) from error
    except OSError as error:
        raise DocumentError([Problem(str(file), error.strerror or "cannot be read")]) from error


def _apply(waiting: list[Source]) -> None:
    names = ", ".join(source.name for source in waiting)
    with transaction.atomic():
        outcome = import_sources(waiting, "system", ORIGIN, f"First start: {names}")
        for source in waiting:
            _remember(source)
    for line in (*outcome.told, *outcome.others):
        log.info("%s", line)
    for note in outcome.notes:
        log.warning("%s", note)


def _name(source: Source) -> None:
    """Say once that a source differs from what was applied; one that would change nothing needs no word."""
    try:
        outcome = import_sources([source], "system", ORIGIN, dry_run=True)
    except DocumentError as error:
        log.warning("Not applied, and wrong: %s", "; ".join(map(str, error.problems)))
        return
    count = len(outcome.changes) + len(outcome.others)
    if not count:
        _remember(source)
        return
    known = AppliedSource.objects.filter(name=_key(source)).exists()
    told = [change.path for change in outcome.changes] + list(outcome.others)
    log.warning(
        "%s: %s (%d to change: %s), and nothing was overwritten. To apply it: %s",
        source.name,
        "something else than what was applied" if known else "not applied yet",
        count,
        ", ".join(told[:MOST_TOLD]) + (" …" if count > MOST_TOLD else ""),
        pasted("import_config", "--environment" if source.name == environment.THE_ENVIRONMENT else source.name),
    )


def _remember(source: Source) -> None:
    salt = secrets.token_hex(16)
    said = {"salt": salt, "digest": _digest(source, salt)}
    AppliedSource.objects.update_or_create(name=_key(source), defaults=said)


def _is_applied(source: Source) -> bool:
    row = AppliedSource.objects.filter(name=_key(source)).first()
    return row is not None and hmac.compare_digest(row.digest, _digest(source, row.salt))


def _key(source: Source) -> str:
    return Path(source.name).name


def _digest(source: Source, salt: str) -> str:
    said = environment.essence(source) if source.name == environment.THE_ENVIRONMENT else source.data
    return hashlib.sha256(salt.encode() + said).hexdigest()
