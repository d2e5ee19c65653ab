"""Lists tell how things stand: endpoints, the lists that lead to them, categories, keys."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from metrics import spans
from metrics.models import UsageSpan
from providers.models import Provider
from routing import catalog
from routing.models import (
    ApiKey,
    Category,
    CircuitState,
    ConfigRevision,
    Endpoint,
    EndpointStats,
    Entry,
    KeyState,
    PublicModel,
)
from routing.state import STATE

FIRST = "acme|first|https://api.acme.example/v1"


@pytest.fixture(autouse=True)
def served(turbo):
    catalog.refresh()
    yield
    for remembered in (STATE._circuits, STATE._rests, STATE._drained):
        remembered.clear()


def used(dimension: str, name: str, span: str = spans.HOUR, **counts) -> None:
    start = spans.begin(span, datetime.now(UTC))
    UsageSpan.objects.create(span=span, dimension=dimension, start=start, name=name, **counts)


def text_of(page, url: str) -> str:
    """What a person reads: tags left out, tooltips too."""
    response = page.get(url)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def post(page, url: str, deed: str):
    return page.post(url, {"deed": deed}, follow=True)


def test_the_list_of_endpoints_tells_why_one_is_not_used(page):
    CircuitState.objects.create(
        identity=FIRST, phase="open", next_probe_at=time.time() + 60, circuit_cause="server_error: boom"
    )
    text = text_of(page, "/admin/routing/endpoint/?q=first")
    assert "Circuit open server_error: boom" in text
    assert "next try at" in text


def test_what_is_over_is_not_told(page):
    CircuitState.objects.create(identity=FIRST, circuit_cause="old", rests_until=time.time() - 5, cause="slept")
    for url in ("/admin/routing/endpoint/?q=first", "/admin/routing/circuitstate/"):
        text = text_of(page, url)
        assert "Healthy" in text
        assert "slept" not in text
        assert "old" not in text.split()


def test_the_list_of_endpoints_tells_speed_errors_traffic_and_the_last_error(page):
    used("endpoint", "first", requests=30, tries=40, failed_tries=4, latency={"80": 30})
    used("endpoint", "second", requests=10, tries=10)
    EndpointStats.objects.create(identity="first", last_error="upstream said no", last_error_at=datetime.now(UTC))
    text = text_of(page, "/admin/routing/endpoint/?q=first")
    for told in ("75 % of traffic", "10 % of tries failed", "p50", "p95", "upstream said no"):
        assert told in text


def test_figures_of_the_day_before_yesterday_do_not_count(page):
    old = datetime.now(UTC) - timedelta(hours=50)
    start = spans.begin(spans.HOUR, old)
    UsageSpan.objects.create(span=spans.HOUR, dimension="endpoint", start=start, name="first", requests=9, tries=9)
    assert "of traffic" not in text_of(page, "/admin/routing/endpoint/?q=first")


def test_a_chain_tells_how_each_entry_is(page, turbo):
    CircuitState.objects.create(identity=FIRST, drained=True)
    text = text_of(page, "/admin/routing/publicmodel/?q=turbo")
    assert text.index("first (Drained") < text.index("second (Healthy)")


def test_a_model_without_entries_is_marked_and_saving_it_warns(page):
    saved = page.post("/admin/routing/publicmodel/add/", _model("lonely"), follow=True).content.decode()
    assert "“lonely” has no entries yet" in saved
    assert "no entries" in text_of(page, "/admin/routing/publicmodel/?q=lonely")


def _model(name: str) -> dict[str, str]:
    said = {"name": name, "type": "text-generation", "strategy": "ordered", "mid_stream": "error", "enabled": "on"}
    management = {f"{group}-{what}_FORMS": "0" for group in ("entries", "aliases") for what in ("TOTAL", "INITIAL")}
    return {**said, **management}


def test_categories_tell_their_share_and_their_words(page):
    Category.objects.create(name="law", keywords=[f"word{n}" for n in range(9)])
    used("category", "law", requests=1)
    used("category", "code", requests=3)
    text = text_of(page, "/admin/routing/category/?q=law")
    assert "9 keywords" in text
    assert "25 %" in text


def test_strategies_have_a_short_name_and_an_explanation(page):
    shown = page.get("/admin/routing/publicmodel/?q=turbo").content.decode()
    assert re.search(r'title="In the order of the list">In order<', shown)
    assert re.search(r'title="text-generation">Chat<', shown)


def test_circuits_are_listed_by_name_the_well_ones_too_and_old_places_apart(page):
    CircuitState.objects.create(identity="acme|first|https://old.example/v1", phase="open")
    text = text_of(page, "/admin/routing/circuitstate/")
    assert "first" in text
    assert "second" in text
    assert "No longer used (1)" in text
    assert "acme/first" not in text
    assert "acme/first" in text_of(page, "/admin/routing/circuitstate/?show=gone")


def test_a_healthy_endpoint_is_opened_from_the_list_of_circuits_and_that_is_logged(page):
    page.post("/admin/routing/circuitstate/", {"do": f"trip {FIRST}"})
    assert STATE.circuit_of(FIRST).phase == "open"
    assert "Circuit opened" in LogEntry.objects.first().change_message


def test_a_place_that_nobody_knows_cannot_be_steered(page):
    page.post("/admin/routing/circuitstate/", {"do": "trip nobody|knows|this"})
    assert not CircuitState.objects.filter(identity="nobody|knows|this").exists()


def test_keys_of_providers_that_rest_are_told_with_the_circuits(page):
    KeyState.objects.create(identity="provider:acme/main#1a2b", rests_until=time.time() + 60, cause="401: no such key")
    text = text_of(page, "/admin/routing/circuitstate/")
    assert "acme/main" in text
    assert "401: no such key" in text


@pytest.mark.parametrize("deed", ["trip", "drain"])
def test_an_endpoint_is_steered_from_its_own_page(page, deed):
    row = Endpoint.objects.get(name="first")
    assert f'value="{deed}"' in page.get(f"/admin/routing/endpoint/{row.pk}/change/").content.decode()
    post(page, f"/admin/routing/endpoint/{row.pk}/do/", deed)
    assert STATE.drained(FIRST) or STATE.circuit_of(FIRST).phase == "open"


def test_a_deed_needs_its_permission_and_a_post(page, client, django_user_model):
    row = Endpoint.objects.get(name="first")
    url = f"/admin/routing/endpoint/{row.pk}/do/"
    assert page.get(url).status_code == 405
    viewer = django_user_model.objects.create_user("vera", password="pw", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_endpoint"))
    client.force_login(viewer)
    for deed in ("trip", "switch_off", "clone", "export", "delete_selected"):
        assert post(client, url, deed).status_code == 403
    assert "rt-icon" not in client.get("/admin/routing/endpoint/").content.decode()
    row.refresh_from_db()
    assert row.enabled


@pytest.mark.parametrize(
    ("table", "deed"),
    [("endpoint", "switch_off"), ("publicmodel", "clone"), ("category", "clone"), ("apikey", "revoke")],
)
def test_rows_have_buttons(page, table, deed):
    Category.objects.create(name="law")
    key = ApiKey(name="shop")
    key.set_key("sk-sy-shop")
    key.save()
    assert re.search(
        rf'<button class="rt-icon"[^>]*value="{deed}"', page.get(f"/admin/routing/{table}/").content.decode()
    )


def test_a_switch_on_a_row_is_one_revision(page):
    row = Endpoint.objects.get(name="first")
    before = ConfigRevision.objects.count()
    post(page, f"/admin/routing/endpoint/{row.pk}/do/", "switch_off")
    row.refresh_from_db()
    assert not row.enabled
    assert ConfigRevision.objects.count() == before + 1


def test_a_cloned_model_has_the_same_entries_and_is_disabled(page, turbo):
    post(page, f"/admin/routing/publicmodel/{turbo.pk}/do/", "clone")
    post(page, f"/admin/routing/publicmodel/{turbo.pk}/do/", "clone")
    copy, second = PublicModel.objects.filter(name__startswith="copy of turbo").order_by("name")
    assert (copy.name, second.name, copy.enabled) == ("copy of turbo", "copy of turbo 2", False)
    assert [str(entry) for entry in copy.entries.all()] == ["first", "second"]
    assert Entry.objects.filter(owner_model=turbo).count() == 2


def test_a_cloned_category_keeps_its_words_and_weights(page):
    row = Category.objects.create(name="law", keywords=["court"], weights={"court": 2})
    post(page, f"/admin/routing/category/{row.pk}/do/", "clone")
    copy = Category.objects.get(name="copy of law")
    assert (copy.keywords, copy.weights, copy.enabled) == (["court"], {"court": 2}, False)


def test_a_cloned_endpoint_is_a_form_filled_in(page):
    row = Endpoint.objects.get(name="first")
    row.limit_requests = 7
    row.save()
    shown = post(page, f"/admin/routing/endpoint/{row.pk}/do/", "clone").content.decode()
    assert 'value="copy of first"' in shown
    assert re.search(r'name="limit_requests"[^>]*value="7"|value="7"[^>]*name="limit_requests"', shown)


def test_chosen_rows_are_exported_as_a_part(page, turbo):
    sent = page.post("/admin/routing/publicmodel/", {"action": "export", "_selected_action": [str(turbo.pk)]})
    assert sent["Content-Disposition"] == 'attachment; filename="switchyard-models.yaml"'
    assert "part: true" in sent.content.decode()
    assert "turbo:" in sent.content.decode()


def test_an_endpoint_is_made_without_a_name_of_its_own(page, acme):
    said = {"provider": str(acme.pk), "upstream_model": "tiny", "enabled": "on"}
    page.post("/admin/routing/endpoint/add/", said)
    assert Endpoint.objects.get(name="acme/tiny").provider == Provider.objects.get(name="acme")


@pytest.mark.parametrize("field", ["limit_requests", "limit_tokens", "circuit_failures"])
def test_a_limit_of_nothing_is_refused_with_a_sentence(page, acme, field):
    said = {"name": "none", "provider": str(acme.pk), "upstream_model": "tiny", field: "0"}
    shown = page.post("/admin/routing/endpoint/add/", said).content.decode()
    assert ("0 would let no request through" in shown) or ("At least 1" in shown)
    assert not Endpoint.objects.filter(name="none").exists()


def test_keys_tell_what_they_were_used_for_lately(page):
    key = ApiKey(name="shop")
    key.set_key("sk-sy-shop")
    key.save()
    used("api_key", "shop", spans.DAY, requests=1200, costs={"USD": "3.5"})
    text = text_of(page, "/admin/routing/apikey/")
    assert "1 200 requests" in text
    assert "3.50 USD" in text
    assert "3.50 USD" in text_of(page, f"/admin/routing/apikey/{key.pk}/change/")
