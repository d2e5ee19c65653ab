"""Operators open, close, drain and use endpoints again, from the list of circuits and from that of endpoints."""

from __future__ import annotations

import time

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.urls import reverse

from providers.models import Provider
from routing import catalog
from routing.models import ApiKey, CircuitEvent, CircuitState, Endpoint
from routing.state import STATE

IDENTITY = "acme|first|https://api.acme.example/v1"


@pytest.fixture(autouse=True)
def nothing_remembered(turbo):
    catalog.refresh()
    yield
    for remembered in (STATE._circuits, STATE._rests, STATE._drained):
        remembered.clear()


def act(page, where: str, action: str, chosen) -> str:
    sent = page.post(f"/admin/routing/{where}/", {"action": action, "_selected_action": [chosen]}, follow=True)
    return sent.content.decode()


def first_endpoint() -> int:
    return Endpoint.objects.get(name="first").pk


def test_an_endpoint_that_never_failed_can_be_opened_and_closed_by_hand(page):
    assert "Circuit opened: first." in act(page, "endpoint", "trip", first_endpoint())
    row = CircuitState.objects.get(identity=IDENTITY)
    assert (row.phase, row.next_probe_at, row.circuit_cause) == ("open", None, "opened by olga")
    assert STATE.circuit_of(IDENTITY).phase == "open"
    assert "until it is closed by hand" in page.get("/admin/routing/circuitstate/").content.decode()
    act(page, "circuitstate", "reset", IDENTITY)
    assert CircuitState.objects.get(identity=IDENTITY).phase == "closed"
    assert STATE.circuit_of(IDENTITY).well
    told = list(CircuitEvent.objects.order_by("at").values_list("before", "after", "by"))
    assert told == [("closed", "open", "olga"), ("open", "closed", "olga")]


def test_closing_a_circuit_by_hand_ends_the_endpoints_rest_too(page):
    now = time.time()
    rest = {"rests_until": now + 900, "rest_code": "model_missing", "cause": "?"}
    CircuitState.objects.create(identity=IDENTITY, updated_at=now, **rest)
    STATE.poll()
    assert STATE.rest_of(IDENTITY) is not None
    act(page, "circuitstate", "reset", IDENTITY)
    assert STATE.rest_of(IDENTITY) is None
    assert CircuitState.objects.get(identity=IDENTITY).rests_until is None


def test_an_endpoint_is_drained_and_used_again(page):
    act(page, "endpoint", "drain", first_endpoint())
    assert STATE.drained(IDENTITY)
    assert CircuitState.objects.get(identity=IDENTITY).drained
    act(page, "endpoint", "drain", first_endpoint())
    act(page, "circuitstate", "undrain", IDENTITY)
    assert not STATE.drained(IDENTITY)
    assert not CircuitState.objects.get(identity=IDENTITY).drained
    told = list(CircuitEvent.objects.order_by("at").values_list("after", "by"))
    assert told == [("drained", "olga"), ("serving", "olga")]
    text = page.get("/admin/routing/circuitevent/").content.decode()
    assert "in use → drained" in text


def test_a_circuits_page_tells_both_causes_and_its_history(page):
    CircuitState.objects.create(
        identity=IDENTITY,
        phase="open",
        failures=3,
        next_probe_at=time.time() + 60,
        circuit_cause="server_error: boom",
        rests_until=time.time() + 900,
        cause="model missing upstream",
    )
    CircuitEvent.objects.create(identity=IDENTITY, at=time.time(), before="closed", after="open", cause="boom")
    shown = page.get(reverse("admin:routing_circuitstate_change", args=[quote(IDENTITY)])).content.decode()
    for said in ("server_error: boom", "model missing upstream", "closed → open", "in use"):
        assert said in shown


def test_who_may_only_look_finds_no_action_and_cannot_act(client, django_user_model):
    CircuitState.objects.create(identity=IDENTITY)
    reader = django_user_model.objects.create_user("reader", password="pw", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_circuitstate"))
    client.force_login(reader)
    assert 'value="trip"' not in client.get("/admin/routing/circuitstate/").content.decode()
    act(client, "circuitstate", "trip", IDENTITY)
    assert CircuitState.objects.get(identity=IDENTITY).phase == "closed"
    reader.user_permissions.add(Permission.objects.get(codename="change_circuitstate"))
    act(client, "circuitstate", "trip", IDENTITY)
    assert CircuitState.objects.get(identity=IDENTITY).phase == "open"


def test_limits_of_keys_and_providers_are_set_in_their_forms(page, acme):
    sent = {
        "name": "app",
        "scopes": ["inference"],
        "limit_requests": "100",
        "limit_tokens": "5000",
        "limit_window": "1",
        "log_content": "off",
    }
    page.post("/admin/routing/apikey/add/", sent)
    key = ApiKey.objects.get(name="app")
    assert (key.limit_requests, key.limit_tokens, key.limit_window) == (100, 5000, 1.0)
    text = page.get(f"/admin/providers/provider/{acme.pk}/change/").content.decode()
    assert 'name="limit_requests"' in text
    assert Provider.objects.get(pk=acme.pk).limit_requests is None
