"""``manage.py export_config``: the whole configuration as text, or as a migration of the site's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing.config import text
from routing.config.revisions import rehearsal
from routing.config.site_export import CannotExport, export_migration
from routing.config.write import write


class Command(BaseCommand):
    help = "Writes the configuration as YAML. Secrets and API keys are not part of it; import_config reads it back."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: standard output")
        parser.add_argument(
            "--as-migration",
            nargs="?",
            const="",
            metavar="NAME",
            help="write it as the next migration of the site's own app, in the data directory",
        )

    def handle(self, *args: Any, file: Path | None, as_migration: str | None, **options: Any) -> None:
        if file is not None and as_migration is not None:
            raise CommandError("Give a file or --as-migration, not both: migrations have a place of their own.")
        try:
            if as_migration is None:
                self.export(file)
            else:
                self.export_migration(as_migration or None)
        except BrokenPipeError:  # the reader (head, less) has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except CannotExport as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def export(self, file: Path | None) -> None:
        with rehearsal() as reading:  # nobody writes meanwhile: one consistent reading
            document = text.dump(reading.before.document)
        if file is None:
            self.stdout.write(document, ending="")
        else:
            write(file, document)
            self.stdout.write(f"Configuration written to {file}; secrets and API keys are not part of it.")

    def export_migration(self, name: str | None) -> None:
        file = export_migration(name)
        if file is None:
            self.stdout.write("Nothing has changed since the site's last migration; nothing was written.")
        else:
            self.stdout.write(f"{file}\n{file.with_suffix('.yaml')}")
