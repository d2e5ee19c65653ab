"""What commands that change the configuration print: the coloured difference, and what came of it."""

from __future__ import annotations

import getpass
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from providers.models import Provider, ProviderHeader, ProviderKey
from providers.secrets import Undecryptable
from routing.config.diff import Change, lost_secrets, render
from routing.models import ConfigRevision

DROP_SECRETS = (
    "remove the stored keys of providers whose requests would go to another server; they can't be brought back"
)


def operator() -> str:
    """Who runs the command, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def pasted(*words: str) -> str:
    """``manage.py`` with these words, as it can be pasted in the installation's directory."""
    program = Path(sys.executable)
    if program.is_relative_to(settings.BASE_DIR):
        program = program.relative_to(settings.BASE_DIR)
    return shlex.join([str(program), "manage.py", *words])


def lines(command: BaseCommand, changes: Iterable[Change]) -> None:
    """A coloured line a change."""
    styles = {"+": command.style.SUCCESS, "-": command.style.ERROR, "~": command.style.WARNING}
    for line in render(changes):
        command.stdout.write(styles[line[0]](line))


def tell(command: BaseCommand, changes: Sequence[Change], dry_run: bool, others: Sequence[str] = ()) -> None:
    """The difference, ``others`` that were done beside it, secrets that went, and how it ended."""
    lines(command, changes)
    for other in others:
        command.stdout.write(command.style.WARNING(f"~ {other}"))
    for line in lost_lines(changes, dry_run):
        command.stdout.write(command.style.WARNING(line))
    count = len(changes) + len(others)
    if not count:
        command.stdout.write("Nothing to change.")
    elif dry_run:
        command.stdout.write(f"Dry run: {count} to change, nothing was written.")
    else:
        newest = ConfigRevision.objects.values_list("number", flat=True).first()
        revision = f", revision #{newest}" if changes else ""
        command.stdout.write(command.style.SUCCESS(f"{count} changed{revision}."))
        tell_missing(command)


def lost_lines(changes: Iterable[Change], dry_run: bool) -> list[str]:
    """What to say of the stored secrets that go with ``changes``; nothing where none does."""
    lost = len(lost_secrets(changes))
    if not lost:
        return []
    verb = "would be" if dry_run else "were"
    kept = "no history keeps them: going back does not bring them back."
    return [f"{lost} stored secrets {verb} removed with this; {kept}"]


def tell_missing(command: BaseCommand) -> None:
    """The stored secrets that the configuration speaks of and this installation has not been given."""
    for line in missing_lines():
        command.stdout.write(command.style.WARNING(line))


def missing_lines() -> list[str]:
    """The same as a line; nothing where none is missing."""
    names = missing_secrets()
    return [f"Secrets to be entered in the admin: {', '.join(names)}."] if names else []


def missing_secrets() -> list[str]:
    """``provider/label`` of each stored secret that the configuration speaks of and that is not stored here."""
    keys = ProviderKey.objects.filter(env_var="", enabled=True).select_related("provider")
    headers = ProviderHeader.objects.filter(secret=True).select_related("provider")
    names = [f"{key.provider.name}/{key.label}" for key in keys if not key.secret]
    names += [f"{header.provider.name}/{header.name}" for header in headers if not header.value]
    names += [f"{one.name}/proxy" for one in Provider.objects.all() if isinstance(one.proxy, Undecryptable)]
    return sorted(names)
