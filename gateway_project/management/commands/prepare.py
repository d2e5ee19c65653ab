"""``manage.py prepare``: everything between a checkout and a running gateway. Does only what is still to be done."""

from __future__ import annotations

import hashlib
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.exceptions import NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor

from gateway_project import first_start, listening
from gateway_project.alone import alone
from routing.config import beside, site_migrations
from routing.management.telling import tell_missing

UNUSED = ["redoc", "rest_framework"]  # folders of packages' pages that no address of ours shows
KEY_PIPE = "GATEWAY_FIRST_KEY_FD"


class Command(BaseCommand):
    """Idempotent and without questions; several hosts may run it at once."""

    help = "Prepares data directory, database, first administrator and key, and static files."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--serve", action="store_true", help="then become gunicorn, which serves the gateway")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["serve"]:
                listening.refuse_unusable(settings.HOST, settings.PORT)
            with alone(settings.DATA_DIR):
                migrated = self.migrate()
                if migrated:
                    first_start.record_installation()
                beside.take_over(settings.CONFIG_DIR)
                login = first_start.install(self.deliver)
                self.collect_static()
        except (ImproperlyConfigured, CommandError, NodeNotFoundError) as error:
            self.refuse(str(error), error)
        except (OperationalError, psycopg.OperationalError) as error:
            reason = str(error).strip().splitlines()[0]
            self.refuse(f"The database of DATABASE_URL cannot be used: {reason}", error)
        if options["serve"]:
            serve(login.key if login and sys.stdout.isatty() else None)

    def refuse(self, sentence: str, cause: Exception) -> NoReturn:
        """One sentence, without the traceback or the "CommandError:" that a newcomer would stumble over."""
        self.stderr.write(sentence)
        raise SystemExit(2) from cause

    def migrate(self) -> bool:
        """Bring the tables up to date; True, and said, only if there was something to do."""
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.stdout.write(f"Preparing the database ({len(plan)} steps)…")
        if not plan and not site_migrations.steps_wait():
            return False
        call_command("migrate", interactive=False, verbosity=0)
        tell_missing(self)
        return True

    def deliver(self, login: first_start.Login) -> None:
        """Tell the login once: to a terminal, else in a file that only its owner reads."""
        lines = login.lines(listening.base_url(settings.HOST, settings.PORT, settings.PUBLIC_URL) + "/admin/")
        if login.password is None and login.key is None:
            return
        if sys.stdout.isatty():
            self.stdout.write("\nKeep these; they are not shown again:\n  " + "\n  ".join(lines) + "\n")
        else:
            file = settings.DATA_DIR / "first-login.txt"
            first_start.write_login(file, lines)
            self.stdout.write(f"The first login is in {file}")

    def collect_static(self) -> None:
        """Collect the admin's files, if any differs from those collected last."""
        stamp = Path(settings.STATIC_ROOT) / ".collected"
        wanted = fingerprint()
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted)


def fingerprint() -> str:
    """A digest over name, size and time of every static file and the way they are stored."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = os.stat(storage.path(name))
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def serve(key: str | None) -> None:
    """Become gunicorn. A key that was just generated goes through a pipe: not to the disk, nor into the environment."""
    if key:
        reader, writer = os.pipe()
        os.write(writer, key.encode())
        os.close(writer)
        os.set_inheritable(reader, True)
        os.environ[KEY_PIPE] = str(reader)
    sys.stdout.flush()
    connection.close()
    config = str(settings.BASE_DIR / "gunicorn.conf.py")
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        config,
        "--chdir",
        str(settings.BASE_DIR),
        "gateway_project.wsgi",
    ]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and words
