"""The page of a provider's own list of models: who may see it, what it shows, what it adds."""

from __future__ import annotations

import html
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client

from providers.models import Provider, ProviderKey, ProviderModel
from routing.models import ConfigRevision
from tests.admin.browser_form import fields_of
from tests.admin.conftest import SECRET
from tests.switchboard import Switchboard, reply

LISTED = {
    "data": [
        {"id": "fresh-1", "context_length": 8192, "pricing": {"prompt": "0.0000005", "completion": "0.000002"}},
        {"id": "fresh-2<b>"},
        {"id": "known"},
        {"id": "tts-1"},
    ]
}


@pytest.fixture
def board():
    with Switchboard() as served:
        served.plug("list", reply(LISTED))
        yield served


@pytest.fixture
def provider(db, board) -> Provider:
    row = Provider(name="lister", kind="openai-compatible", base_url=board.base_url("list"), proxy="none")
    row.save()
    ProviderKey(provider=row, secret=SECRET).save()
    for name in ("known", "retired"):
        ProviderModel(provider=row, name=name).save()
    return row


def url_of(row: Provider) -> str:
    return f"/admin/providers/provider/{row.pk}/own-list/"


def read(page: Client, row: Provider) -> str:
    response = page.get(url_of(row))
    assert response.status_code == 200
    return html.unescape(b"".join(response.streaming_content).decode())


def form_of(page: Client, row: Provider) -> dict[str, list[str]]:
    return fields_of(HttpResponse(page.get(url_of(row)).streaming_content), "own_list_form")


def member(*permissions: str) -> Client:
    user = User.objects.create_user("sam", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_what_is_new_known_and_gone(page, provider, board):
    shown = read(page, provider)
    for told in ("lister lists 4 models.", "New (2)", "Configured already (1)", "not in the list (1)", "not serve (1)"):
        assert told in shown
    for heading in ("max. output tokens", "capabilities"):
        assert heading in shown
    assert "the catalogue for “OpenAI-compatible" in shown
    for fact in ("8 192", "0.5 / 2 USD", "unknown", "retired", "tts-1"):
        assert fact in shown
    assert SECRET not in shown
    assert board.seen("list")[0].headers["authorization"] == f"Bearer {SECRET}"


def test_names_from_outside_are_escaped(page, provider):
    response = page.get(url_of(provider))
    raw = b"".join(response.streaming_content).decode()
    assert "fresh-2<b>" not in raw
    assert "fresh-2&lt;b&gt;" in raw


def test_the_ticked_models_are_added_as_one_revision_by_the_operator(page, provider, board):
    form = form_of(page, provider)
    before = ConfigRevision.objects.count()
    answer = page.post(url_of(provider), {**form, "chosen": ["fresh-1", "fresh-2<b>"]}, follow=True)
    assert "2 models of lister added. They can be called now as lister/fresh-1, …" in answer.content.decode()
    assert ConfigRevision.objects.count() == before + 1
    newest = ConfigRevision.objects.first()
    assert (newest.actor, newest.origin) == ("olga", "admin")
    made = provider.models.get(name="fresh-1")
    assert made.max_input_tokens == 8192
    assert (made.prices.get().input, made.prices.get().output) == (Decimal("0.5"), Decimal(2))
    assert not provider.models.get(name="fresh-2<b>").prices.exists()
    assert len(board.seen("list")) == 1, "what was shown is what is added: nothing is read again"


def test_only_what_was_shown_as_new_can_be_added(page, provider):
    form = form_of(page, provider)
    before = ConfigRevision.objects.count()
    for changes in (
        {"chosen": ["made-up", "tts-1", "retired"]},
        {"chosen": []},
        {"chosen": ["fresh-1"], "shown": "x" + form["shown"][0]},
        {"chosen": ["fresh-1"], "shown": ""},
    ):
        page.post(url_of(provider), {**form, **changes})
    assert ConfigRevision.objects.count() == before
    other = Provider(name="other", kind="openai-compatible", base_url="https://other.example/v1")
    other.save()
    told = page.post(url_of(other), {**form, "chosen": ["fresh-1"]}, follow=True).content.decode()
    assert "of another provider: read the list again" in told
    assert not other.models.exists()


def test_adding_twice_adds_once(page, provider):
    form = {**form_of(page, provider), "chosen": ["fresh-1"]}
    page.post(url_of(provider), form)
    told = page.post(url_of(provider), form, follow=True).content.decode()
    assert "Nothing was added: what was ticked is configured already." in told
    assert provider.models.filter(name="fresh-1").count() == 1


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (reply({"error": {"message": f"Incorrect API key {SECRET}"}}, status=401), "the key was rejected (401)"),
        (reply(b"\xff\xfe<html>", media="text/html"), "the reply is not what the format promises"),
        (reply({"data": [{"id": {"a": 1}}]}), "the reply is not what the format promises"),
        (reply({}, status=404), "There is no list of models at this address."),
        (lambda peer: peer.close(reset=True), "the connection broke"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(page, provider, board, behaviour, told):
    board.plug("list", behaviour)
    shown = read(page, provider)
    assert "The list could not be read" in shown
    assert told in shown
    assert SECRET not in shown


def test_who_may_not_change_providers_gets_no_list_and_no_key_is_sent(provider, board):
    client = member("view_provider")
    assert client.get(url_of(provider)).status_code == 403
    assert Client().get(url_of(provider)).status_code == 302
    assert board.requests == []


def test_who_may_not_add_models_sees_the_list_and_cannot_add(provider, page):
    client = member("view_provider", "add_requestlog")
    shown = read(client, provider)
    assert "New (2)" in shown
    assert "chosen" not in shown
    form = {**form_of(page, provider), "chosen": ["fresh-1"]}
    assert client.post(url_of(provider), form).status_code == 403
    assert not provider.models.filter(name="fresh-1").exists()


def test_the_provider_is_asked_while_the_response_is_sent_and_not_by_the_view(page, provider, board):
    """Views run in a few threads that all browser requests share; sending does not."""
    response = page.get(url_of(provider))
    assert board.requests == []
    assert b"".join(response.streaming_content)
    assert len(board.requests) == 1


def test_the_page_of_a_provider_leads_there(page, provider):
    assert url_of(provider) in page.get(f"/admin/providers/provider/{provider.pk}/change/").content.decode()
    assert url_of(provider) in page.get("/admin/providers/provider/").content.decode()
    assert page.get("/admin/providers/provider/999999/own-list/").status_code == 404


def test_with_nothing_ticked_the_list_is_shown_again_with_a_message_once(page, provider):
    answer = page.post(url_of(provider), {**form_of(page, provider), "chosen": []}, follow=True)
    assert answer.redirect_chain == [(url_of(provider), 302)]
    shown = b"".join(answer.streaming_content).decode()
    assert "No model was ticked" in shown
    assert "New (2)" in shown
    assert "No model was ticked" not in read(page, provider)


def test_models_of_a_disabled_provider_are_not_said_to_be_callable(page, provider):
    provider.enabled = False
    provider.save()
    answer = page.post(url_of(provider), {**form_of(page, provider), "chosen": ["fresh-1"]}, follow=True)
    assert "once it is enabled, call lister/fresh-1" in answer.content.decode()


def test_a_provider_without_a_key_is_not_asked_and_the_page_says_what_is_missing(page, provider, board):
    provider.keys.get().delete()
    ProviderKey(provider=provider, env_var="LISTER_KEY_OF_NOBODY").save()
    shown = html.unescape(page.get(url_of(provider)).content.decode())
    assert "There is no key, so nothing was sent: set LISTER_KEY_OF_NOBODY, or add a key in the admin." in shown
    assert "If none is needed, tick “works without a key”." in shown
    assert board.requests == []
    provider.keyless = True
    provider.save()
    assert "New (2)" in read(page, provider)
