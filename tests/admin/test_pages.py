"""Every page of the admin opens, and costs the same number of queries whether it shows five rows or fifty."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gateway_project import pages
from providers.configuration import one_change
from providers.models import Price, Provider, ProviderKey, ProviderModel
from routing import catalog
from routing.models import (
    Alias,
    ApiKey,
    Category,
    CircuitEvent,
    CircuitState,
    ConfigRevision,
    Endpoint,
    EndpointStats,
    Entry,
    KeyState,
    PublicModel,
    RevisionObject,
)

OURS = ("providers", "routing", "auth")
PAGES = sorted(
    (model for model in admin.site._registry if model._meta.app_label in OURS), key=lambda model: model._meta.label
)

# Those with arguments, of a row that ``fill`` makes; the dashboard has tests of its own.
OTHER_PAGES = [
    reverse(f"admin:{page.name}") for page in pages.PAGES if "<" not in page.route and "token" not in page.name
]
OTHER_PAGES += ["/admin/explain/?model=public1", "/admin/test/endpoint/e1", "/admin/test/provider/p1"]


def address(model, what: str, *arguments) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=arguments)


def fill(first: int, last: int) -> None:
    """One row a number and table, each with rows under it, and a revision a number."""
    with one_change("test", "test"):
        for n in range(first, last):
            fill_one(n)
    newest = ConfigRevision.objects.latest("number")
    said = {name: getattr(newest, name) for name in ("actor", "origin", "document", "fingerprint")}
    more = [ConfigRevision(number=newest.number + n, diff=newest.diff[:3], **said) for n in range(1, last - first)]
    ConfigRevision.objects.bulk_create(more)
    RevisionObject.objects.bulk_create(RevisionObject(revision=row, path="models/public1") for row in more)
    now = datetime.now(UTC)
    CircuitState.objects.bulk_create(CircuitState(identity=f"c{n}", phase="open") for n in range(first, last))
    CircuitEvent.objects.bulk_create(
        CircuitEvent(identity=f"c{n}", at=1700000000.0, before="closed", after="open") for n in range(first, last)
    )
    KeyState.objects.bulk_create(KeyState(identity=f"api:key{n}", last_used_at=now) for n in range(first, last))
    EndpointStats.objects.bulk_create(EndpointStats(identity=f"s{n}", tries=3, failures=1) for n in range(first, last))


def fill_one(n: int) -> None:
    provider = Provider.objects.create(name=f"p{n}", kind="openai-compatible", base_url="https://p.example/v1")
    ProviderKey.objects.create(provider=provider, label="a", secret="sk-" + "x" * 40)
    model = ProviderModel.objects.create(provider=provider, name=f"m{n}")
    Price.objects.create(model=model, input=1, output=2)
    endpoint = Endpoint.objects.create(name=f"e{n}", provider=provider, upstream_model="m", limit_requests=5)
    public = PublicModel.objects.create(name=f"public{n}")
    Alias.objects.create(name=f"alias{n}", model=public)
    category = Category.objects.create(name=f"category{n}", keywords=["one", "two"])
    Entry.objects.create(owner_model=public, endpoint=endpoint)
    Entry.objects.create(owner_category=category, endpoint=endpoint)
    key = ApiKey(name=f"key{n}")
    key.set_key(f"sk-sy-{n:040}")
    key.save()


def queries(page, url: str) -> int:
    page.get(url)  # what is cached per process (content types) is read by the first request
    with CaptureQueriesContext(connection) as captured:
        assert page.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_lists_and_forms_open(page, model):
    fill(0, 1)
    assert page.get(address(model, "changelist")).status_code == 200
    add = page.get(address(model, "add")).status_code
    row = model._default_manager.first()
    if row is not None:
        assert page.get(address(model, "change", row.pk)).status_code == 200
        delete = page.get(address(model, "delete", row.pk)).status_code
        assert (add, delete) in ((200, 200), (403, 403))


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_a_list_of_fifty_costs_as_many_queries_as_a_list_of_five(page, model):
    url = address(model, "changelist")
    fill(0, 5)
    few = queries(page, url)
    fill(5, 50)
    assert queries(page, url) == few


@pytest.mark.parametrize("address_of", OTHER_PAGES)
def test_a_page_that_is_no_list_costs_as_many_queries_with_fifty_rows_as_with_five(page, address_of):
    fill(0, 5)
    catalog.current()
    few = queries(page, address_of)
    fill(5, 50)
    assert queries(page, address_of) == few


@pytest.mark.parametrize("searched", ["providers/provider", "providers/providermodel", "routing/endpoint"])
def test_lists_can_be_searched(page, searched):
    fill(0, 2)
    found = page.get(f"/admin/{searched}/?q=p1").content.decode()
    assert "p1" in found
    assert ">p0<" not in found


def test_a_long_list_of_entries_costs_as_many_queries_as_a_short_one(page, turbo, acme):
    url = address(PublicModel, "change", turbo.pk)
    few = queries(page, url)
    for n in range(20):
        endpoint = Endpoint(name=f"more{n}", provider=acme, upstream_model=f"more{n}")
        endpoint.save()
        Entry(owner_model=turbo, endpoint=endpoint, position=10 + n).save()
    assert queries(page, url) == few


def test_many_keys_cost_as_many_queries_as_one(page, acme):
    url = address(Provider, "change", acme.pk)
    few = queries(page, url)
    for n in range(15):
        ProviderKey(provider=acme, label=f"k{n}", secret="s").save()
    assert queries(page, url) == few


def test_many_prices_cost_as_many_queries_as_one(page, acme):
    model = ProviderModel(provider=acme, name="m")
    model.save()
    Price(model=model, input=1).save()
    url = address(ProviderModel, "change", model.pk)
    few = queries(page, url)
    for n in range(15):
        Price(model=model, valid_from=datetime(2030 + n, 1, 1, tzinfo=UTC)).save()
    assert queries(page, url) == few


def test_the_menu_names_the_four_groups(page):
    text = page.get("/admin/").content.decode()
    for heading in ("Routing", "Providers", "Access", "Observe"):
        assert heading in text
    assert "Switchyard" in text


def test_every_page_says_when_the_newest_configuration_is_refused(page, monkeypatch):
    assert "Configuration refused" not in page.get("/admin/").content.decode()
    monkeypatch.setattr(catalog, "status", lambda: catalog.Status(7, "ValueError: a cycle", 0.0))
    for url in ("/admin/", "/admin/routing/endpoint/"):
        text = page.get(url).content.decode()
        assert "Configuration refused, generation 7 stays: ValueError: a cycle" in text


def test_nobody_sees_a_page_without_signing_in(client, db):
    response = client.get("/admin/providers/provider/")
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_a_reader_without_rights_has_no_menu_entry_and_no_page(client, django_user_model, db):
    client.force_login(django_user_model.objects.create_user("reader", password="pw", is_staff=True))
    assert "providers/provider/" not in client.get("/admin/").content.decode()
    assert client.get("/admin/providers/provider/").status_code == 403


def test_a_revision_shows_its_changes_line_by_line(page):
    ConfigRevision.objects.create(
        number=20_000,
        actor="olga",
        origin="admin",
        document=ConfigRevision.pack({}),
        fingerprint="f",
        diff=[
            {"path": "models/turbo/strategy", "before": "ordered", "after": "priority"},
            {"path": "endpoints/first", "after": {"provider": "acme", "retries": None}},
            {"path": "providers/acme/keys/main", "changed": True},
            {"path": "models/<script>", "before": {"a": 1}},
        ],
    )
    text = page.get(address(ConfigRevision, "change", 20_000)).content.decode()
    for line in ("- ordered", "+ priority", "+ provider: acme", "+ retries: null", "a secret changed", "- a: 1"):
        assert line in text
    assert "models/&lt;script&gt;" in text
    assert "models/<script>" not in text
    assert "endpoints/first" in page.get(address(ConfigRevision, "changelist")).content.decode()
