"""The configuration as it is → a migration in the site's own app, which is made when it is not there yet.

site/gateway_site/__init__.py  apps.py  .gitignore
site/gateway_site/migrations/__init__.py
site/gateway_site/migrations/0001_revision_5.py  0001_revision_5.yaml     the migration, and what it says
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from routing.config import text
from routing.config.document import DocumentError
from routing.config.revisions import newest_number, reconcile
from routing.config.serialize import serialize
from routing.config.site_migrations import SITE_APP, last_done, steps_wait
from routing.config.write import write
from routing.models import ConfigRevision, SiteStep

NEEDED = ("providers", "routing")
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")

INIT = '''"""This site's own app: its migrations are the history of the gateway's configuration.

Written by ``manage.py export_config --as-migration``; keep it under version control.
"""
'''
APPS = """from django.apps import AppConfig


class GatewaySiteConfig(AppConfig):
    name = "gateway_site"
    verbose_name = "This site"
"""
IGNORED = "__pycache__/\n"
MIGRATION = '''"""The whole configuration, as it was at revision {number}: {name}.yaml, beside this file, says it.

Forwards makes a gateway's configuration that, as one revision; backwards goes back to the revision before it.
"""

from django.db import migrations

from routing.config.site_migrations import Configuration


class Migration(migrations.Migration):
    dependencies = [
{dependencies}
    ]
    operations = [Configuration("{name}.yaml")]
'''


class CannotExport(Exception):
    """Why no migration can be written now, for a person."""


def export_migration(name: str | None) -> Path | None:
    """Write the configuration as the site's next migration; its file, or None where the last one says the same.

    Here, where the configuration is in force already, the migration counts as applied. Raises CannotExport, OSError.
    """
    if name is not None and not NAME.fullmatch(name):
        raise CannotExport(f"“{name}” cannot name a migration: small letters, digits and _, as in add_mistral.")
    with transaction.atomic():
        reconcile()
        document = serialize()
        loader = MigrationLoader(connection)
        previous = _previous(loader)
        directory = settings.SITE_DIR / SITE_APP / "migrations"
        if previous is not None and _said(directory / f"{previous}.yaml") == document:
            return None
        full = f"{_next_number(loader):04}_{name or f'revision_{newest_number()}'}"
        _record(full, previous)
        _make_app(settings.SITE_DIR)
        write(directory / f"{full}.yaml", text.dump(document))
        write(directory / f"{full}.py", _migration(loader, full, previous))
    return directory / f"{full}.py"


def _previous(loader: MigrationLoader) -> str | None:
    """The site's newest migration, None where there is none. Raises CannotExport unless all are in force here."""
    if not apps.is_installed(SITE_APP):
        if (settings.SITE_DIR / SITE_APP).exists():
            raise CannotExport("Another export has made the site's app since this one began: try again.")
        return None
    leaves = sorted(name for _app, name in loader.graph.leaf_nodes(SITE_APP))
    if len(leaves) > 1:
        raise CannotExport(
            f"{' and '.join(leaves)} were written side by side: let one depend on the other, or remove one, first."
        )
    missing = sorted(
        name for app, name in loader.graph.nodes if app == SITE_APP and (app, name) not in loader.applied_migrations
    )
    if missing or steps_wait():
        which = ", ".join(missing) or "the last run failed"
        raise CannotExport(
            f"Not all migrations of the site are in force here ({which}), so a new one could undo what they say: "
            "run manage.py migrate first."
        )
    return leaves[0] if leaves else None


def _said(file: Path) -> object:
    try:
        return text.load(file.read_bytes())
    except (OSError, DocumentError):
        return None


def _next_number(loader: MigrationLoader) -> int:
    found = (re.match(r"\d+", name) for app, name in loader.graph.nodes if app == SITE_APP)
    return max((int(one[0]) for one in found if one), default=0) + 1


def _record(full: str, previous: str | None) -> None:
    """In force here already: taking it back leads to what the migration before it said, or to the first revision."""
    if previous is None:
        before = ConfigRevision.objects.values_list("number", flat=True).last()
    else:
        done = last_done(f"{previous}.yaml")
        before = done.after if done else None
    SiteStep.objects.create(document=f"{full}.yaml", before=before, after=newest_number())
    recorder = MigrationRecorder(connection)
    if (SITE_APP, full) not in recorder.applied_migrations():
        recorder.record_applied(SITE_APP, full)


def _make_app(site: Path) -> None:
    """The package, whole or not at all: half of it would keep the gateway from starting."""
    if (site / SITE_APP).exists():
        return
    draft = site / f".{SITE_APP}.{os.getpid()}"
    try:
        (draft / "migrations").mkdir(parents=True)
        for file, content in (
            ("__init__.py", INIT),
            ("apps.py", APPS),
            (".gitignore", IGNORED),
            ("migrations/__init__.py", ""),
        ):
            write(draft / file, content)
        draft.rename(site / SITE_APP)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _migration(loader: MigrationLoader, full: str, previous: str | None) -> str:
    needed = [leaf for app in NEEDED for leaf in loader.graph.leaf_nodes(app)]
    needed += [(SITE_APP, previous)] if previous else []
    lines = "\n".join(f'        ("{app}", "{name}"),' for app, name in needed)
    return MIGRATION.format(number=newest_number(), name=full, dependencies=lines)
