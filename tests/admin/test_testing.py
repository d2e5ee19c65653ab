"""The page that tries a provider, an endpoint or a model: what it says, what it shows, who may."""

from __future__ import annotations

import html

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from providers.models import Price, Provider, ProviderHeader, ProviderKey, ProviderModel
from routing.models import Endpoint
from tests.admin.conftest import HEADER_SECRET, SECRET
from tests.running import free_port
from tests.switchboard import Switchboard, completion, reply, whole_stream

pytestmark = pytest.mark.django_db


@pytest.fixture
def board():
    with Switchboard() as served:
        yield served


@pytest.fixture
def vendor(board) -> Provider:
    board.plug("vendor", reply(completion("pong from afar")))
    row = Provider(name="vendor", kind="openai-compatible", base_url=board.base_url("vendor"), proxy="none")
    row.save()
    ProviderKey(provider=row, label="main", secret=SECRET).save()
    ProviderHeader(provider=row, name="X-Tenant", value=HEADER_SECRET, secret=True).save()
    model = ProviderModel(provider=row, name="org/m-1", upstream_name="m-1")
    model.save()
    Price(model=model, input=1000, output=2000).save()
    return row


def ask(page: Client, what: str, name: str, **fields: str) -> str:
    answer = page.post(f"/admin/test/{what}/{name}/".rstrip("/"), fields)
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return html.unescape(content.decode())


def test_nothing_is_sent_before_the_button_is_pressed(page, vendor, board):
    shown = page.get("/admin/test/provider/vendor").content.decode()
    assert "org/m-1" in shown
    assert "It costs at most about" in shown
    assert board.seen("vendor") == []


@pytest.mark.parametrize(("what", "name"), [("provider", "vendor"), ("model", "vendor/org/m-1"), ("endpoint", "place")])
def test_a_working_place_shows_reply_usage_cost_and_the_exchange(page, vendor, board, what, name):
    Endpoint(name="place", provider=vendor, upstream_model="m-1").save()
    shown = ask(page, what, name)
    for told in ("It works.", "pong from afar", "3 + 2", "0.007 USD", "chat.completion", "vendor/main"):
        assert told in shown
    assert board.seen("vendor")[0].json["model"] == "m-1"
    assert "authorization: Bearer ••••" in shown
    assert LogEntry.objects.filter(user__username="olga").count() == 1


def test_a_stream_tells_when_its_first_content_came(page, vendor, board):
    board.plug("vendor", whole_stream("pong ", "in pieces"))
    shown = ask(page, "provider", "vendor", stream="on")
    assert board.seen("vendor")[0].json["stream"] is True
    for told in ("It works.", "pong in pieces", "First content", "data: [DONE]"):
        assert told in shown


def test_no_secret_is_shown_whoever_quotes_it(page, vendor, board):
    quoting = {"error": {"message": f"Incorrect API key provided: {SECRET}, tenant {HEADER_SECRET}"}}
    board.plug("vendor", reply(quoting, status=401, Set_Cookie="session=abc", X_Echo=SECRET))
    shown = ask(page, "provider", "vendor")
    assert "The key was rejected." in shown
    assert "x-echo: ••••" in shown
    assert "x-tenant: ••••" in shown
    for hidden in (SECRET, HEADER_SECRET, "session=abc"):
        assert hidden not in shown


def test_the_second_key_is_tried_and_the_first_one_named(page, vendor, board):
    ProviderKey(provider=vendor, label="spare", secret="sk-spare", position=1).save()
    board.plug("vendor", reply({"error": {"message": "no"}}, status=401), reply(completion("pong")))
    shown = ask(page, "provider", "vendor")
    for told in ("It works, but not with every key.", "The key vendor/main was rejected.", "with the key vendor/spare"):
        assert told in shown


def change(row: Provider, **values: object) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def test_a_disabled_provider_is_tested_all_the_same(page, vendor):
    change(vendor, enabled=False)
    assert "switched off" in page.get("/admin/test/provider/vendor").content.decode()
    assert "It works." in ask(page, "provider", "vendor")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://nowhere.invalid/v1", "The host name is not known (DNS)."),
        ("http://127.0.0.1:{free}/v1", "The connection was refused"),
        ("{tls}", "No encrypted connection could be made (TLS)."),
    ],
)
def test_an_unreachable_place_says_why(page, vendor, board, url, told):
    address = url.format(free=free_port(), tls=board.base_url("vendor").replace("http:", "https:"))
    ProviderKey.objects.get(provider=vendor).delete()
    ProviderHeader.objects.get(provider=vendor).delete()
    change(vendor, base_url=address, keyless=True)
    shown = ask(page, "provider", "vendor")
    assert told in shown
    assert "None came." in shown


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "The model is not known there"),
        (429, "rate limit or quota is used up"),
        (500, "The server failed."),
        (400, "did not accept the request"),
    ],
)
def test_a_refusal_is_said_in_words(page, vendor, board, status, told):
    board.plug("vendor", reply({"error": {"message": "so says the vendor"}}, status=status))
    shown = ask(page, "provider", "vendor")
    assert told in shown
    assert "so says the vendor" in shown


def test_an_answer_in_another_format_is_no_success(page, vendor, board):
    board.plug("vendor", reply({"hello": "world"}))
    shown = ask(page, "provider", "vendor")
    assert "not in the format" in shown
    assert "It works." not in shown


def test_without_a_key_nothing_is_sent(page, vendor, board):
    ProviderKey.objects.get(provider=vendor).delete()
    shown = ask(page, "provider", "vendor")
    assert "There is no key, so nothing was sent." in shown
    assert "works without a key" in shown
    assert board.seen("vendor") == []


def test_without_a_model_the_page_leads_to_the_providers_list(page, vendor):
    ProviderModel.objects.get(provider=vendor).delete()
    shown = page.get("/admin/test/provider/vendor").content.decode()
    assert "No model of vendor is configured" in shown
    assert f"/admin/providers/provider/{vendor.pk}/own-list/" in shown


def test_what_does_not_exist_is_not_found(page, vendor):
    for place in ("provider/none", "model/vendor/none", "endpoint/none", "other/vendor"):
        assert page.get(f"/admin/test/{place}").status_code == 404


def test_who_may_not_send_requests_may_not_test(client, vendor, board, django_user_model):
    user = django_user_model.objects.create_user("sam", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_provider", "change_provider"]))
    client.force_login(user)
    assert client.get("/admin/test/provider/vendor").status_code == 403
    assert client.post("/admin/test/provider/vendor").status_code == 403
    assert board.seen("vendor") == []
