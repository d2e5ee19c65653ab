"""Two operators who edit the same row do not overwrite each other unknowingly."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from providers.models import Provider
from routing.models import ApiKey, Endpoint, Entry, PublicModel
from tests.admin.browser_form import fields_of


def url_of(row) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def form_of(client, row):
    return fields_of(client.get(url_of(row)), f"{row._meta.model_name}_form")


@pytest.fixture
def other(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("oscar", password="pw"))
    return client


def test_the_second_to_save_is_told_who_changed_what_and_keeps_what_was_typed(page, other, turbo):
    mine, theirs = form_of(page, turbo), form_of(other, turbo)
    assert other.post(url_of(turbo), {**theirs, "strategy": "priority"}).status_code == 302
    refused = page.post(url_of(turbo), {**mine, "description": "mine"})
    text = refused.content.decode()
    assert "last by oscar at" in text
    assert "+ priority" in text
    assert PublicModel.objects.get(pk=turbo.pk).description == ""
    again = fields_of(refused, "publicmodel_form")
    assert again["description"] == ["mine"]
    assert page.post(url_of(turbo), again).status_code == 302
    row = PublicModel.objects.get(pk=turbo.pk)
    assert (row.description, row.strategy) == ("mine", "ordered")


def test_saving_again_is_refused_again_where_it_changed_again(page, other, turbo):
    mine = form_of(page, turbo)
    other.post(url_of(turbo), {**form_of(other, turbo), "strategy": "priority"})
    again = fields_of(page.post(url_of(turbo), {**mine, "description": "mine"}), "publicmodel_form")
    other.post(url_of(turbo), {**form_of(other, turbo), "strategy": "weighted"})
    assert "+ weighted" in page.post(url_of(turbo), again).content.decode()


def test_a_change_elsewhere_holds_nobody_up(page, other, turbo):
    mine = form_of(page, turbo)
    first = Endpoint.objects.get(name="first")
    other.post(url_of(first), {**form_of(other, first), "retries": "3"})
    assert page.post(url_of(turbo), {**mine, "description": "mine"}).status_code == 302


def test_rows_of_a_list_count_too_and_those_that_are_gone_are_kept_as_typed(page, other, turbo):
    mine, theirs = form_of(page, turbo), form_of(other, turbo)
    assert other.post(url_of(turbo), {**theirs, "entries-0-DELETE": "on"}).status_code == 302
    refused = page.post(url_of(turbo), {**mine, "entries-0-weight": "7"})
    assert "last by oscar" in refused.content.decode()
    again = fields_of(refused, "publicmodel_form")
    assert page.post(url_of(turbo), again).status_code == 302
    rows = Entry.objects.filter(owner_model=turbo).order_by("position").values_list("endpoint__name", "weight")
    assert list(rows) == [("first", 7), ("second", 1)]


def test_a_key_that_was_replaced_meanwhile_is_noticed_and_not_shown(page, other, acme):
    mine, theirs = form_of(page, acme), form_of(other, acme)
    assert other.post(url_of(acme), {**theirs, "keys-0-secret": "sk-theirs-0123456789"}).status_code == 302
    text = page.post(url_of(acme), {**mine, "description": "mine"}).content.decode()
    assert "last by oscar" in text
    assert "sk-theirs" not in text


def test_application_keys_are_guarded_too(page, other, db):
    key = ApiKey(name="shop")
    key.set_key("sk-sy-" + "0" * 40)
    key.save()
    mine, theirs = form_of(page, key), form_of(other, key)
    revoked = {name: value for name, value in theirs.items() if name != "enabled"}
    assert other.post(url_of(key), revoked).status_code == 302
    assert "last by oscar" in page.post(url_of(key), {**mine, "description": "mine"}).content.decode()
    assert not ApiKey.objects.get(name="shop").enabled


def test_a_row_that_was_deleted_meanwhile_is_said_to_be_gone(page, other, turbo):
    mine = form_of(page, turbo)
    other.post(f"/admin/routing/publicmodel/{turbo.pk}/delete/", {"post": "yes"})
    told = page.post(url_of(turbo), mine, follow=True)
    assert told.status_code == 200
    assert "Perhaps it was deleted?" in told.content.decode()


def test_an_order_that_was_dragged_meanwhile_is_not_overwritten(page, other, acme):
    url = "/admin/providers/provider/"
    mine, theirs = (fields_of(client.get(url), "changelist-form") for client in (page, other))

    def dragged(fields, first):
        """The row ``first`` to the top."""
        fields = dict(fields)
        fields[f"form-{first}-position"] = ["0"]
        rest = [n for n in range(int(fields["form-TOTAL_FORMS"][0])) if n != first]
        return fields | {f"form-{n}-position": [str(place)] for place, n in enumerate(rest, 1)} | {"_save": "Save"}

    assert other.post(url, dragged(theirs, 2)).status_code == 302
    order = list(Provider.objects.order_by("position").values_list("name", flat=True))
    told = page.post(url, dragged(mine, 1), follow=True).content.decode()
    assert "Somebody changed this list meanwhile" in told
    assert list(Provider.objects.order_by("position").values_list("name", flat=True)) == order
