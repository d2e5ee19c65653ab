"""What going back or an import would do: tried, looked at, undone. It is done only if nothing changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from providers.configuration import Look
from routing.admin.watching import look_at
from routing.config.document import DocumentError, SecretsWouldMove
from routing.config.revisions import Revision, rehearsal
from routing.management.telling import missing_secrets


class ChangedMeanwhile(Exception):
    """Somebody changed the configuration after what would change had been shown."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """``look`` and what was done (``outcome``), or the ``problems`` for which it cannot be; ``secrets_move``: they are
    that stored secrets would go elsewhere. ``missing``: secrets to enter afterwards; ``stamp``: of all there is."""

    stamp: str
    look: Look | None = None
    outcome: Any = None
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    secrets_move: bool = False


def rehearsed(work: Callable[[], Any]) -> Rehearsed:
    """Try ``work``; nothing of it stays."""
    with rehearsal() as opened:
        lacking = set(missing_secrets())
        try:
            outcome = work()
        except DocumentError as error:
            moves = isinstance(error, SecretsWouldMove)
            return Rehearsed(opened.stamp(), problems=tuple(map(str, error.problems)), secrets_move=moves)
        missing = tuple(name for name in missing_secrets() if name not in lacking)
        return Rehearsed(opened.stamp(), look_at(opened), outcome, missing)


def same_still(opened: Revision, stamp: str) -> None:
    """Raises ChangedMeanwhile where what ``stamp`` was made of has changed. Within the revision."""
    if opened.stamp() != stamp:
        raise ChangedMeanwhile
