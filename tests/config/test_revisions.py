"""Every change is one revision with its author and what changed; the clock moves in the same transaction."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from providers.configuration import OutsideRevisionError, one_change
from providers.models import Price, Provider, ProviderKey, ProviderModel
from routing import catalog
from routing.config import revisions
from routing.config.document import SecretsWouldMove
from routing.config.revisions import reconcile, rehearsal, revision
from routing.config.rollback import NoSuchRevision, compare, rollback
from routing.config.serialize import serialize
from routing.models import Alias, ApiKey, ConfigClock, ConfigRevision, Endpoint, Entry, PublicModel
from tests.config.conftest import document

pytestmark = pytest.mark.django_db


def clock():
    return ConfigClock.objects.get().value


def newest():
    return ConfigRevision.objects.first()


def paths(row):
    return [change["path"] for change in row.diff]


def test_the_first_change_records_what_was_there_before_it_as_a_revision_of_its_own():
    Provider(name="mine", kind="openai", base_url="https://mine.example/v1").save()
    first, second = ConfigRevision.objects.order_by("number")
    assert (first.number, first.actor, first.origin) == (1, "system", "outside")
    assert (second.number, second.actor, second.origin) == (2, "system", "models")
    assert paths(second) == ["providers/mine"]
    assert second.canonical() == serialize()


def test_each_save_and_delete_is_one_revision(small):
    before = newest().number
    turbo = PublicModel.objects.get()
    turbo.strategy = "priority"
    turbo.save()
    Alias.objects.get().delete()
    Entry.objects.create(owner_model=turbo, endpoint=Endpoint.objects.get(name="acme-1"), position=9)
    assert ConfigRevision.objects.count() == newest().number == before + 3
    assert [paths(row) for row in ConfigRevision.objects.all()[:3]] == [
        ["models/turbo/entries/2"],
        ["models/turbo/aliases"],
        ["models/turbo/strategy"],
    ]


def test_entries_are_told_in_the_order_of_their_positions(small):
    last = Entry.objects.get(endpoint__name="home-1")
    last.position = 0
    last.save()
    first = Entry.objects.get(endpoint__name="acme-1")
    first.position = 5
    first.save()
    assert serialize()["models"]["turbo"]["entries"] == [{"endpoint": "home-1"}, {"endpoint": "acme-1"}]
    assert [one.endpoint for one in catalog.current().routes["turbo"].candidates] == ["home-1", "acme-1"]


def test_a_deletion_and_what_it_takes_along_are_one_revision(small):
    before = newest().number
    Provider.objects.get(name="acme").delete()
    assert newest().number == before + 1
    assert paths(newest()) == ["endpoints/acme-1", "models/turbo/entries/0/endpoint", "models/turbo/entries/1",
                               "providers/acme", "providers/acme/headers/X-Team/value",
                               "providers/acme/keys/default/secret"]  # fmt: skip


def test_many_writes_within_a_revision_are_one_with_its_author_and_message(small):
    before, value = newest().number, clock()
    with revision("grace", "admin", "Two at once"):
        Provider.objects.filter(name="home").update(position=7)
        with revision("someone else", "nested"):
            PublicModel(name="second").save()
    row = newest()
    assert (row.number, row.actor, row.origin, row.message) == (before + 1, "grace", "admin", "Two at once")
    assert row.diff == [
        {"path": "models/second", "after": {}},
        {"path": "providers/home/position", "before": 5, "after": 7},
    ]
    assert clock() == value + 1


def test_apps_below_routing_say_who_acts(small):
    with one_change("linus", "admin"):
        Provider.objects.get(name="home").save()
        PublicModel(name="second").save()
    assert (newest().actor, newest().origin) == ("linus", "admin")


@pytest.mark.parametrize(
    "write",
    [
        lambda: Provider.objects.update(position=1),
        lambda: Provider.objects.all().delete(),
        lambda: PublicModel.objects.bulk_create([PublicModel(name="x")]),
        lambda: Price.objects.bulk_update(Price.objects.all(), ["input"]),
    ],
)
def test_bulk_writes_outside_a_revision_are_refused(small, write):
    before = serialize()
    with pytest.raises(OutsideRevisionError, match="revision"):
        write()
    assert serialize() == before


def test_a_save_that_changes_nothing_leaves_no_trace(small):
    before = newest().number, clock()
    Provider.objects.get(name="acme").save()
    assert (newest().number, clock()) == before


def test_a_revision_that_fails_leaves_nothing(small):
    before = newest().number, clock(), serialize()
    with pytest.raises(ValidationError), revision("grace", "admin"):  # noqa: PT012 - the second write fails
        PublicModel(name="second").save()
        PublicModel(name="second").save()
    assert (newest().number, clock(), serialize()) == before
    assert not revisions.revision_open.get()


def test_an_invalid_row_leaves_neither_revision_nor_tick(small):
    before = newest().number, clock()
    with pytest.raises(ValidationError):
        Provider(name="bad/name", kind="openai", base_url="https://x.example").save()
    assert (newest().number, clock()) == before


def test_a_transaction_that_is_rolled_back_takes_revision_and_tick_with_it(small):
    before = newest().number, clock(), serialize()
    with transaction.atomic():
        PublicModel(name="second").save()
        assert clock() == before[1] + 1
        transaction.set_rollback(True)
    assert (newest().number, clock(), serialize()) == before
    assert not revisions.revision_open.get()


def test_secrets_and_api_keys_move_the_clock_alone(small):
    before, value = newest().number, clock()
    key = ProviderKey.objects.get()
    key.secret = "sk-another"
    key.save()
    assert (newest().number, clock()) == (before, value + 1)
    access = ApiKey(name="app")
    access.set_key("sk-sy-0123456789")
    access.save()
    assert (newest().number, clock()) == (before, value + 2)
    access.enabled = False
    access.save()
    assert (newest().number, clock()) == (before, value + 3)
    access.limit_requests = 5
    access.save()
    assert (newest().number, clock()) == (before, value + 4)


def test_a_changed_secret_is_recorded_as_changed_and_its_value_nowhere(small):
    with revision("grace", "admin"):
        key = ProviderKey.objects.get()
        key.secret = "sk-a-new-secret"
        key.save()
        Provider.objects.filter(name="acme").update(position=3)
    assert newest().diff == [
        {"path": "providers/acme/position", "after": 3},
        {"path": "providers/acme/keys/default/secret", "changed": True},
    ]
    for row in ConfigRevision.objects.all():
        kept = str(row.diff) + str(row.canonical())
        assert not any(secret in kept for secret in ("very-secret", "a-new-secret", "gAAAA"))


def test_reconcile_records_what_raw_sql_did_and_nothing_else(small):
    assert reconcile() is None
    value = clock()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_provider SET position = 42 WHERE name = 'home'")
    number = reconcile()
    assert number == newest().number
    assert (newest().actor, newest().origin) == ("system", "outside")
    assert newest().diff == [{"path": "providers/home/position", "before": 5, "after": 42}]
    assert clock() == value + 1


def test_what_was_done_outside_is_not_put_down_to_the_next_operator(small):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_provider SET position = 42 WHERE name = 'home'")
    with revision("grace", "admin"):
        PublicModel(name="second").save()
    mine, outside = ConfigRevision.objects.all()[:2]
    assert (outside.origin, paths(outside)) == ("outside", ["providers/home/position"])
    assert (mine.actor, paths(mine)) == ("grace", ["models/second"])


def test_a_rehearsal_undoes_everything(small):
    before = newest().number, clock(), serialize()
    with rehearsal() as change:
        ProviderModel.objects.all().delete()
        assert [one.path for one in change.changes()] == ["providers/acme/models"]
    assert (newest().number, clock(), serialize()) == before


def test_a_rollback_is_a_new_revision_and_keeps_secrets_and_api_keys(small):
    access = ApiKey(name="app")
    access.set_key("sk-sy-0123456789")
    access.save()
    target = newest().number
    Provider.objects.get(name="home").delete()
    access.delete()
    rehearsed = rollback(target, "grace", dry_run=True)
    assert newest().number == target + 1
    assert rollback(target, "grace") == rehearsed == [*compare(target + 1, target)]
    assert (newest().number, newest().actor, newest().origin) == (target + 2, "grace", "rollback")
    assert serialize() == ConfigRevision.objects.get(number=target).canonical()
    assert ProviderKey.objects.get().secret == "sk-acme-very-secret"
    assert not ApiKey.objects.exists()


def test_a_provider_that_comes_back_by_rollback_has_no_key(small):
    target = newest().number
    Provider.objects.get(name="acme").delete()
    rollback(target, "grace")
    assert ProviderKey.objects.get().secret == ""
    assert serialize()["providers"]["acme"]["keys"] == [{"label": "default", "stored": True}]
    skipped = catalog.current().endpoints["acme-1"]
    assert (skipped.skip_code, skipped.reason_skipped) == (
        "no_key",
        "provider acme has no key: add a key in the admin",
    )


def test_a_rollback_never_sends_the_present_key_to_an_earlier_server(small):
    target = newest().number
    provider = Provider.objects.get(name="acme")
    provider.base_url = "https://new.example/v1"
    provider.save()
    for dry_run in (True, False):
        with pytest.raises(SecretsWouldMove, match=r"providers/acme/base_url: would send .*keys/default"):
            rollback(target, "grace", dry_run=dry_run)
    assert ProviderKey.objects.get().secret == "sk-acme-very-secret"
    with pytest.raises(CommandError, match="--drop-secrets"):
        call_command("config", "rollback", str(target))
    call_command("config", "rollback", str(target), "--drop-secrets")
    assert (newest().origin, ProviderKey.objects.get().secret) == ("rollback", "")
    assert Provider.objects.get(name="acme").base_url == "https://acme.example/v1"


def test_a_rollback_to_nowhere_says_so(small):
    with pytest.raises(NoSuchRevision, match="no revision #99"):
        rollback(99, "grace")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_committed_change_reaches_the_worker_that_made_it_at_once():
    before = catalog.current()
    with revision("grace", "admin"):
        PublicModel(name="second").save()
        assert catalog.current() is before
    assert "second" in catalog.current().routes
    assert catalog.current().generation == clock() > before.generation


def test_the_document_of_the_fixture_is_canonical(small):
    assert serialize() == document()
