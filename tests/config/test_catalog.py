"""What workers serve: built once a generation, swapped when the clock moves, the last good one kept."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import connection

from providers.kinds import KINDS
from providers.models import Provider, ProviderKey
from providers.targets import normal_url
from routing import catalog
from routing.build import Sources, build
from routing.config.apply import apply
from routing.config.revisions import revision
from routing.config.serialize import serialize
from routing.models import ApiKey, ConfigRevision, PublicModel
from routing.polling import Poller
from routing.types import Group
from tests.config.conftest import document

pytestmark = pytest.mark.django_db


def built(said, secrets=None, environ=None):
    return build(Sources(said, secrets or {}, environ=environ or {}, created=1_700_000_000))


SECRETS = {"providers/acme/keys/default/secret": "sk-1", "providers/acme/headers/X-Team/value": "blue"}


def test_an_endpoint_is_ready_to_use():
    said = document()
    said["providers"]["acme"] |= {"auth_scheme": "none", "paths": {"chat": "/x"}, "extra_body": {"store": False}}
    said["endpoints"]["acme-1"] |= {"connect_timeout": 1.5, "total_timeout": 90.0, "retries": 0}
    one = built(said, SECRETS).endpoints["acme-1"]
    assert one.identity == "acme|m-1|https://acme.example/v1"
    assert [(key.identity, key.secret) for key in one.credentials] == [("acme/default", "sk-1")]
    assert (one.target.upstream_model, one.target.auth_scheme, one.target.headers) == ("m-1", "", {"X-Team": "blue"})
    assert (one.target.paths, one.target.extra_body) == ({"chat": "/x"}, {"store": False})
    assert (one.limits.connect, one.limits.headers, one.limits.total, one.limits.first_content) == (1.5, 90, 90, 10)
    said["endpoints"]["acme-1"]["headers_timeout"] = 30
    assert built(said, SECRETS).endpoints["acme-1"].limits.headers == 30
    assert (one.retries, one.reason_skipped) == (0, None)
    assert (one.facts.max_input_tokens, one.facts.prices[0].input) == (8192, Decimal("0.15"))


def test_servers_that_load_models_and_models_that_reason_get_longer():
    said = document()
    said["providers"]["acme"]["models"]["m-1"]["capabilities"] = ["reasoning"]
    served = built(said, SECRETS)
    assert served.endpoints["acme-1"].limits.first_content == 60
    assert served.endpoints["home-1"].limits.first_content == 60
    assert served.endpoints["home-1"].limits.total == 20.5


@pytest.mark.parametrize(
    ("path", "value", "code", "reason"),
    [
        ("providers", {"enabled": False}, "disabled", "provider acme is disabled"),
        ("providers", {"keys": []}, "no_key", "provider acme has no key: add a key in the admin"),
        ("providers", {"keys": [{"label": "a", "env": "ACME_KEY"}, {"label": "b", "env": "ACME_2"}]}, "no_key",
         "provider acme has no key: set ACME_KEY or ACME_2, or add a key in the admin"),
        ("providers", {"keys": [], "kind": "mistral"}, "no_key",
         "provider acme has no key: set MISTRAL_API_KEY, or add a key in the admin"),
        ("providers", {"keys": [{"label": "default", "stored": True, "enabled": False}]}, "no_key",
         "provider acme has no key: add a key in the admin"),
        ("endpoints", {"enabled": False}, "disabled", "endpoint acme-1 is disabled"),
        ("models", {"enabled": False}, "disabled", "model turbo is disabled"),
    ],
)  # fmt: skip
def test_what_configuration_rules_out_says_why(path, value, code, reason):
    said = document()
    name = {"providers": "acme", "endpoints": "acme-1", "models": "turbo"}[path]
    said[path][name] |= value
    one = built(said, SECRETS).routes["turbo"].candidates[0]
    assert (one.skip_code, one.reason_skipped) == (code, reason)


def test_keys_come_from_the_environment_of_the_process():
    said = document()
    said["providers"]["acme"]["keys"] = [{"label": "default", "env": "ACME_KEY"}]
    assert built(said, environ={"ACME_KEY": " sk-env "}).endpoints["acme-1"].credentials[0].secret == "sk-env"
    assert built(said, environ={"ACME_KEY": " "}).endpoints["acme-1"].skip_code == "no_key"


def test_a_key_that_cannot_be_decrypted_counts_as_missing(small):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_providerkey SET secret = 'gAAAAforeign'")
    one = catalog.current().endpoints["acme-1"]
    assert (one.credentials, one.skip_code) == ((), "no_key")


def test_models_within_models_are_expanded_in_place_and_circles_end():
    said = document(models={
        "outer": {"entries": [{"endpoint": "home-1"}, {"model": "inner", "priority": 3}, {"model": "outer"}]},
        "inner": {"entries": [{"endpoint": "acme-1", "priority": 9}, {"model": "outer"}]},
    })  # fmt: skip
    found = built(said, SECRETS).routes["outer"]
    assert [(one.endpoint, one.priority) for one in found.candidates] == [("home-1", 0), ("acme-1", 9)]
    assert found.members == ("home-1", Group("inner", "ordered", ("acme-1",), priority=3))


def test_a_disabled_entry_is_skipped_with_its_reason_unless_another_reaches_the_endpoint():
    entries = [{"endpoint": "acme-1", "enabled": False}, {"endpoint": "home-1"}]
    said = document(models={"turbo": {"entries": entries}})
    assert built(said, SECRETS).routes["turbo"].candidates[0].reason_skipped == "its entry in the list is disabled"
    said["models"]["turbo"]["entries"].append({"endpoint": "acme-1"})
    found = built(said, SECRETS).routes["turbo"].candidates
    assert [(one.endpoint, one.reason_skipped) for one in found] == [("home-1", None), ("acme-1", None)]


def test_a_configured_endpoint_takes_the_place_of_the_dynamic_one_of_its_identity():
    served = built(document(), SECRETS)
    assert served.providers["acme"].models["m-1"].endpoint == "acme-1"
    assert served.bare["m-1"][0].endpoint == "acme-1"
    assert served.providers["home"].models["m-1"].endpoint == "home-1"


def test_what_can_be_called_is_listed():
    said = document(categories={"code": {"entries": [{"endpoint": "home-1"}]}, "empty": {}})
    said["providers"]["home"]["models"] = {"m-2": {"upstream_name": "long-name", "max_input_tokens": 4096}}
    said["models"]["*"] = {"entries": [{"endpoint": "home-1"}]}
    said["models"]["broken"] = {"entries": []}
    listed = {line.id: line for line in built(said, SECRETS).listed}
    assert list(listed) == ["turbo", "code", "m-1", "m-2", "acme/m-1", "home/m-2"]
    assert (listed["turbo"].aliases, listed["turbo"].max_context_length, listed["turbo"].created) == (
        ("fast",), 8192, 1_700_000_000)  # fmt: skip
    assert (listed["m-2"].owned_by, listed["code"].owned_by) == ("home", "switchyard")
    assert [line.id for line in built(said).listed] == ["turbo", "code", "m-2", "home/m-2"]


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://API.Example.com:443/v1/", "https://api.example.com/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://x.example/A", "https://x.example/A"),
    ],
)
def test_identities_do_not_depend_on_how_a_url_is_written(url, normal):
    assert normal_url(url) == normal


def test_grants_are_known_by_hash(small):
    access = ApiKey(name="app", scopes=["inference", "metrics"], allowed_models=["acme/*"])
    access.set_key("sk-sy-0123456789")
    access.save()
    grant = catalog.current().grants[access.hash]
    assert (grant.name, grant.prefix, grant.allowed) == ("app", "sk-sy-0123", ("acme/*",))
    assert grant.scopes == {"inference", "metrics"}


def test_refresh_follows_the_clock_and_leaves_the_rest_alone(small):
    first = catalog.current()
    catalog.refresh()
    assert catalog.current() is first
    PublicModel(name="second").save()
    assert catalog.current() is first
    catalog.refresh()
    assert "second" in catalog.current().routes
    assert catalog.status().generation == catalog.current().generation > first.generation


def test_a_generation_that_cannot_be_built_is_refused_and_said(small, caplog):
    good = catalog.current()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_provider SET kind = 'unheard-of' WHERE name = 'home'")
    catalog.notice_outside_changes()
    catalog.refresh()
    assert catalog.current() is good
    assert "unheard-of" in catalog.status().error
    assert "cannot be served" in caplog.text
    caplog.clear()
    catalog.refresh()
    assert not caplog.records
    with revision("ada", "test"):
        Provider.objects.filter(name="home").update(kind="vllm")
    catalog.refresh()
    assert catalog.status().error is None
    assert catalog.current().providers["home"].kind == "vllm"


def test_without_a_good_one_there_is_none(small):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_provider SET kind = 'unheard-of' WHERE name = 'home'")
    with pytest.raises(catalog.CatalogUnavailable, match="unheard-of"):
        catalog.current()


def test_a_key_revoked_by_raw_sql_is_noticed(small):
    access = ApiKey(name="app")
    access.set_key("sk-sy-0123456789")
    access.save()
    catalog.current()
    catalog.notice_outside_changes()
    count, before = ConfigRevision.objects.count(), catalog.status().generation
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM routing_apikey")
    catalog.notice_outside_changes()
    catalog.refresh()
    assert catalog.current().grants == {}
    assert (ConfigRevision.objects.count(), catalog.status().generation) == (count, before + 1)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_polling_brings_what_another_connection_committed(monkeypatch):
    apply(document(), "ada", "test")
    catalog.forget()
    first = catalog.current()
    swapped = threading.Event()
    follow = catalog.follow

    def watched(value):
        follow(value)
        if catalog.status().generation > first.generation:
            swapped.set()

    monkeypatch.setattr(catalog, "follow", watched)
    monkeypatch.setattr("routing.config.revisions.on_change", [])
    poller = Poller(0.01)
    poller.start()
    try:
        PublicModel(name="second").save()
        assert swapped.wait(30)
    finally:
        poller.stop()
    assert "second" in catalog.current().routes


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_new_worker_looks_at_shared_state_at_once(monkeypatch):
    looked = threading.Event()
    monkeypatch.setattr("routing.polling.STATE.poll", looked.set)
    poller = Poller(3600)
    poller.start()
    try:
        assert looked.wait(30)
    finally:
        poller.stop()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_worker_that_holds_the_lock_reconciles_and_another_does_not():
    apply(document(), "ada", "test")
    one, other = Poller(9), Poller(9)
    assert (one._is_ours(), other._is_ours(), one._is_ours()) == (True, False, True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE providers_provider SET position = 42 WHERE name = 'home'")
    other._reconcile()
    assert ConfigRevision.objects.first().origin == "test"
    one._reconcile()
    assert ConfigRevision.objects.first().origin == "outside"
    for poller in (one, other):
        poller._close()
        if poller._lock_file is not None:
            poller._lock_file.close()


def test_every_kind_of_provider_can_be_built():
    said = {"version": 1, "providers": {kind: {"kind": kind, "base_url": "https://x.example"} for kind in KINDS}}
    assert set(built(said).providers) == set(KINDS)


def test_serving_the_products_own_seed_takes_a_dozen_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        served = catalog.current()
    assert len(served.bare) >= 100
    assert set(served.providers) == set(serialize()["providers"])
    with django_assert_max_num_queries(0):
        assert catalog.current() is served


def test_stored_keys_are_served_in_their_order(small):
    ProviderKey(provider=Provider.objects.get(name="acme"), label="first", position=0, secret="sk-2").save()
    assert [key.identity for key in catalog.current().endpoints["acme-1"].credentials] == ["acme/default", "acme/first"]
