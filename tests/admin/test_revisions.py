"""The pages of revisions: listed in words, found by object, compared, and gone back to after a look at what changes."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from providers.models import Provider, ProviderKey
from routing.admin.difference import groups, summary
from routing.config.diff import diff
from routing.config.importers import import_sources
from routing.config.importers.source import Source
from routing.config.revisions import reconcile, revision
from routing.models import ApiKey, Category, ConfigRevision, Endpoint, Entry, PublicModel
from tests.admin.browser_form import fields_of
from tests.admin.conftest import SECRET

LIST = "/admin/routing/configrevision/"


def newest() -> int:
    return ConfigRevision.objects.first().number


def text_of(page, url) -> str:
    response = page.get(url)
    assert response.status_code == 200
    return response.content.decode()


def changed(row, **values) -> int:
    """The number of the revision that this change of ``row`` is."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return newest()


def reader(*codenames: str) -> Client:
    user = User.objects.create_user("rita", password="pw", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def back_to(page, number, **fields):
    url = f"{LIST}{number}/rollback/"
    return page.post(url, {**fields_of(page.get(url), "rollback_form"), **fields}, follow=True)


def test_the_list_says_in_words_what_changed_and_from_where(page, turbo, acme):
    with revision("olga", "api:shop", "try it"):
        turbo.strategy = "priority"
        turbo.save()
        for name in ("third", "fourth"):
            endpoint = Endpoint(name=name, provider=acme, upstream_model=name)
            endpoint.save()
            Entry(owner_model=turbo, endpoint=endpoint, position=9).save()
    text = text_of(page, LIST)
    assert "models/turbo: 2 added to entries; strategy changed" in text
    assert "endpoints/third: added" in text
    assert "the API, with the key “shop”" in text
    assert "try it" in text


def test_revisions_of_one_object_are_found_and_no_others(page, turbo, acme):
    other = PublicModel(name="turbo/entries-of-mine")
    other.save()
    wanted = changed(turbo, strategy="priority")
    unwanted = changed(other, strategy="priority")
    numbers = {row.number for row in page.get(f"{LIST}?object=models/turbo").context["cl"].result_list}
    assert wanted in numbers
    assert unwanted not in numbers
    other_numbers = {row.number for row in page.get(f"{LIST}?object=models/{other.name}").context["cl"].result_list}
    assert other_numbers == {unwanted, unwanted - 2}


def test_revisions_are_filtered_by_author_and_origin(page, turbo):
    with revision("olga", "admin"):
        turbo.strategy = "priority"
        turbo.save()
    mine = newest()
    numbers = [row.number for row in page.get(f"{LIST}?actor=olga&origin=admin").context["cl"].result_list]
    assert numbers == [mine]


def test_revisions_are_filtered_by_period(page, turbo):
    number = changed(turbo, strategy="priority")
    past = f"{LIST}?at__gte=2020-01-01T00:00:00Z&at__lt=2020-02-01T00:00:00Z"
    assert not page.get(past).context["cl"].result_list
    text = text_of(page, LIST)
    assert "Past 7 days" in text
    assert number in {row.number for row in page.get(f"{LIST}?at__gte=2020-01-01T00:00:00Z").context["cl"].result_list}


def test_a_revision_leads_to_its_neighbours_and_to_what_it_changed(page, turbo):
    first = changed(turbo, description="one")
    second = changed(turbo, description="two")
    text = text_of(page, f"{LIST}{first}/change/")
    assert f"{LIST}{second}/change/" in text
    assert f"{LIST}{first - 1}/change/" in text
    assert f"/admin/routing/publicmodel/{turbo.pk}/change/" in text


def test_what_is_gone_has_no_link(page, turbo):
    number = changed(turbo, description="one")
    turbo.delete()
    assert "/admin/routing/publicmodel/" not in text_of(page, f"{LIST}{number}/change/").split('class="gw-diff"')[1]


def test_keywords_that_came_and_went_are_told_one_by_one():
    many = [f"word{n}" for n in range(300)]
    before = {"categories": {"code": {"keywords": [*many, "old"]}}}
    after = {"categories": {"code": {"keywords": ["new", *many]}}}
    (group,) = groups(diff(before, after), before, after)
    assert [(part.came, part.went) for part in group.parts] == [(["new"], ["old"])]


def test_entries_are_compared_as_a_list_and_what_stays_is_folded():
    entries = [{"endpoint": f"e{n}"} for n in range(20)]
    before = {"models": {"turbo": {"entries": entries}}}
    after = {"models": {"turbo": {"entries": [{"endpoint": "new"}, *entries]}}}
    (group,) = groups(diff(before, after), before, after)
    (part,) = group.parts
    assert part.lines == [("+", "endpoint: new"), (" ", "endpoint: e0"), ("…", "19 lines as before")]


def test_a_field_left_out_of_a_document_shows_its_default():
    before, after = {"models": {"a": {}}}, {"models": {"a": {"strategy": "priority"}}}
    (group,) = groups(diff(before, after), before, after)
    assert group.parts[0].lines == [("-", "ordered (default)"), ("+", "priority")]


def test_names_with_slashes_are_taken_apart_at_the_field():
    before = {"endpoints": {"acme/small/retries": {"retries": 1}}, "models": {"a/b": {"entries": [{"endpoint": "x"}]}}}
    after = {"endpoints": {"acme/small/retries": {"retries": 2}}, "models": {"a/b": {"entries": [{"endpoint": "y"}]}}}
    assert summary(diff(before, after)) == [
        "endpoints/acme/small/retries: retries changed",
        "models/a/b: entries changed",
    ]


def test_any_two_are_compared_also_with_now(page, turbo):
    first = changed(turbo, description="one")
    changed(turbo, description="two")
    changed(turbo, description="three")
    url = reverse("admin:routing_configrevision_compare")
    for second in ("now", str(newest())):
        text = text_of(page, f"{url}?first={first}&second={second}")
        assert "- one" in text
        assert "+ three" in text
        assert "+ two" not in text
    assert "There is no revision 99999999999999999999" in text_of(page, f"{url}?first=99999999999999999999")
    assert "There is no revision &lt;b&gt;" in text_of(page, f"{url}?first=<b>")


def test_two_are_ticked_in_the_list_to_be_compared(page, turbo):
    first, second = changed(turbo, description="one"), changed(turbo, description="two")
    ticked = {"action": "compare_chosen", "_selected_action": [str(second), str(first)]}
    assert page.post(LIST, ticked)["Location"].endswith(f"compare/?first={first}&second={second}")
    told = page.post(LIST, {**ticked, "_selected_action": [str(first)]}, follow=True).content.decode()
    assert "exactly two" in told


def test_going_back_shows_what_changes_and_is_a_revision_of_its_own(page, turbo):
    good = newest()
    changed(turbo, strategy="priority")
    text = text_of(page, f"{LIST}{good}/rollback/")
    assert "- priority" in text
    assert PublicModel.objects.get(pk=turbo.pk).strategy == "priority"
    told = back_to(page, good, message="slower").content.decode()
    assert f"that of revision #{good} again" in told
    assert PublicModel.objects.get(pk=turbo.pk).strategy == "ordered"
    row = ConfigRevision.objects.first()
    assert (row.actor, row.origin, row.message) == ("olga", "rollback", f"Back to revision {good}: slower")
    assert LogEntry.objects.filter(change_message__contains="slower").exists()


def test_going_back_is_refused_where_somebody_changed_something_after_the_look(page, turbo):
    good = newest()
    changed(turbo, strategy="priority")
    fields = fields_of(page.get(f"{LIST}{good}/rollback/"), "rollback_form")
    changed(turbo, description="by somebody else")
    told = page.post(f"{LIST}{good}/rollback/", fields).content.decode()
    assert "Somebody changed the configuration meanwhile" in told
    assert "by somebody else" in told
    assert PublicModel.objects.get(pk=turbo.pk).strategy == "priority"


def test_a_changed_secret_counts_as_a_change_meanwhile(page, turbo, acme):
    good = newest()
    changed(turbo, strategy="priority")
    fields = fields_of(page.get(f"{LIST}{good}/rollback/"), "rollback_form")
    key = acme.keys.get()
    key.secret = "sk-another-0123456789"
    key.save()
    assert "meanwhile" in page.post(f"{LIST}{good}/rollback/", fields).content.decode()


def test_going_back_names_the_secrets_that_will_be_missing(page, turbo, acme):
    with_acme = newest()
    acme.delete()
    text = text_of(page, f"{LIST}{with_acme}/rollback/")
    assert "<li>acme/main</li>" in text
    assert SECRET not in text
    back_to(page, with_acme)
    assert ProviderKey.objects.get(provider__name="acme").secret == ""
    assert "missing: main" in text_of(page, "/admin/providers/provider/")


def test_no_revoked_api_key_comes_back(page, turbo):
    good = newest()
    key = ApiKey(name="shop", enabled=True)
    key.set_key("sk-sy-" + "0" * 40)
    key.save()
    changed(turbo, strategy="priority")
    changed(key, enabled=False)
    back_to(page, good)
    assert not ApiKey.objects.get(name="shop").enabled


def test_a_revision_that_no_longer_fits_says_why_and_has_no_button(page, turbo):
    ConfigRevision.objects.create(
        number=newest() + 1,
        actor="olga",
        origin="admin",
        fingerprint=ConfigRevision.objects.first().fingerprint,
        document=ConfigRevision.pack({"version": 1, "models": {"turbo": {"strategy": "by-moonlight"}}}),
    )
    text = text_of(page, f"{LIST}{newest()}/rollback/")
    assert "no longer fits this version" in text
    assert "by-moonlight" in text
    assert "Roll back to #" not in text


def test_who_may_look_may_not_go_back(db, page, turbo):
    viewer = reader("view_configrevision")
    number = newest()
    assert "rollback" not in text_of(viewer, f"{LIST}{number}/change/")
    assert "rollback" not in text_of(viewer, LIST)
    assert viewer.get(f"{LIST}{number}/rollback/").status_code == 403
    assert viewer.post(f"{LIST}{number}/rollback/", {"stamp": "x"}).status_code == 403
    nobody = Client()
    nobody.force_login(User.objects.create_user("nora", password="pw", is_staff=True))
    for what in ("", f"{number}/change/", "compare/"):
        assert nobody.get(f"{LIST}{what}").status_code == 403


def test_a_page_costs_as_many_queries_for_many_objects_as_for_one(page, turbo, acme):
    def cost(number: int) -> int:
        page.get(f"{LIST}{number}/change/")
        with CaptureQueriesContext(connection) as captured:
            page.get(f"{LIST}{number}/change/")
        return len(captured)

    with revision("olga", "admin"):
        Endpoint(name="x0", provider=acme, upstream_model="x").save()
    few = newest()
    with revision("olga", "admin"):
        for n in range(1, 20):
            Endpoint(name=f"x{n}", provider=acme, upstream_model=f"x{n}").save()
    assert cost(newest()) == cost(few)


def test_every_way_in_leaves_its_author_and_origin(page, turbo, acme):
    """Of the admin, a command's import, a rollback, outside; the API's own is tested with its endpoints."""
    fields = fields_of(page.get(f"/admin/routing/publicmodel/{turbo.pk}/change/"), "publicmodel_form")
    page.post(f"/admin/routing/publicmodel/{turbo.pk}/change/", {**fields, "description": "x"})
    from_admin = newest()
    import_sources([Source("m.yaml", b"version: 1\nmodels: {m: {}}\n")], "root", "command", "import_config m.yaml")
    from_command = newest()
    back_to(page, from_admin)
    from_rollback = newest()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_publicmodel SET description = 'raw' WHERE name = 'turbo'")
    reconcile()
    from_outside = newest()
    said = dict(ConfigRevision.objects.values_list("number", "origin"))
    actors = dict(ConfigRevision.objects.values_list("number", "actor"))
    assert [said[n] for n in (from_admin, from_command, from_rollback, from_outside)] == [
        "admin", "command", "rollback", "outside",
    ]  # fmt: skip
    assert [actors[n] for n in (from_admin, from_command, from_rollback, from_outside)] == [
        "olga", "root", "olga", "system",
    ]  # fmt: skip
    text = text_of(page, LIST)
    for words in ("the admin", "a command", "a rollback", "outside the gateway"):
        assert words in text


@pytest.mark.parametrize("kind", [Provider, Category])
def test_objects_of_every_kind_are_found_by_path(page, turbo, acme, kind):
    row = acme if kind is Provider else Category(name="mending")
    number = changed(row, description="new")
    path = "providers/acme" if kind is Provider else "categories/mending"
    assert number in {row.number for row in page.get(f"{LIST}?object={path}").context["cl"].result_list}
