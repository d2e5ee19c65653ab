"""``manage.py config …``: the configuration as text, its history, and the way back."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers.models import ProviderKey
from routing.config import text
from routing.config.apply import apply
from routing.config.diff import Change, change, render
from routing.config.document import DocumentError
from routing.config.revisions import reconcile
from routing.config.rollback import NoSuchRevision, compare, find, rollback
from routing.config.serialize import serialize
from routing.models import ConfigRevision

LOG_LINES = 20


def operator() -> str:
    """Who runs the command, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class Command(BaseCommand):
    help = "Export, import, compare and roll back the configuration. Documents never hold secrets or API keys."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        export = commands.add_parser("export", help="write the configuration as YAML")
        export.add_argument("file", nargs="?", help="default: standard output")
        load = commands.add_parser("import", help="make the configuration what a YAML file says")
        load.add_argument("file", help="a file, or - for standard input")
        load.add_argument("--dry-run", action="store_true", help="only print what would change")
        log = commands.add_parser("log", help="list the newest revisions")
        log.add_argument("--limit", type=int, default=LOG_LINES)
        show = commands.add_parser("show", help="print a revision and its changes")
        show.add_argument("number", type=int)
        show.add_argument("--document", action="store_true", help="print the whole configuration as it was after it")
        compared = commands.add_parser("diff", help="compare two revisions")
        compared.add_argument("first", type=int)
        compared.add_argument("second", type=int)
        back = commands.add_parser("rollback", help="go back to a revision, as a new one")
        back.add_argument("number", type=int)
        back.add_argument("--dry-run", action="store_true", help="only print what would change")
        commands.add_parser("reconcile", help="record what was changed outside as a revision")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        try:
            getattr(self, f"do_{command}")(**options)
        except (DocumentError, NoSuchRevision) as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:  # the reader (head, less) has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def do_export(self, file: str | None, **_options: Any) -> None:
        written = text.dump(serialize())
        if file is None:
            self.stdout.write(written, ending="")
        else:
            Path(file).write_text(written, encoding="utf-8")
            self.stdout.write(f"Configuration written to {file}; secrets and API keys are not part of it.")

    def do_import(self, file: str, dry_run: bool, **_options: Any) -> None:
        read = sys.stdin.buffer.read(text.MAX_BYTES + 1) if file == "-" else _read(Path(file))
        try:
            changes = apply(text.load(read), operator(), "command", f"config import {file}", dry_run=dry_run)
        except DocumentError as error:
            raise CommandError(f"{file} was not imported, nothing was changed:\n{error}") from error
        self._tell(changes, dry_run)

    def do_log(self, limit: int, **_options: Any) -> None:
        rows = ConfigRevision.objects.defer("document")[: max(0, limit)]
        for row in rows:
            said = f"  {row.message}" if row.message else ""
            changes = f"{len(row.diff)} change{'' if len(row.diff) == 1 else 's'}"
            self.stdout.write(
                f"#{row.number}  {row.at:%Y-%m-%d %H:%M:%S}Z  {row.actor} ({row.origin})  {changes}{said}"
            )
        if not rows:
            self.stdout.write("No revision yet.")

    def do_show(self, number: int, document: bool, **_options: Any) -> None:
        row = find(number)
        if document:
            self.stdout.write(text.dump(row.canonical()), ending="")
            return
        self.stdout.write(f"Revision #{row.number} of {row.at:%Y-%m-%d %H:%M:%S}Z by {row.actor} ({row.origin})")
        if row.message:
            self.stdout.write(row.message)
        self._lines(change(stored) for stored in row.diff)

    def do_diff(self, first: int, second: int, **_options: Any) -> None:
        changes = compare(first, second)
        self._lines(changes)
        if not changes:
            self.stdout.write(f"Revisions #{first} and #{second} hold the same configuration.")

    def do_rollback(self, number: int, dry_run: bool, **_options: Any) -> None:
        self._tell(rollback(number, operator(), dry_run=dry_run), dry_run)

    def do_reconcile(self, **_options: Any) -> None:
        number = reconcile()
        if number is None:
            self.stdout.write("Nothing was changed outside.")
        else:
            self.stdout.write(f"Recorded as revision #{number}:")
            self._lines(change(stored) for stored in find(number).diff)

    def _tell(self, changes: list[Change], dry_run: bool) -> None:
        self._lines(changes)
        lost = sum(max(0, stored_secrets(change.before) - stored_secrets(change.after)) for change in changes)
        if lost:
            verb = "would be" if dry_run else "were"
            self.stdout.write(
                self.style.WARNING(
                    f"{lost} stored secrets {verb} removed with this; no history keeps them: going back does not bring "
                    "them back."
                )
            )
        if not changes:
            self.stdout.write("Nothing to change.")
        elif dry_run:
            self.stdout.write(f"Dry run: {len(changes)} to change, nothing was written.")
        else:
            newest = ConfigRevision.objects.values_list("number", flat=True).first()
            self.stdout.write(self.style.SUCCESS(f"{len(changes)} changed, revision #{newest}."))
            self._tell_missing_keys()

    def _tell_missing_keys(self) -> None:
        stored = ProviderKey.objects.filter(env_var="", enabled=True).select_related("provider")
        names = sorted(f"{key.provider.name}/{key.label}" for key in stored if not key.secret)
        if names:
            self.stdout.write(self.style.WARNING(f"Keys to be entered in the admin: {', '.join(names)}."))

    def _lines(self, changes: Iterable[Change]) -> None:
        styles = {"+": self.style.SUCCESS, "-": self.style.ERROR, "~": self.style.WARNING}
        for line in render(changes):
            self.stdout.write(styles[line[0]](line))


def stored_secrets(part: Any) -> int:
    """How many stored secrets a part of a document stands for."""
    if isinstance(part, dict):
        own = part.get("stored") is True or part.get("secret") is True
        return own + sum(stored_secrets(inner) for inner in part.values())
    if isinstance(part, list):
        return sum(stored_secrets(inner) for inner in part)
    return 0


def _read(file: Path) -> bytes:
    """At most one byte more than is accepted."""
    with file.open("rb") as source:
        return source.read(text.MAX_BYTES + 1)
