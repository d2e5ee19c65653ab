"""The log of actions: who did what, in words; everything that the admin changes stands in it."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from routing import catalog
from routing.admin.steering import ACTIONS, DONE
from routing.models import Endpoint
from routing.state import STATE

LIST = "/admin/admin/logentry/"


@pytest.fixture
def serving(turbo):
    """The catalog has the endpoints, and nothing is remembered of them afterwards."""
    catalog.refresh()
    yield
    for remembered in (STATE._circuits, STATE._rests, STATE._drained):
        remembered.clear()


@pytest.mark.parametrize("what", ACTIONS)
def test_steering_a_circuit_is_in_the_log(page, serving, what):
    row = Endpoint.objects.get(name="first")
    page.post(reverse("admin:routing_endpoint_changelist"), {"action": what, "_selected_action": [row.pk]})
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.object_repr) == ("olga", "first")
    assert entry.get_change_message() == str(DONE[what])


def test_the_page_tells_who_did_what_when_and_changes_nothing(page, turbo):
    row = Endpoint.objects.get(name="first")
    page.post(reverse("admin:routing_endpoint_changelist"), {"action": "switch_off", "_selected_action": [row.pk]})
    text = page.get(LIST).content.decode()
    entry = LogEntry.objects.get()
    for said in ("olga", "endpoint", "first", "Changed Enabled", f"/admin/routing/endpoint/{row.pk}/change/"):
        assert said.lower() in text.lower()
    assert page.get(f"{LIST}add/").status_code == 403
    assert page.get(f"{LIST}{entry.pk}/delete/").status_code == 403
    assert page.post(f"{LIST}{entry.pk}/change/", {"object_repr": "x"}).status_code == 403
    assert page.get(f"{LIST}?kind=3").content.decode().count("olga") < text.count("olga")


@pytest.mark.parametrize("number", ["x", "²", "9" * 40])
def test_a_row_that_no_address_can_name_is_not_found(page, turbo, number):
    for what in ("clone", "rotate-key", "own-list", "test"):
        assert page.get(f"/admin/providers/provider/{number}/{what}/").status_code == 404
    assert page.post(f"/admin/routing/endpoint/{number}/do/", {"deed": "switch_off"}).status_code == 404


def test_a_chosen_row_that_is_no_number_is_a_wrong_request(page, turbo):
    chosen = {"action": "switch_off", "_selected_action": "²", "index": "0"}
    assert page.post("/admin/routing/endpoint/", chosen).status_code == 400


def test_a_year_that_is_none_is_a_wrong_request(page):
    assert page.get("/admin/admin/logentry/", {"action_time__year": "9" * 30}).status_code == 400
