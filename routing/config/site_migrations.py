"""Migrations of the site's own app, ``gateway_site`` in the data directory: each holds the whole configuration.

Such a migration may run while the tables are those of an older product than this code: on a fresh installation Django
runs it right after the product migrations that it names. So all it does is to note a step, in its own transaction.
Steps are taken when every product migration is in, oldest first, each as a revision of its own. One that fails stays
noted, with those behind it, and the next ``migrate`` or ``prepare`` tries again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.migrations import RunPython
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from routing.config import text
from routing.config.apply import apply
from routing.config.diff import Change
from routing.config.document import DocumentError
from routing.config.revisions import CLOCK_ID, NOTHING, newest_number, reconcile
from routing.config.rollback import NoSuchRevision, find
from routing.management.telling import lost_lines, missing_lines, operator
from routing.models import SiteStep

SITE_APP = "gateway_site"
ORIGIN = "migration"


class StepFailed(Exception):
    """A step that could not be taken, for a person: its file, and every problem with its place in the document."""


class Configuration(RunPython):
    """The operation of a site migration: the configuration becomes what ``document``, a file beside it, says.

    Backwards it goes back to the revision before the migration's own.
    """

    def __init__(self, document: str) -> None:
        self.document = document
        super().__init__(self._forwards, self._backwards)

    def deconstruct(self) -> Any:
        return type(self).__name__, [self.document], {}

    def describe(self) -> str:
        return f"The configuration of {self.document}"

    def _forwards(self, historical: Any, schema_editor: Any) -> None:
        """Nothing where another host's ``migrate`` has done it since this one began: it would be applied twice."""
        historical.get_model("routing", "ConfigClock").objects.select_for_update().get_or_create(pk=CLOCK_ID)
        applied = MigrationRecorder(schema_editor.connection).applied_migrations()
        if (SITE_APP, self.document.removesuffix(".yaml")) not in applied:
            self._note(historical, backwards=False)

    def _backwards(self, historical: Any, schema_editor: Any) -> None:
        self._note(historical, backwards=True)

    def _note(self, historical: Any, backwards: bool) -> None:
        """A step, or the end of the opposite one that was still to be taken. By the tables as they are now."""
        steps = historical.get_model("routing", "SiteStep").objects
        opposite = steps.filter(document=self.document, after=None, backwards=not backwards)
        if not opposite.delete()[0]:
            steps.create(document=self.document, backwards=backwards)


def after_migrate(sender: Any, verbosity: int = 1, stdout: Any = None, **_options: Any) -> None:
    """Receiver of ``post_migrate``. Raises CommandError, which names the file and the place in it."""
    try:
        warn = stdout.write if stdout else lambda line: None
        take_steps(warn if verbosity else lambda line: None, warn)
    except StepFailed as error:
        raise CommandError(str(error)) from error


def steps_wait() -> bool:
    """Whether steps are still to be taken. The product's tables must be up to date."""
    return apps.is_installed(SITE_APP) and SiteStep.objects.filter(after=None).exists()


def take_steps(say: Callable[[str], Any], warn: Callable[[str], Any]) -> None:
    """Take the steps that wait, if every product migration is in. ``warn`` is told what cannot be undone. Raises
    StepFailed."""
    if not apps.is_installed(SITE_APP) or not _product_is_migrated():
        return
    taken = False
    while True:
        with transaction.atomic():
            reconcile("installation")  # what product migrations wrote; and others who take steps wait for their turn
            step = SiteStep.objects.filter(after=None).first()
            if step is None:
                break
            newest = newest_number()
            changes = _backwards(step) if step.backwards else _forwards(step, newest)
            step.after = newest_number()
            step.save()
        way = "taken back" if step.backwards else "applied"
        say(f"  {SITE_APP}.{name_of(step)} {way}: {len(changes)} changed, revision #{step.after}.")
        for line in lost_lines(changes, dry_run=False):
            warn(f"  {line}")
        taken = True
    for line in missing_lines() if taken else ():
        say(f"  {line}")


def site_directory() -> Path:
    """Where the installed site app has its migrations and their documents."""
    return Path(apps.get_app_config(SITE_APP).path) / "migrations"


def name_of(step: SiteStep) -> str:
    """The migration that a step belongs to: its document is named after it."""
    return step.document.removesuffix(".yaml")


def last_done(document: str) -> SiteStep | None:
    """The step that was last taken for ``document``, if its migration is in force here."""
    step = SiteStep.objects.filter(document=document, after__isnull=False).last()
    return None if step is None or step.backwards else step


def _product_is_migrated() -> bool:
    loader = MigrationLoader(connection)
    return all(node in loader.applied_migrations for node in loader.graph.nodes if node[0] != SITE_APP)


def _forwards(step: SiteStep, newest: int) -> list[Change]:
    file = site_directory() / step.document
    step.before = newest
    try:
        with file.open("rb") as opened:
            document = text.load(opened.read(text.MAX_BYTES + 1))
        return apply(document, operator(), ORIGIN, f"{SITE_APP}.{name_of(step)}")
    except (DocumentError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StepFailed(f"{file} was not applied, the configuration is as it was:\n{why}") from error


def _backwards(step: SiteStep) -> list[Change]:
    """To the revision before the step forwards. Where none is known (the migration was faked), nothing changes."""
    forwards = last_done(step.document)
    step.before = forwards.before if forwards else None
    if step.before is None:
        return []
    try:
        document = find(step.before).canonical() if step.before else NOTHING
        said = f"{SITE_APP}.{name_of(step)} taken back: to revision {step.before}"
        return apply(document, operator(), ORIGIN, said)
    except (DocumentError, NoSuchRevision) as error:
        what = f"{SITE_APP}.{name_of(step)} was not taken back to revision {step.before}"
        raise StepFailed(f"{what}, the configuration is as it was:\n{error}") from error
