"""The playground's page, the token that it signs with, and what such a token can be used for."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import signing
from django.test import Client
from django.utils import timezone

from gateway_project.api import page_tokens
from metrics.models import AttemptLog, RequestLog
from routing import catalog
from routing.config import revisions
from routing.models import ApiKey, ConfigClock

URL, TOKEN = "/admin/playground/", "/admin/playground/token/"
CHAT = "/v1/chat/completions"
ASKED = {"model": "no-such-model", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def sender(db) -> User:
    """Somebody who may send requests from the admin, and nothing else."""
    user = User.objects.create_user("sam", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="add_requestlog"))
    return user


@pytest.fixture
def browser(sender) -> Client:
    client = Client()
    client.force_login(sender)
    return client


def token_of(browser: Client) -> str:
    answer = browser.post(TOKEN)
    assert answer.status_code == 200, answer.content
    return answer.json()["token"]


def ask(browser: Client, token: str, path: str = CHAT, **headers: str) -> tuple[int, str]:
    """(status, the error's code). A token that is let in reaches a model that does not exist: 404."""
    answer = browser.post(path, ASKED, "application/json", headers={"authorization": f"Bearer {token}", **headers})
    return answer.status_code, answer.json()["error"]["code"]


LET_IN = (404, "model_not_found")


def test_the_page_names_the_key_and_offers_the_models(page, turbo):
    html = page.get(URL, {"model": "turbo"}).content.decode()
    assert "“playground-olga”" in html
    assert '<option value="turbo">' in html
    assert 'value="turbo"' in html
    assert not ApiKey.objects.filter(name="playground-olga").exists()  # looking makes nothing


def test_the_first_use_makes_a_key_of_ones_own_that_is_logged_and_moves_the_clock(browser, sender):
    revisions.reconcile()
    before = ConfigClock.objects.get().value
    assert browser.post(TOKEN).json()["key"] == "playground-sam"
    key = ApiKey.objects.get(name="playground-sam")
    assert (key.scopes, key.enabled) == (["inference"], True)
    assert ConfigClock.objects.get().value == before + 1
    entry = LogEntry.objects.get(user=sender)
    assert (entry.object_id, entry.is_addition()) == (str(key.pk), True)
    token_of(browser)
    assert ApiKey.objects.filter(name__startswith="playground").count() == 1
    assert LogEntry.objects.count() == 1


def test_a_token_is_let_in_as_the_key_and_bears_neither_key_nor_session(browser):
    token = token_of(browser)
    assert ask(browser, token) == LET_IN
    assert browser.session.session_key not in token
    assert "sk-sy-" not in token


def test_an_expired_token_says_so(browser, monkeypatch):
    token = token_of(browser)
    monkeypatch.setattr(page_tokens, "SECONDS", -1)
    assert ask(browser, token) == (401, "expired_token")


@pytest.mark.parametrize("place", [len(page_tokens.PREFIX), 30, -1])
def test_a_token_that_was_changed_is_refused(browser, place):
    token = token_of(browser)
    letter = "x" if token[place] != "x" else "y"
    changed = token[:place] + letter + (token[place + 1 :] if place != -1 else "")
    assert ask(browser, changed) == (401, "invalid_api_key")


def test_a_token_fits_no_other_key(browser, sender):
    token_of(browser)
    other = ApiKey(name="production")
    other.set_key("sk-sy-" + "p" * 40)
    other.save()
    mine = ApiKey.objects.get(name="playground-sam")
    token = token_of(browser)
    assert ask(browser, token.replace(mine.hash, other.hash)) == (401, "invalid_api_key")
    elsewhere = signing.TimestampSigner(salt="another.use").sign(f"{sender.pk}/{other.hash}")
    assert ask(browser, page_tokens.PREFIX + elsewhere) == (401, "invalid_api_key")
    assert ask(browser, mine.hash) == (401, "invalid_api_key")


def test_a_key_that_is_revoked_or_made_anew_ends_its_tokens(browser):
    token = token_of(browser)
    key = ApiKey.objects.get(name="playground-sam")
    key.set_key("sk-sy-" + "n" * 40)
    key.save()
    catalog.refresh()
    assert ask(browser, token) == (401, "invalid_api_key")
    fresh = token_of(browser)
    assert ask(browser, fresh) == LET_IN
    key.enabled = False
    key.save()
    catalog.refresh()
    assert ask(browser, fresh) == (401, "invalid_api_key")
    refused = browser.post(TOKEN)
    assert refused.status_code == 403
    assert "“playground-sam” is revoked" in refused.json()["error"]


def test_an_expired_key_gives_no_token(browser):
    token = token_of(browser)
    key = ApiKey.objects.get(name="playground-sam")
    key.expires_at = timezone.now()
    key.save()
    catalog.refresh()
    assert ask(browser, token) == (401, "expired_api_key")
    assert browser.post(TOKEN).status_code == 403


def test_the_keys_own_models_count(browser, turbo):
    token = token_of(browser)
    key = ApiKey.objects.get(name="playground-sam")
    key.allowed_models = ["other"]
    key.save()
    catalog.refresh()
    body = {**ASKED, "model": "turbo"}
    answer = browser.post(CHAT, body, "application/json", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")


@pytest.mark.parametrize("end", ["sign out", "deactivate", "no staff", "no permission", "password", "no cookie"])
def test_who_may_not_send_any_more_is_refused_at_once(browser, sender, end):
    token = token_of(browser)
    assert ask(browser, token) == LET_IN
    if end == "sign out":
        browser.logout()
    elif end == "no cookie":
        browser = Client()
    elif end == "no permission":
        sender.user_permissions.clear()
    elif end == "password":
        sender.set_password("another")
        sender.save()
    else:
        setattr(sender, "is_active" if end == "deactivate" else "is_staff", False)
        sender.save()
    assert ask(browser, token) == (401, "not_signed_in")


def test_a_token_of_one_user_is_nothing_in_the_session_of_another(browser, page):
    assert ask(page, token_of(browser)) == (401, "not_signed_in")


@pytest.mark.parametrize("path", ["/v1/route/explain", "/v1/rerank"])
def test_a_token_is_for_inference(browser, path):
    assert ask(browser, token_of(browser), path)[0] in (400, 404)


@pytest.mark.parametrize(
    ("method", "path"), [("get", "/config"), ("get", "/metrics"), ("post", "/circuit-breaker/reset-all")]
)
def test_a_token_opens_nothing_else_whatever_its_key_may_do(browser, method, path):
    token = token_of(browser)
    key = ApiKey.objects.get(name="playground-sam")
    key.scopes = ["inference", "admin", "metrics"]
    key.save()
    catalog.refresh()
    answer = getattr(browser, method)(path, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("welcome", [False, True])
def test_a_page_of_another_origin_cannot_use_it_even_where_cors_lets_it_call(browser, settings, headers, welcome):
    token = token_of(browser)
    if welcome:
        settings.CORS_ORIGINS = ["https://elsewhere.example", "null"]
        settings.CORS_ALLOW_ALL_ORIGINS = True
    assert ask(browser, token, **headers)[0] == 403
    assert ask(browser, token, origin="http://testserver") == LET_IN


def test_without_authentication_a_bad_token_is_not_taken_for_nobody(browser, settings):
    settings.AUTH_REQUIRED = False
    token = token_of(browser)
    assert ask(browser, token) == LET_IN
    browser.logout()
    assert ask(browser, token) == (401, "not_signed_in")


def test_a_token_is_not_given_across_sites(sender):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sender)
    assert strict.post(TOKEN).status_code == 403
    assert strict.get(TOKEN).status_code == 405
    assert not ApiKey.objects.filter(name="playground-sam").exists()


def test_who_may_not_send_has_neither_page_nor_token_nor_records(client, db):
    viewer = User.objects.create_user("vera", password="pw", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_publicmodel", "view_requestlog"]))
    client.force_login(viewer)
    for answer in (client.get(URL), client.post(TOKEN), client.get("/admin/playground/record/R/")):
        assert answer.status_code == 403
    assert URL not in client.get("/admin/").content.decode()


def test_ones_own_record_is_told_and_that_of_others_only_to_who_may_see_requests(browser, page):
    common = {"at": timezone.now(), "outcome": "success", "status": 200, "cost": "0.000012000000", "currency": "USD"}
    RequestLog.objects.create(id="MINE", api_key="playground-sam", **common)
    RequestLog.objects.create(id="OTHERS", api_key="shop", **common)
    AttemptLog.objects.create(id="MINE-1", request="MINE", at=timezone.now(), number=1, outcome="success", started_ms=1)
    told = browser.get("/admin/playground/record/MINE/").json()
    assert (told["cost"], told["currency"], told["link"]) == ("0.000012", "USD", "")
    assert [tried["number"] for tried in told["attempts"]] == [1]
    assert browser.get("/admin/playground/record/OTHERS/").status_code == 404
    assert "/requestlog/OTHERS/" in page.get("/admin/playground/record/OTHERS/").json()["link"]
    assert browser.get("/admin/playground/record/NOTYET/").status_code == 202
    assert browser.get("/admin/playground/record/a%00b/").status_code == 404


def test_a_user_with_an_endless_name_has_a_key_all_the_same(client, db):
    user = User.objects.create_superuser("x" * 150, password="pw")
    client.force_login(user)
    assert client.post(TOKEN).json()["key"] == f"playground-{user.pk}"


def test_the_words_of_the_script_are_in_the_page(page):
    html = page.get(URL).content.decode()
    data = json.loads(html.split('id="playground-page" type="application/json">')[1].split("</script>")[0])
    assert data["chat"] == CHAT
    assert data["words"]["cut"] == "cut: the answer is not complete"
