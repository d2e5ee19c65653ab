"""Editing in the admin: ordered entries, refusals as form errors, one revision a request."""

from __future__ import annotations

import re

import pytest

from providers.models import Provider, ProviderModel
from routing.models import Alias, Category, ConfigClock, ConfigRevision, Endpoint, PublicModel
from tests.admin.browser_form import fields_of


def url_of(row) -> str:
    return f"/admin/routing/{row._meta.model_name}/{row.pk}/change/"


@pytest.fixture
def form(page, turbo):
    return fields_of(page.get(url_of(turbo)), "publicmodel_form")


def post(page, url, fields, **changes):
    return page.post(url, {**fields, **changes}, follow=True)


def new_entry(fields, row, **values) -> dict[str, str]:
    """One more row in the inline of entries, as "Add another" makes it."""
    n = int(fields["entries-TOTAL_FORMS"][0])
    blank = {"id": "", "owner_model": str(row.pk), "endpoint": "", "model": "", "position": ""}
    posted = {**blank, "priority": "0", "weight": "1", "enabled": "on", **values}
    return {"entries-TOTAL_FORMS": str(n + 1), **{f"entries-{n}-{name}": value for name, value in posted.items()}}


def names(row) -> list[str]:
    return [str(entry) for entry in row.entries.all()]


def test_entries_are_edited_in_order_on_the_page_of_their_model(page, turbo, form):
    assert post(page, url_of(turbo), form, **{"entries-0-position": "1", "entries-1-position": "0"}).redirect_chain
    assert names(turbo) == ["second", "first"]


def test_the_row_that_add_another_copies_has_no_position_yet(page, turbo):
    text = page.get(url_of(turbo)).content.decode()
    row = re.search(r'<input[^>]*name="entries-__prefix__-position"[^>]*>', text).group()
    assert "value=" not in row


def test_a_new_entry_goes_to_the_end(page, turbo, acme, form):
    third = Endpoint(name="third", provider=acme, upstream_model="third")
    third.save()
    assert post(page, url_of(turbo), form, **new_entry(form, turbo, endpoint=str(third.pk))).redirect_chain
    assert names(turbo) == ["first", "second", "third"]


def test_a_new_entry_that_was_dragged_stays_where_it_was_put(page, turbo, acme, form):
    third = Endpoint(name="third", provider=acme, upstream_model="third")
    third.save()
    dragged = new_entry(form, turbo, endpoint=str(third.pk), position="0")
    assert post(page, url_of(turbo), form, **dragged, **{"entries-0-position": "1", "entries-1-position": "2"})
    assert names(turbo) == ["third", "first", "second"]


def test_a_model_is_made_with_its_entries_and_aliases_at_once(page, turbo):
    fields = fields_of(page.get("/admin/routing/publicmodel/add/"), "publicmodel_form")
    first = Endpoint.objects.get(name="first")
    entry = {"entries-TOTAL_FORMS": "1", "entries-0-endpoint": str(first.pk), "entries-0-priority": "0"}
    entry |= {"entries-0-weight": "1", "entries-0-enabled": "on", "entries-0-position": ""}
    alias = {"aliases-TOTAL_FORMS": "1", "aliases-0-name": "quick"}
    assert post(page, "/admin/routing/publicmodel/add/", fields, name="fast", **entry, **alias).redirect_chain
    fast = PublicModel.objects.get(name="fast")
    assert (names(fast), fast.aliases.get().name) == (["first"], "quick")


@pytest.mark.parametrize(
    ("values", "message"),
    [({}, None), ({"endpoint": "E", "model": "M"}, "exactly one of the two"), ({"model": "SELF"}, "lead back")],
)
def test_a_wrong_entry_is_an_error_in_the_form(page, turbo, form, values, message):
    other = PublicModel(name="other")
    other.save()
    ids = {"E": str(Endpoint.objects.get(name="first").pk), "M": str(other.pk), "SELF": str(turbo.pk)}
    row = {name: ids[value] for name, value in values.items()}
    response = post(page, url_of(turbo), form, **new_entry(form, turbo, **row))
    assert response.status_code == 200
    assert turbo.entries.count() == 2
    if message:
        assert message in response.content.decode()


def test_what_is_refused_only_while_saving_is_an_error_in_the_form_too(page, turbo, form):
    """An alias equal to the name that the model gets in the same form: neither is in the database yet."""
    alias = {"aliases-TOTAL_FORMS": "1", "aliases-0-name": "renamed", "aliases-0-model": str(turbo.pk)}
    response = post(page, url_of(turbo), form, name="renamed", **alias)
    assert response.status_code == 200
    assert not response.redirect_chain
    assert "already the name of a public model" in response.content.decode()
    turbo.refresh_from_db()
    assert turbo.name == "turbo"
    assert not Alias.objects.exists()


def test_actions_switch_rows_on_and_off(page, turbo):
    action = {"action": "switch_off", "_selected_action": [str(turbo.pk)]}
    assert page.post("/admin/routing/publicmodel/", action).status_code == 302
    turbo.refresh_from_db()
    assert not turbo.enabled


def test_rows_are_deleted_from_their_page_and_from_the_list(page, turbo):
    first, second = Endpoint.objects.filter(provider__name="acme").order_by("name")
    assert page.post(f"/admin/routing/endpoint/{first.pk}/delete/", {"post": "yes"}).status_code == 302
    action = {"action": "delete_selected", "_selected_action": [str(second.pk)], "post": "yes"}
    assert page.post("/admin/routing/endpoint/", action).status_code == 302
    assert not Endpoint.objects.filter(provider__name="acme").exists()
    assert not turbo.entries.exists()


def test_dragging_providers_sets_their_positions(page, acme):
    rows = list(Provider.objects.order_by("position", "name"))
    fields = {"form-TOTAL_FORMS": str(len(rows)), "form-INITIAL_FORMS": str(len(rows)), "_save": "Save"}
    for n, row in enumerate(rows):
        fields |= {f"form-{n}-id": str(row.pk), f"form-{n}-position": str(len(rows) - n)}
    assert page.post("/admin/providers/provider/", fields).status_code == 302
    assert [row.pk for row in Provider.objects.order_by("position")] == [row.pk for row in reversed(rows)]


def test_lists_are_written_a_line_each(page, db):
    fields = fields_of(page.get("/admin/routing/category/add/"), "category_form")
    assert post(page, "/admin/routing/category/add/", fields, name="mending", keywords="refactor\r\n\r\n stack trace ")
    category = Category.objects.get(name="mending")
    assert category.keywords == ["refactor", "stack trace"]
    assert "refactor\nstack trace" in page.get(url_of(category)).content.decode()


def test_prices_are_shown_without_trailing_zeros(page, db):
    row = ProviderModel.objects.get(provider__name="openai", name="gpt-4o")
    text = page.get(f"/admin/providers/providermodel/{row.pk}/change/").content.decode()
    assert 'value="2.5"' in text
    assert "2.500000000" not in text
    assert "As the catalogue knows it." in text
    row.max_input_tokens = 5
    row.save()
    text = page.get(f"/admin/providers/providermodel/{row.pk}/change/").content.decode()
    assert "Set by hand, kept by update_catalogue: context window." in text


def test_one_request_is_one_revision_by_its_user(page, turbo, form):
    before = ConfigRevision.objects.count()
    moved = {"entries-0-position": "1", "entries-1-position": "0"}
    alias = {"aliases-TOTAL_FORMS": "1", "aliases-0-name": "quick", "aliases-0-model": str(turbo.pk)}
    assert post(page, url_of(turbo), form, description="x", **moved, **alias).redirect_chain
    assert ConfigRevision.objects.count() == before + 1
    newest = ConfigRevision.objects.first()
    assert (newest.actor, newest.origin) == ("olga", "admin")
    assert {change["path"].split("/")[2] for change in newest.diff} >= {"aliases", "description", "entries"}


def test_an_action_and_a_deletion_are_one_revision_each(page, turbo):
    before = ConfigRevision.objects.count()
    both = [str(pk) for pk in Endpoint.objects.values_list("pk", flat=True)]
    page.post("/admin/routing/endpoint/", {"action": "switch_off", "_selected_action": both})
    page.post("/admin/routing/endpoint/", {"action": "delete_selected", "_selected_action": both, "post": "yes"})
    newest = ConfigRevision.objects.all()[:2]
    assert ConfigRevision.objects.count() == before + 2
    assert {(revision.actor, revision.origin) for revision in newest} == {("olga", "admin")}


def test_what_is_refused_leaves_no_revision_and_a_page_that_is_looked_at_neither(page, turbo, form):
    before = ConfigRevision.objects.count()
    post(page, url_of(turbo), form, name="router")
    page.get("/admin/routing/endpoint/")
    assert ConfigRevision.objects.count() == before


def test_api_keys_move_the_clock_alone(page, turbo):
    before, clock = ConfigRevision.objects.count(), ConfigClock.objects.get().value
    fields = fields_of(page.get("/admin/routing/apikey/add/"), "apikey_form")
    assert post(page, "/admin/routing/apikey/add/", fields, name="shop").redirect_chain
    assert ConfigRevision.objects.count() == before
    assert ConfigClock.objects.get().value == clock + 1


def test_a_new_provider_comes_last(page, db):
    fields = fields_of(page.get("/admin/providers/provider/add/"), "provider_form")
    mine = {"name": "mine", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1"}
    assert post(page, "/admin/providers/provider/add/", fields, **mine).redirect_chain
    assert Provider.objects.order_by("position").last().name == "mine"
