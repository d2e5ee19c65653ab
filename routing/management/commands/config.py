"""``manage.py config …``: the history of the configuration, and the way back."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing.config import text
from routing.config.diff import change
from routing.config.document import DocumentError
from routing.config.revisions import reconcile
from routing.config.rollback import NoSuchRevision, compare, find, rollback
from routing.management.telling import DROP_SECRETS, lines, operator, tell
from routing.models import ConfigRevision

LOG_LINES = 20


class Command(BaseCommand):
    help = "The history of the configuration: list, show, compare, go back. Nothing here shows secrets or API keys."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
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
        back.add_argument("--drop-secrets", action="store_true", help=DROP_SECRETS)
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
        lines(self, (change(stored) for stored in row.diff))

    def do_diff(self, first: int, second: int, **_options: Any) -> None:
        changes = compare(first, second)
        lines(self, changes)
        if not changes:
            self.stdout.write(f"Revisions #{first} and #{second} hold the same configuration.")

    def do_rollback(self, number: int, dry_run: bool, drop_secrets: bool, **_options: Any) -> None:
        tell(self, rollback(number, operator(), dry_run=dry_run, drop_secrets=drop_secrets), dry_run)

    def do_reconcile(self, **_options: Any) -> None:
        number = reconcile()
        if number is None:
            self.stdout.write("Nothing was changed outside.")
        else:
            self.stdout.write(f"Recorded as revision #{number}:")
            lines(self, (change(stored) for stored in find(number).diff))
