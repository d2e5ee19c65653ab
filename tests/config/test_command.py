"""``manage.py config``: what an operator reads, and who is recorded."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from providers.models import Provider, ProviderKey
from routing.config import text
from routing.config.serialize import serialize
from routing.management.telling import operator
from routing.models import ConfigRevision, PublicModel

pytestmark = pytest.mark.django_db


def exported():
    out = io.StringIO()
    call_command("export_config", stdout=out)
    return out.getvalue()


def run(*words):
    out = io.StringIO()
    command = ("import_config", *words[1:]) if words[0] == "import" else ("config", *words)
    call_command(*command, stdout=out, no_color=True)
    return out.getvalue()


def test_import_tells_what_it_changes_and_who_did_it(small, tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_text(exported().replace("position: 5", "position: 6"))
    line = "~ providers/home/position: 5 → 6\n"
    before = ConfigRevision.objects.count()
    assert run("import", str(file), "--dry-run") == line + "Dry run: 1 to change, nothing was written.\n"
    assert ConfigRevision.objects.count() == before
    assert run("import", str(file)) == line + f"1 changed, revision #{before + 1}.\n"
    row = ConfigRevision.objects.first()
    assert (row.actor, row.origin) == (operator(), "command")
    assert run("import", str(file)) == "Nothing to change.\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [("version: 1\nmodels: {x: {strategy: y}}", "models/x/strategy: expected one of"), ("- 1", "not a configuration")],
)
def test_a_wrong_file_is_refused_in_words(small, tmp_path, content, expected):
    file = tmp_path / "gateway.yaml"
    file.write_text(content)
    with pytest.raises(CommandError, match="Nothing was imported, nothing was changed") as caught:
        run("import", str(file))
    assert expected in str(caught.value)
    assert serialize() == small


def test_a_missing_file_is_named(small):
    with pytest.raises(CommandError, match=r"/nowhere\.yaml: No such file"):
        run("import", "/nowhere.yaml")


def test_history_can_be_listed_shown_compared_and_gone_back_in(small):
    number = ConfigRevision.objects.first().number
    PublicModel(name="second").save()
    assert f"#{number + 1}  " in run("log", "--limit", "1")
    assert f"#{number}  " not in run("log", "--limit", "1")
    assert run("show", str(number + 1)).endswith("by system (models)\n+ models/second: {}\n")
    assert text.load(run("show", str(number + 1), "--document")) == serialize()
    assert run("diff", str(number + 1), str(number)) == "- models/second: {}\n"
    assert run("diff", str(number), str(number)) == f"Revisions #{number} and #{number} hold the same configuration.\n"
    assert "Dry run: 1 to change" in run("rollback", str(number), "--dry-run")
    assert run("rollback", str(number)) == f"- models/second: {{}}\n1 changed, revision #{number + 2}.\n"
    assert serialize() == small
    with pytest.raises(CommandError, match="no revision #99"):
        run("rollback", "99")


def test_reconcile_tells_what_it_found(small):
    assert run("reconcile") == "Nothing was changed outside.\n"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_provider SET position = 42 WHERE name = 'home'")
    assert run("reconcile").endswith(":\n~ providers/home/position: 5 → 42\n")


def test_nothing_secret_is_ever_printed(small):
    said = exported() + "".join(run("show", str(row.number), "--document") for row in ConfigRevision.objects.all())
    assert "very-secret" not in said


def test_a_rollback_says_which_keys_go_and_which_must_be_entered_again(small):
    provider = Provider(name="toy", kind="openai-compatible", base_url="https://toy.example/v1")
    before = ConfigRevision.objects.first().number
    provider.save()
    ProviderKey(provider=provider, secret="sk-toy-0123456789").save()
    after = ConfigRevision.objects.first().number
    assert "1 stored secrets were removed" in run("rollback", str(before))
    assert "Secrets to be entered in the admin: toy/default" in run("rollback", str(after))
