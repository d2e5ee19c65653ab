"""What a change would do is shown before it is made; deletions do what was shown; objects know their history."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.models import ApiKey, ConfigClock, ConfigRevision, Endpoint, PublicModel
from tests.admin.browser_form import fields_of
from tests.admin.conftest import PROXY_PASSWORD, SECRET

NEW_SECRET = "sk-live-NEW-6789abcdefghijklmnopqrstuvwxyz-4321"


def url_of(row, what: str = "change") -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{what}/"


@pytest.fixture
def form(page, turbo):
    return fields_of(page.get(url_of(turbo)), "publicmodel_form")


def preview(page, url, fields, **changes):
    return page.post(url, {**fields, **changes, "_preview": "1"})


def test_a_preview_shows_the_difference_and_changes_nothing(page, turbo, form):
    before = ConfigRevision.objects.count(), ConfigClock.objects.get().value, LogEntry.objects.count()
    text = preview(page, url_of(turbo), form, strategy="priority").content.decode()
    assert "- ordered (default)" in text
    assert "+ priority" in text
    assert PublicModel.objects.get(pk=turbo.pk).strategy == "ordered"
    assert (ConfigRevision.objects.count(), ConfigClock.objects.get().value, LogEntry.objects.count()) == before
    assert "was changed successfully" not in page.get("/admin/").content.decode()


def test_what_was_previewed_is_saved_as_it_was(page, turbo, form):
    shown = preview(page, url_of(turbo), form, strategy="priority", description="a\r\nb <i>")
    again = fields_of(shown, "preview_form")
    assert page.post(url_of(turbo), {**again, "_save": "1"}).status_code == 302
    row = PublicModel.objects.get(pk=turbo.pk)
    assert (row.strategy, row.description.splitlines()) == ("priority", ["a", "b <i>"])
    assert ConfigRevision.objects.first().actor == "olga"


def test_from_the_preview_back_to_the_form_as_it_was_filled_in(page, turbo, form):
    shown = preview(page, url_of(turbo), form, description="not yet")
    back = page.post(url_of(turbo), {**fields_of(shown, "preview_form"), "_edit": "1"})
    assert fields_of(back, "publicmodel_form")["description"] == ["not yet"]
    assert "Nothing is saved yet" in back.content.decode()
    assert "Please correct" not in back.content.decode()
    assert PublicModel.objects.get(pk=turbo.pk).description == ""


def test_a_new_object_is_previewed_too(page, turbo):
    url = "/admin/routing/publicmodel/add/"
    fields = fields_of(page.get(url), "publicmodel_form")
    text = preview(page, url, fields, name="fresh").content.decode()
    assert "models/fresh" in text
    assert not PublicModel.objects.filter(name="fresh").exists()


def test_errors_are_in_the_form_as_always(page, turbo, form):
    text = preview(page, url_of(turbo), form, name="router").content.decode()
    assert "reserved for the router itself" in text
    renamed = {"aliases-TOTAL_FORMS": "1", "aliases-0-name": "twice", "aliases-0-model": str(turbo.pk), "name": "twice"}
    assert "already the name of" in preview(page, url_of(turbo), form, **renamed).content.decode()


@pytest.mark.parametrize(
    "typed",
    [{"keys-0-secret": NEW_SECRET}, {"headers-0-value": NEW_SECRET}, {"proxy": f"http://u:{NEW_SECRET}@p.example:1"}],
)
def test_typed_secrets_are_not_in_the_preview_and_not_saved_from_it(page, acme, typed):
    fields = fields_of(page.get(url_of(acme)), "provider_form")
    given = {"keys-0-secret": "other-key-0123456789", "headers-0-value": "other"} if "proxy" in typed else {}
    shown = preview(page, url_of(acme), fields, description="x", **given, **typed)
    text = shown.content.decode()
    assert NEW_SECRET not in text
    assert "has to be typed again" in text
    assert "Save now" not in text
    assert "changed" in text
    assert acme.keys.get().secret == SECRET
    back = page.post(url_of(acme), {**fields_of(shown, "preview_form"), "_edit": "1"})
    assert fields_of(back, "provider_form")["description"] == ["x"]


def test_stored_secrets_are_not_in_the_preview(page, acme):
    fields = fields_of(page.get(url_of(acme)), "provider_form")
    text = preview(page, url_of(acme), fields, description="x").content.decode()
    assert "Save now" in text
    assert SECRET not in text
    assert PROXY_PASSWORD not in text


def test_a_proposed_configuration_is_handed_to_the_explanation(page, turbo, form):
    shown = preview(page, url_of(turbo), form, strategy="priority")
    proposed = fields_of(shown, "explain_with")["proposed"][0]
    assert "strategy: priority" in proposed
    assert page.post("/admin/explain/", {"proposed": proposed, "model": "turbo"}).status_code == 200


def test_a_preview_says_which_lists_would_be_empty(page, turbo, form):
    gone = {"entries-0-DELETE": "on", "entries-1-DELETE": "on"}
    assert "“turbo” would have no entries left" in preview(page, url_of(turbo), form, **gone).content.decode()


def test_a_deletion_shows_all_that_goes_with_it(page, turbo, acme):
    text = page.get(url_of(acme, "delete")).content.decode()
    assert "endpoints/first" in text
    assert "“turbo” would have no entries left" in text
    assert acme.endpoints.count() == 2
    assert turbo.entries.count() == 2


def test_a_deletion_is_refused_where_it_would_do_more_than_was_shown(page, turbo, acme):
    confirmed = fields_of(page.get(url_of(acme, "delete")), "delete_form")
    Endpoint(name="third", provider=acme, upstream_model="third").save()
    told = page.post(url_of(acme, "delete"), confirmed, follow=True).content.decode()
    assert "nothing was deleted" in told
    assert "endpoints/third" in told
    assert "was deleted successfully" not in told
    assert acme.endpoints.count() == 3
    confirmed = fields_of(page.get(url_of(acme, "delete")), "delete_form")
    assert "was deleted successfully" in page.post(url_of(acme, "delete"), confirmed, follow=True).content.decode()
    assert not Endpoint.objects.filter(name="third").exists()


def test_chosen_rows_are_deleted_as_shown(page, turbo, acme):
    ids = [str(pk) for pk in acme.endpoints.values_list("pk", flat=True)]
    asked = page.post("/admin/routing/endpoint/", {"action": "delete_selected", "_selected_action": ids})
    assert "“turbo” would have no entries left" in asked.content.decode()
    assert acme.endpoints.count() == 2
    confirmed = fields_of(asked, "delete_form")
    turbo.delete()
    assert "nothing was deleted" in page.post("/admin/routing/endpoint/", confirmed, follow=True).content.decode()
    assert acme.endpoints.count() == 2
    confirmed["_shown"] = [""]
    page.post("/admin/routing/endpoint/", confirmed)
    assert acme.endpoints.count() == 0


def test_an_object_leads_to_the_revisions_that_touched_it(page, turbo, form):
    page.post(url_of(turbo), {**form, "description": "seen in its history"})
    number = ConfigRevision.objects.first().number
    text = page.get(url_of(turbo, "history")).content.decode()
    assert f"/admin/routing/configrevision/{number}/change/" in text
    assert "seen in its history" in text
    assert "Changed Description" in text
    other = Endpoint.objects.get(name="first")
    assert "seen in its history" not in page.get(url_of(other, "history")).content.decode()


def test_a_history_costs_as_many_queries_for_many_revisions_as_for_few(page, turbo):
    def cost() -> int:
        page.get(url_of(turbo, "history"))
        with CaptureQueriesContext(connection) as captured:
            page.get(url_of(turbo, "history"))
        return len(captured)

    turbo.description = "0"
    turbo.save()
    few = cost()
    for n in range(1, 12):
        turbo.description = str(n)
        turbo.save()
    assert cost() == few


def test_api_keys_have_no_preview(page, db):
    key = ApiKey(name="shop")
    key.set_key("sk-sy-" + "0" * 40)
    key.save()
    assert "_preview" not in page.get(url_of(key)).content.decode()
    assert page.get(url_of(key, "history")).status_code == 200
