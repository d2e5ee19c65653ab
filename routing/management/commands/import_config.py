"""``manage.py import_config FILE…``: configuration files, our own and other systems', into the configuration."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from routing.config import beside, text
from routing.config.document import DocumentError
from routing.config.importers import FORMATS, environment, import_sources
from routing.config.importers.source import Source
from routing.management.telling import DROP_SECRETS, operator, tell


class Command(BaseCommand):
    """All files are one change: one transaction, one revision, or nothing."""

    help = "Take over configuration files: " + "; ".join(f"{one.label} ({one.sign})" for one in FORMATS) + "."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", metavar="FILE", help="a file, or - for standard input")
        parser.add_argument(
            "--environment",
            action="store_true",
            help=f"what this gateway's own environment and .env say ({', '.join(environment.ACTED_ON)})",
        )
        parser.add_argument("--dry-run", action="store_true", help="only print what would change")
        parser.add_argument("--drop-secrets", action="store_true", help=DROP_SECRETS)

    def handle(self, *args: Any, files: list[str], dry_run: bool, **options: Any) -> None:
        if not files and not options["environment"]:
            raise CommandError("Name a file, or --environment.")
        message = " ".join(["import_config", *(["--environment"] if options["environment"] else []), *files])
        how = {"dry_run": dry_run, "drop_secrets": options["drop_secrets"]}
        try:
            sources = [*(self._environment() if options["environment"] else ()), *(_read(file) for file in files)]
            outcome = import_sources(sources, operator(), "command", message, **how)
        except DocumentError as error:
            raise CommandError(f"Nothing was imported, nothing was changed:\n{error}") from error
        except DatabaseError as error:
            raise CommandError("The database did not answer in time: nothing was imported. Try again.") from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if not dry_run:
            beside.remember(sources, settings.CONFIG_DIR)
        for note in outcome.notes:
            self.stdout.write(self.style.WARNING(f"! {note}"))
        tell(self, outcome.changes, dry_run, outcome.others)

    def _environment(self) -> list[Source]:
        source = environment.of_this_process()
        if environment.acts(source):
            return [source]
        self.stdout.write(f"The environment sets none of {', '.join(environment.ACTED_ON)}; keys need no import.")
        return []


def _read(file: str) -> Source:
    """At most one byte more than is accepted."""
    if file == "-":
        return Source("standard input", sys.stdin.buffer.read(text.MAX_BYTES + 1))
    return beside.read(file)
