"""Back to an earlier revision: its document is applied as a new one. Secrets and API keys stay as they are now."""

from __future__ import annotations

from routing.config.apply import apply
from routing.config.diff import Change, diff
from routing.models import ConfigRevision


class NoSuchRevision(LookupError):
    """There is no revision of this number."""


def find(number: int) -> ConfigRevision:
    """The revision ``number``. Raises NoSuchRevision."""
    row = ConfigRevision.objects.filter(number=number).first()
    if row is None:
        raise NoSuchRevision(f"There is no revision #{number}.")
    return row


def compare(first: int, second: int) -> list[Change]:
    """What differs between two revisions' documents."""
    return diff(find(first).canonical(), find(second).canonical())


def rollback(number: int, actor: str, *, dry_run: bool = False) -> list[Change]:
    """Apply the document of revision ``number`` as a new revision of origin "rollback"; what it changes.

    Raises NoSuchRevision; DocumentError if the document no longer fits this version of the product.
    """
    return apply(find(number).canonical(), actor, "rollback", f"Back to revision {number}", dry_run=dry_run)
