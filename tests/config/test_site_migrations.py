"""The configuration as migrations: exported at one installation, carried to another, and through an upgrade."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import yaml

from routing.config.site_export import CannotExport, export_migration
from tests.running import ROOT
from tests.services import DATABASES

RUNNER = Path(__file__).parent / "site_process.py"
PRODUCT = ("gateway_project", "routing", "providers", "metrics")
SECRETS = {
    "SECRET_KEY": "site-tests-" + "0123456789" * 5,
    "GATEWAY_ENCRYPTION_KEYS": "c2l0ZS10ZXN0cy1zaXRlLXRlc3RzLXNpdGUtdGVzdHM=",
}
INSTALLED, FIRST, SECOND = ["installation", ""], "gateway_site.0001_first", "gateway_site.0002_second"


class Installation:
    """A product tree, a data directory, a database. ``run`` does commands in one process and tells how things are."""

    def __init__(self, data: Path, tree: Path = ROOT, **environment: str) -> None:
        self.data, self.tree = data, tree
        self.environment = {
            "PATH": os.environ["PATH"],
            "GATEWAY_IGNORE_DOTENV": "yes",
            "GATEWAY_DATA_DIR": str(data),
            "PYTHONWARNINGS": "error",
            "PYTHONDONTWRITEBYTECODE": "1",
            **SECRETS,
            **environment,
        }
        self.migrations = data / "site" / "gateway_site" / "migrations"

    def process(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=self.tree, env=self.environment, capture_output=True, text=True, timeout=100
        )

    def run(self, *commands: str) -> dict[str, Any]:
        done = self.process(str(RUNNER), json.dumps([command.split(maxsplit=3) for command in commands]))
        assert done.returncode == 0, done.stdout + done.stderr
        *printed, last = done.stdout.splitlines()
        return json.loads(last) | {"printed": "\n".join(printed).strip()}

    def copy(self, data: Path, tree: Path = ROOT, **environment: str) -> Installation:
        shutil.copytree(self.data, data)
        return Installation(data, tree, **environment)

    def site_from(self, other: Installation) -> None:
        shutil.copytree(other.data / "site", self.data / "site", dirs_exist_ok=True)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Installation:
    """A fresh installation, never to be changed."""
    one = Installation(tmp_path_factory.mktemp("prepared") / "data")
    one.run("prepare")
    return one


@pytest.fixture(scope="module")
def author(tmp_path_factory, prepared) -> Installation:
    """Where two changes were made by hand, each exported as a migration. Never to be changed."""
    one = prepared.copy(tmp_path_factory.mktemp("author") / "data")
    for name in ("first", "second"):
        one.run(f"model {name}", f"export_config --as-migration {name}")
    return one


@pytest.fixture
def another(tmp_path, prepared, author) -> Installation:
    """Another installation, which has been given the author's site app and not migrated yet."""
    one = prepared.copy(tmp_path / "data")
    one.site_from(author)
    return one


def names(state: dict[str, Any]) -> list[list[str]]:
    """The public models after each command."""
    return [sorted(document.get("models", {})) for document in state["documents"]]


def test_what_was_exported_is_written_for_review_and_in_force_where_it_came_from(author):
    first, second = author.migrations / "0001_first.yaml", author.migrations / "0002_second.yaml"
    assert sorted(file.name for file in author.migrations.glob("0*")) == [
        "0001_first.py", "0001_first.yaml", "0002_second.py", "0002_second.yaml",
    ]  # fmt: skip
    before, after = first.read_text().splitlines(), second.read_text().splitlines()
    assert [line for line in after if line not in before] == ["  second: {strategy: priority}"]
    assert [line for line in before if line not in after] == []
    code = (author.migrations / "0002_second.py").read_text()
    assert '("gateway_site", "0001_first"),' in code
    for app in ("routing", "providers"):
        leaf = sorted((ROOT / app / "migrations").glob("0*.py"))[-1].stem
        assert f'("{app}", "{leaf}"),' in code
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in author.migrations.glob("0*"))
    state = author.run("migrate")
    assert "No migrations to apply" in state["printed"]
    assert [row[0] for row in state["revisions"]] == ["installation", "models", "models"]


def test_another_installation_becomes_the_same_by_migrating_and_goes_back_by_reversing(author, another):
    state = another.run("migrate", "migrate", "migrate gateway_site 0001", "migrate gateway_site zero", "migrate")
    assert names(state) == [["first", "second"], ["first", "second"], ["first"], [], ["first", "second"]]
    assert state["revisions"] == [
        [*INSTALLED, 25],
        ["migration", FIRST, 1],
        ["migration", SECOND, 1],
        ["migration", f"{SECOND} taken back: to revision 2", 1],
        ["migration", f"{FIRST} taken back: to revision 1", 1],
        ["migration", FIRST, 1],
        ["migration", SECOND, 1],
    ]
    assert another.run("export_config")["printed"] == author.run("export_config")["printed"]


def test_where_it_was_exported_it_goes_back_to_the_migration_before_and_to_the_installation(author, tmp_path):
    here = author.copy(tmp_path / "data")
    state = here.run("model third", "migrate", "migrate gateway_site 0001", "migrate gateway_site zero")
    assert names(state) == [["first", "second", "third"]] * 2 + [["first"], []]


def test_a_migration_is_the_whole_and_its_reverse_brings_back_what_was_there(another):
    state = another.run("model mine", "migrate", "migrate gateway_site zero")
    assert names(state) == [["mine"], ["first", "second"], ["mine"]]


def test_the_document_that_cannot_be_applied_is_named_and_tried_again(another):
    file = another.migrations / "0001_first.yaml"
    right = file.read_text()
    file.write_text(right.replace("  first: {strategy: priority}", "  first: {strategy: whimsical}"))
    said = another.run("model mine", "migrate")
    assert said["error"].startswith(f"{file} was not applied, the configuration is as it was:\nmodels/first/strategy: ")
    assert names(said)[-1] == ["mine"]
    done = another.process("manage.py", "prepare")
    assert (done.returncode, done.stderr) == (2, f"{said['error']}\n")
    assert "run manage.py migrate first" in another.run("export_config --as-migration")["error"]
    file.write_text(right)
    assert names(another.run("prepare")) == [["first", "second"]]


def test_what_was_never_applied_is_not_taken_back(another):
    (another.migrations / "0001_first.yaml").unlink()
    assert another.run("model mine", "migrate")["error"].endswith(":\nNo such file or directory")
    state = another.run("migrate gateway_site zero", "migrate gateway_site zero")
    assert (names(state)[-1], len(state["revisions"])) == (["mine"], 2)


def test_faked_migrations_change_nothing(another):
    state = another.run("migrate --fake gateway_site", "migrate", "migrate gateway_site zero", "migrate",
                        "migrate --fake gateway_site zero", "migrate")  # fmt: skip
    assert names(state) == [[], [], []] + [["first", "second"]] * 3


def test_an_export_without_a_change_writes_nothing(author, tmp_path):
    here = author.copy(tmp_path / "data")
    before = sorted(os.listdir(here.migrations))
    assert "Nothing has changed" in here.run("export_config --as-migration")["printed"]
    assert sorted(os.listdir(here.migrations)) == before
    here.run("model third", "export_config --as-migration")
    assert (here.migrations / "0003_revision_4.yaml").is_file()


def test_migrations_written_side_by_side_are_named(author, tmp_path):
    here = author.copy(tmp_path / "data")
    for suffix in ("py", "yaml"):
        text = (here.migrations / f"0002_second.{suffix}").read_text()
        (here.migrations / f"0002_other.{suffix}").write_text(text.replace("0002_second", "0002_other"))
    state = here.run("export_config --as-migration")
    assert "0002_other and 0002_second were written side by side" in state["error"]


def test_of_two_first_exports_at_once_the_second_has_to_begin_anew(prepared, author, tmp_path):
    here = prepared.copy(tmp_path / "data")
    code = (
        f"import shutil; shutil.copytree({str(author.data / 'site')!r}, {str(here.data / 'site')!r});"
        "from django.core.management import call_command; call_command('export_config', '--as-migration', 'mine')"
    )
    done = here.process("manage.py", "shell", "-c", code)
    assert "Another export has made the site's app" in done.stderr
    assert not list(here.migrations.glob("*mine*"))


def test_what_another_host_has_migrated_meanwhile_is_not_applied_again(another):
    code = (
        "from django.core.management import call_command; from django.db import connection;"
        "from django.db.migrations.executor import MigrationExecutor as E; mine = E(connection);"
        "all = mine.loader.graph.leaf_nodes(); plan = mine.migration_plan(all); call_command('migrate');"
        "mine.migrate(all, plan); call_command('migrate')"
    )
    assert another.process("manage.py", "shell", "-c", code).returncode == 0
    state = another.run("migrate gateway_site zero")
    assert names(state) == [[]]
    assert [said for origin, said, _ in state["revisions"] if origin == "migration"][:2] == [FIRST, SECOND]
    assert len(state["revisions"]) == 5


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Add-Mistral", "0003_more", "../up", "été", "", "x" * 61])
def test_wrong_names_are_refused(name):
    with pytest.raises(CannotExport, match="small letters, digits and _"):
        export_migration(name)


def test_nothing_secret_is_written_and_what_is_missing_is_told(prepared, tmp_path):
    here = prepared.copy(tmp_path / "data")
    code = (
        "from providers.models import *; p = Provider.objects.get(name='openai'); p.proxy = 'http://u:very-secret@p.test';"
        "p.save(); k = p.keys.get(); k.env_var = ''; k.secret = 'sk-very-secret'; k.save()"
    )
    assert here.process("manage.py", "shell", "-c", code).returncode == 0
    here.run("export_config --as-migration")
    written = "".join(file.read_text() for file in (here.data / "site").rglob("*.*"))
    assert "proxy: {stored: true}" in written
    assert "very-secret" not in written
    other = prepared.copy(tmp_path / "other")
    other.site_from(here)
    done = other.process("manage.py", "prepare")
    assert "Secrets to be entered in the admin: openai/openai-api-key, openai/proxy." in done.stdout


def test_what_secrets_a_migration_takes_away_or_wants_is_told_by_migrate_and_once_by_prepare(
    author, tmp_path, prepared
):
    here = prepared.copy(tmp_path / "data")
    code = (
        "from providers.models import *; p = Provider.objects.get(name='openai');"
        "ProviderKey(provider=p, label='mine', secret='sk-very-secret').save();"
        "from routing.config.revisions import reconcile; reconcile('installation')"
    )
    assert here.process("manage.py", "shell", "-c", code).returncode == 0
    here.site_from(author)
    by_prepare = here.copy(tmp_path / "other")
    lost = "1 stored secrets were removed with this; no history keeps them: going back does not bring them back."
    assert here.process("manage.py", "migrate").stdout.count(lost) == 1
    back = here.process("manage.py", "migrate", "gateway_site", "zero").stdout
    assert back.count("Secrets to be entered in the admin: openai/mine.") == 1
    assert by_prepare.process("manage.py", "prepare").stdout.count(lost) == 1


def test_a_site_app_that_is_not_whole_stops_the_start(another):
    (another.migrations / "__init__.py").unlink()
    done = another.process("manage.py", "check")
    told = f"{another.migrations}/__init__.py is missing: without it the site's migrations would not be seen.\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_no_app_wants_another_migration(author):
    done = author.process("manage.py", "makemigrations", "--check", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "No changes detected\n")


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> Path:
    """The product's tree as a later version: one column more in a table of the configuration and in the steps'."""
    tree = tmp_path_factory.mktemp("later")
    for part in PRODUCT:
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tree)
    leaf = sorted((tree / "routing" / "migrations").glob("0*.py"))[-1].stem
    add = 'migrations.AddField("{}", "{}", models.CharField(max_length=20, default="", db_default="", blank=True))'
    (tree / "routing" / "migrations" / "9999_later.py").write_text(
        "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [('routing', '{leaf}')]\n"
        f"    operations = [{add.format('publicmodel', 'flavour')}, {add.format('sitestep', 'flavour')}]\n"
    )
    column = '\n    flavour = models.CharField(max_length=20, default="", db_default="", blank=True)\n'
    for file, beginning in (
        ("routes.py", "class PublicModel(ConfigModel):"),
        ("history.py", "class SiteStep(models.Model):"),
    ):
        path = tree / "routing" / "models" / file
        path.write_text(path.read_text().replace(f"{beginning}\n", f"{beginning}{column}\n", 1))
    return tree


@pytest.fixture
def database(request, tmp_path):
    """A function that makes a database: its ``DATABASE_URL``, "" for SQLite in the data directory."""
    if request.param == "sqlite":
        yield lambda name: ""
        return
    parts = urlsplit(request.getfixturevalue("postgres_url"))
    made = []
    with psycopg.connect(urlunsplit(parts), autocommit=True) as connection:

        def make(name: str) -> str:
            made.append(f"site_{name}_{os.getpid()}")
            connection.execute(f"CREATE DATABASE {made[-1]}")
            return urlunsplit(parts._replace(path=f"/{made[-1]}"))

        yield make
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_an_upgrade_keeps_what_site_migrations_said_on_old_and_on_new_databases(database, author, later, tmp_path):
    whole = yaml.safe_load((author.migrations / "0002_second.yaml").read_text())
    old = author.copy(tmp_path / "old", DATABASE_URL=database("old"))
    revisions = old.run("prepare")["revisions"]
    old.tree = later
    fresh = Installation(tmp_path / "fresh", later, DATABASE_URL=database("fresh"))
    fresh.site_from(author)
    for here in (old, fresh):
        state = here.run("prepare", "migrate gateway_site 0001", "migrate gateway_site zero")
        assert state["documents"][0] == whole
        assert names(state) == [["first", "second"], ["first"], []]
        if here is fresh:
            revisions = [[*INSTALLED, 25], ["migration", FIRST, 1], ["migration", SECOND, 1]]
        assert state["revisions"][:3] == revisions
