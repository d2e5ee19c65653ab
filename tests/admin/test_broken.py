"""Breaking the configuration in the admin: each refusal is a sentence in the form, never an error page."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from gateway_project.api.errors import server_error
from providers.models import Provider
from routing.config import text
from routing.config.serialize import serialize
from routing.models import Alias, Category, Endpoint, Entry, PublicModel
from tests.admin.browser_form import fields_of

HUGE = "9" * 30


def url_of(row, what: str = "change") -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{what}/"


def form_of(page, row) -> dict[str, list[str]]:
    return fields_of(page.get(url_of(row)), f"{row._meta.model_name}_form")


def refused(page, row, **values) -> str:
    """The page that comes back; nothing was saved, and what is stored can still be written and read."""
    before = serialize()
    answer = page.post(url_of(row), {**form_of(page, row), **values})
    assert answer.status_code == 200, answer
    assert serialize() == before
    text.load(text.dump(before))
    return answer.content.decode()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "x" * 300}, "at most 200 characters"),
        ({"name": "a\x00b"}, "Null characters are not allowed"),
        ({"name": "router/mine"}, "reserved for the router itself"),
        ({"name": ""}, "This field is required"),
        ({"strategy": "by-moonlight"}, "is not one of the available choices"),
        ({"description": "a\x00b"}, "Null characters are not allowed"),
        ({"entries-0-weight": HUGE}, "less than or equal to"),
        ({"entries-0-weight": "-1"}, "greater than or equal to 0"),
        ({"entries-0-priority": HUGE}, "less than or equal to"),
        ({"entries-0-endpoint": "", "entries-0-model": ""}, "exactly one of the two"),
        ({"entries-0-endpoint": "999999"}, "not one of the available choices"),
        ({"entries-TOTAL_FORMS": "x"}, ""),
    ],
)
def test_a_public_model_is_refused_in_words(page, turbo, values, said):
    assert said in refused(page, turbo, **values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"base_url": "ftp://x"}, "Expected an absolute URL"),
        ({"base_url": "https://x:99999/v1"}, "port"),
        ({"limit_requests": HUGE}, "less than or equal to"),
        ({"connect_timeout": "1e400"}, "Enter a number"),
        ({"connect_timeout": "nan"}, "Enter a number"),
        ({"retries": "11"}, "less than or equal to 10"),
        ({"name": "second"}, "already exists"),
        ({"upstream_model": "second"}, "already exists"),
        ({"upstream_model": "y" * 300}, "at most 200 characters"),
        ({"provider": ""}, "This field is required"),
    ],
)
def test_an_endpoint_is_refused_in_words(page, turbo, values, said):
    assert said in refused(page, Endpoint.objects.get(name="first"), **values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"paths": '{"chat": "x"}'}, "begin with a slash"),
        ({"paths": "{"}, "valid JSON"),
        ({"extra_body": '{"a": "\\u0000"}'}, "NUL"),
        ({"extra_body": '{"a": 1e999}'}, "number"),
        ({"name": "a/b"}, "without a slash"),
        ({"kind": "unheard-of"}, "not one of the available choices"),
    ],
)
def test_a_provider_is_refused_in_words(page, acme, values, said):
    assert said in refused(page, acme, **values)


def test_cycles_are_refused_at_their_row_also_over_several_models(page, turbo):
    inner = PublicModel(name="inner")
    inner.save()
    Entry(owner_model=turbo, model=inner, position=5).save()
    rows = {"entries-TOTAL_FORMS": "1", "entries-0-id": "", "entries-0-owner_model": str(inner.pk)}
    rows |= {"entries-0-model": str(turbo.pk), "entries-0-endpoint": "", "entries-0-priority": "0"}
    rows |= {"entries-0-weight": "1", "entries-0-enabled": "on", "entries-0-position": ""}
    assert "lead back to the model itself" in refused(page, inner, **rows)


def test_a_name_that_another_kind_of_object_has_is_refused_for_all_three(page, turbo):
    Alias(name="quick", model=turbo).save()
    category = Category(name="mending")
    category.save()
    other = PublicModel(name="other")
    other.save()
    for row, name, what in (
        (category, "quick", "alias"),
        (category, "turbo", "public model"),
        (other, "mending", "category"),
        (other, "quick", "alias"),
    ):
        assert f"“{name}” is already the name of" in refused(page, row, name=name), what


def test_an_endpoint_in_use_goes_only_after_its_lists_were_shown(page, turbo):
    first = Endpoint.objects.get(name="first")
    shown = page.get(url_of(first, "delete")).content.decode()
    assert "models/turbo" in shown
    assert "endpoint: first" in shown


def test_an_entry_whose_endpoint_went_meanwhile_is_said_to_be_gone(page, turbo):
    form = form_of(page, turbo)
    Endpoint.objects.get(name="first").delete()
    answer = page.post(url_of(turbo), form)
    assert answer.status_code == 200
    assert "since you opened it" in answer.content.decode()
    assert "not one of the available choices" in answer.content.decode()
    left = {**fields_of(answer, "publicmodel_form"), "entries-1-DELETE": "on"}
    assert page.post(url_of(turbo), left).status_code == 302
    assert [str(entry) for entry in turbo.entries.all()] == ["second"]


def test_what_is_deleted_twice_is_said_to_be_gone(page, turbo):
    confirmed = fields_of(page.get(url_of(turbo, "delete")), "delete_form")
    url = url_of(turbo, "delete")
    turbo.delete()
    told = page.post(url, confirmed, follow=True)
    assert told.status_code == 200
    assert "Perhaps it was deleted?" in told.content.decode()


def test_a_list_action_on_rows_that_are_gone_changes_nothing(page, turbo):
    pk = str(turbo.pk)
    turbo.delete()
    for action in ("switch_off", "delete_selected"):
        chosen = {"action": action, "_selected_action": [pk, "999999999999999999999999"], "post": "yes"}
        assert page.post("/admin/routing/publicmodel/", chosen, follow=True).status_code == 200
    assert Provider.objects.exists()


def test_a_database_that_is_not_to_be_had_is_told_in_words(rf):
    try:
        raise OperationalError("database is locked")
    except OperationalError:
        page, api = server_error(rf.get("/admin/")), server_error(rf.get("/v1/models"))
    assert page.status_code == 503
    assert "try again" in page.content.decode()
    assert "application/json" in api.headers["Content-Type"]
