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


def rollback(number: int, actor: str, *, dry_run: bool = False, drop_secrets: bool = False) -> list[Change]:
    """Apply the document of revision ``number`` as a new revision of origin "rollback"; what it changes.

    The present keys are not sent to an earlier server: where the document names one, they are dropped if
    ``drop_secrets`` says so, else SecretsWouldMove (a DocumentError) is raised. Raises NoSuchRevision; DocumentError if
    the document no longer fits this version of the product.
    """
    document = find(number).canonical()
    message = f"Back to revision {number}"
    return apply(document, actor, "rollback", message, dry_run=dry_run, drop_secrets=drop_secrets)
