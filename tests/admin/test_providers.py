"""The pages of providers: what the list tells, and what can be done to a provider."""

from __future__ import annotations

import html
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from metrics.models import UsageHour
from providers.models import Price, Provider, ProviderKey, ProviderModel
from routing import catalog
from routing.config import text
from routing.models import EndpointStats, KeyState
from tests.admin.browser_form import fields_of
from tests.admin.conftest import HEADER_SECRET, SECRET

LIST = "/admin/providers/provider/"
MODELS = "/admin/providers/providermodel/"


def shown(page: Client, url: str = f"{LIST}?q=acme") -> str:
    return html.unescape(page.get(url, follow=True).content.decode())


def member(client: Client, users, *permissions: str) -> Client:
    user = users.objects.create_user("sam", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def flagged(code: str, seconds: float, cause: str) -> None:
    catalog.forget()
    (key,) = catalog.current().providers["acme"].credentials
    KeyState(
        identity=f"provider:{key.state_key}", rests_until=time.time() + seconds, rest_code=code, cause=cause
    ).save()


def test_a_key_is_masked_for_who_may_change_it_and_present_for_others(page, acme, client, django_user_model):
    assert f"{SECRET[:10]}...{SECRET[-5:]}" in shown(page)
    others = shown(member(client, django_user_model, "view_provider", "view_providerkey"))
    assert SECRET[:10] not in others
    assert "present" in others


@pytest.mark.parametrize(("code", "told"), [("credential_rejected", "rejected"), ("rate_limited", "rests until")])
def test_a_key_that_rests_is_shown_with_its_cause(page, acme, code, told):
    flagged(code, 600, "Incorrect API key provided")
    text_ = shown(page)
    assert f">{told}" in text_
    assert "Incorrect API key provided" in text_


def test_a_rest_that_is_over_is_not_shown(page, acme):
    flagged("rate_limited", -5, "too many")
    assert "rests until" not in shown(page)


def test_an_enabled_provider_without_a_key_is_not_shown_as_well(page, acme):
    acme.keys.get().delete()
    text_ = shown(page)
    assert "No key" in text_
    assert "Reachable" not in text_
    acme.keyless = True
    acme.save()
    assert "works without a key" in shown(page)


def test_the_latest_answer_and_error_are_told_whoever_of_its_endpoints_met_them(page, turbo):
    now = datetime.now(UTC)
    EndpointStats(identity="first", tries=2, last_success_at=now).save()
    assert "Reachable" in shown(page)
    EndpointStats(identity="acme/other", last_error="boom", last_error_at=now + timedelta(seconds=1)).save()
    text_ = shown(page)
    assert "Failing" in text_
    assert "boom" in text_


def test_the_share_of_failing_tries_is_told(page, acme):
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    UsageHour(hour=hour, provider="acme", endpoint="first", tries=8, failed_tries=2).save()
    assert "25%" in shown(page)


def test_a_copy_begins_with_what_the_provider_says_and_without_its_secrets(page, acme):
    answer = page.get(f"{LIST}{acme.pk}/clone/", follow=True)
    told = html.unescape(answer.content.decode())
    assert "Keys, headers, proxy and models are not copied" in told
    for hidden in (SECRET, HEADER_SECRET, "proxy.acme.example"):
        assert hidden not in told
    fields = fields_of(answer, "provider_form")
    assert (fields["base_url"], fields["name"]) == (["https://api.acme.example/v1"], [""])


def rotate(page: Client, acme: Provider, **fields: str) -> str:
    answer = page.post(f"{LIST}{acme.pk}/rotate-key/", {"label": "main", "secret": "sk-new", **fields}, follow=True)
    return html.unescape(answer.content.decode())


def test_a_replaced_key_is_followed_by_the_old_one(page, acme):
    ProviderKey(provider=acme, label="last", secret="sk-last", position=1).save()
    told = rotate(page, acme, keep="on")
    assert "the old one follows it as “main-old”" in told
    assert "sk-new" not in told
    kept = [(key.label, key.secret) for key in acme.keys.order_by("position", "label")]
    assert kept == [("main", "sk-new"), ("main-old", SECRET), ("last", "sk-last")]
    assert LogEntry.objects.filter(user__username="olga").exists()


def test_a_replaced_key_can_be_dropped(page, acme):
    assert "the old one is gone" in rotate(page, acme)
    assert [key.secret for key in acme.keys.all()] == ["sk-new"]


def test_who_may_not_edit_keys_cannot_replace_one(acme, client, django_user_model):
    sam = member(client, django_user_model, "view_provider", "change_provider")
    assert sam.post(f"{LIST}{acme.pk}/rotate-key/", {"label": "main", "secret": "x"}).status_code == 403
    assert acme.keys.get().secret == SECRET


def test_the_chosen_rows_are_exported_without_secrets(page, acme):
    chosen = {"action": "export", "_selected_action": [acme.pk]}
    answer = page.post(LIST, chosen, follow=True)
    said = text.load(answer.content)
    assert (said["part"], list(said["providers"])) == (True, ["acme"])
    assert SECRET not in answer.content.decode()


def test_a_limit_of_nothing_is_refused(page, acme):
    fields = fields_of(page.get(f"{LIST}{acme.pk}/change/"), "provider_form")
    answer = page.post(f"{LIST}{acme.pk}/change/", {**fields, "limit_requests": "0"})
    assert "0 would let no request through" in answer.content.decode()


def test_a_proxy_that_cannot_be_decrypted_is_not_shown_as_its_token(page, acme, settings):
    from cryptography.fernet import Fernet

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    page_ = shown(page, f"{LIST}{acme.pk}/change/")
    assert "cannot be decrypted: enter it again" in page_
    assert "gAAAA" not in page_
    assert "Proxy cannot be decrypted" in shown(page)


def test_models_whose_price_is_unknown_are_found(page, acme):
    for name in ("free", "dear", "half"):
        ProviderModel(provider=acme, name=name).save()
    models = {row.name: row for row in acme.models.all()}
    Price(model=models["dear"], input=1, output=2).save()
    Price(model=models["half"], input=1).save()
    Price(model=models["free"], input=1, output=1, valid_from=datetime(2199, 1, 1, tzinfo=UTC)).save()
    unknown = shown(page, f"{MODELS}?price=unknown&provider__id__exact={acme.pk}")
    assert all(f">{name}<" in unknown for name in ("free", "half"))
    assert ">dear<" not in unknown
    known = shown(page, f"{MODELS}?price=known&provider__id__exact={acme.pk}")
    assert ">dear<" in known


def test_a_models_latest_answer_is_told(page, acme):
    row = ProviderModel(provider=acme, name="m")
    row.save()
    EndpointStats(identity="acme/m", last_success_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)).save()
    assert "03:04:05" in shown(page, f"{MODELS}?provider__id__exact={acme.pk}")
