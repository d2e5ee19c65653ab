"""``manage.py drain_records``: write all finished spool files to the database, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from metrics import contents, drain, spool


class Command(BaseCommand):
    help = "Write the records of all finished spool files to the database. Safe beside a running gateway."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        done = drain.drain(spool.default_directory())
        contents.drain(contents.directory())
        self.stdout.write(
            f"{done.records} records written, {done.known} known already, {done.rejected} rejected; "
            f"{done.files} files finished, {len(spool.files(spool.default_directory()))} still in use."
        )
