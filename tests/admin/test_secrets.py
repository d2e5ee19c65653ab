"""What is secret goes into the admin's forms and never comes out of any page; it follows no changed address."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from providers.models import Provider, ProviderHeader, ProviderKey
from routing.models import Endpoint
from tests.admin.browser_form import fields_of
from tests.admin.conftest import HEADER_SECRET, PROXY_PASSWORD, SECRET

NEW_SECRET = "sk-live-NEW-6789abcdefghijklmnopqrstuvwxyz-4321"


def url_of(provider) -> str:
    return f"/admin/providers/provider/{provider.pk}/change/"


@pytest.fixture
def form(page, acme):
    """The untouched form of ``acme`` as a browser would post it."""
    return fields_of(page.get(url_of(acme)), "provider_form")


def post(page, url, fields, **changes):
    return page.post(url, {**fields, **changes}, follow=True)


def key_of(provider, label="main") -> ProviderKey:
    return ProviderKey.objects.get(provider=provider, label=label)


def test_no_page_shows_a_stored_secret(page, turbo, acme):
    pages = [url_of(acme), "/admin/providers/provider/", "/admin/routing/endpoint/", "/admin/routing/configrevision/"]
    pages += [f"{url_of(acme).removesuffix('change/')}{what}/" for what in ("history", "delete")]
    for url in pages:
        text = page.get(url).content.decode()
        for secret in (SECRET, HEADER_SECRET, PROXY_PASSWORD):
            assert secret not in text, url


def test_a_key_is_shown_masked_and_a_variable_as_set_or_not(page, acme, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment-0000000000000000000")
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    text = page.get("/admin/providers/provider/").content.decode()
    assert f"{SECRET[:10]}...{SECRET[-5:]} (length: {len(SECRET)})" in text
    assert "OPENAI_API_KEY: set" in text
    assert "missing: MISTRAL_API_KEY" in text
    assert "sk-from-the-environment" not in text


def test_a_form_with_an_error_does_not_give_the_typed_secrets_back(page, acme, form):
    typed = {"keys-0-secret": NEW_SECRET, "headers-0-value": "tenant-NEW-1234567890", "base_url": "not a url"}
    response = post(page, url_of(acme), form, **typed)
    assert "Expected an absolute URL" in response.content.decode()
    assert NEW_SECRET not in response.content.decode()
    assert "tenant-NEW" not in response.content.decode()


def test_a_new_secret_header_is_not_given_back_either(page, acme, form):
    new = {"headers-TOTAL_FORMS": "2", "headers-1-name": "X-New", "headers-1-value": "hush-hush-123"}
    new |= {"headers-1-secret": "on", "headers-1-id": "", "headers-1-provider": str(acme.pk)}
    response = post(page, url_of(acme), form, **new, base_url="not a url")
    assert "hush-hush-123" not in response.content.decode()


def test_an_empty_input_keeps_the_stored_secrets(page, acme, form):
    response = post(page, url_of(acme), form, description="changed")
    assert response.redirect_chain
    acme.refresh_from_db()
    assert acme.description == "changed"
    assert acme.proxy == f"http://user:{PROXY_PASSWORD}@proxy.acme.example:3128"
    assert key_of(acme).secret == SECRET
    assert ProviderHeader.objects.get(provider=acme).value == HEADER_SECRET


def test_a_new_key_replaces_the_old_one(page, acme, form):
    assert post(page, url_of(acme), form, **{"keys-0-secret": NEW_SECRET}).redirect_chain
    assert key_of(acme).secret == NEW_SECRET


def test_naming_a_variable_instead_drops_the_stored_key(page, acme, form):
    assert post(page, url_of(acme), form, **{"keys-0-env_var": "ACME_KEY"}).redirect_chain
    assert (key_of(acme).secret, key_of(acme).env_var) == ("", "ACME_KEY")


def test_a_key_and_a_variable_together_are_refused(page, acme, form):
    both = {"keys-0-env_var": "ACME_KEY", "keys-0-secret": NEW_SECRET}
    assert "not both" in post(page, url_of(acme), form, **both).content.decode()
    assert key_of(acme).secret == SECRET


def added_key(acme, **fields) -> dict[str, str]:
    row = {"id": "", "provider": str(acme.pk), "label": "spare", "enabled": "on", **fields}
    return {"keys-TOTAL_FORMS": "2", **{f"keys-1-{name}": value for name, value in row.items()}}


def test_a_new_key_needs_itself_or_its_variable(page, acme, form):
    told = post(page, url_of(acme), form, **added_key(acme)).content.decode()
    assert "Give the key itself or the variable that holds it." in told
    assert not acme.keys.filter(label="spare").exists()
    assert post(page, url_of(acme), form, **added_key(acme, env_var="SPARE_KEY")).redirect_chain
    assert key_of(acme, "spare").env_var == "SPARE_KEY"


def test_a_key_that_was_imported_without_its_secret_does_not_hold_up_other_changes(page, acme):
    ProviderKey(provider=acme, label="imported", position=1).save()
    form = fields_of(page.get(url_of(acme)), "provider_form")
    assert post(page, url_of(acme), form, description="changed").redirect_chain
    form = fields_of(page.get(url_of(acme)), "provider_form")
    emptied = {"keys-1-env_var": "SPARE_KEY"}
    assert post(page, url_of(acme), form, **emptied).redirect_chain
    form = fields_of(page.get(url_of(acme)), "provider_form")
    told = post(page, url_of(acme), form, **{"keys-1-env_var": ""}).content.decode()
    assert "Give the key itself or the variable that holds it." in told


def test_a_header_becomes_visible_only_with_its_value_entered_again(page, acme, form):
    plain = {name: value for name, value in form.items() if name != "headers-0-secret"}
    assert "Enter the value again" in post(page, url_of(acme), plain).content.decode()
    assert post(page, url_of(acme), plain, **{"headers-0-value": "tenant-1"}).redirect_chain
    assert "tenant-1" in page.get(url_of(acme)).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("base_url", "http://api.acme.example/v1", "base URL"),
        ("base_url", "https://evil.example/v1", "base URL"),
        ("base_url", "https://api.acme.example:8443/v1", "base URL"),
        ("proxy", "http://evil.example:3128", "proxy"),
        ("ca_bundle", "/srv/evil.pem", "CA bundle"),
    ],
)
def test_a_changed_destination_without_the_key_is_refused(page, acme, form, field, value, named):
    before = {field: getattr(acme, field)}
    text = post(page, url_of(acme), form, **{field: value}).content.decode()
    assert f"the place it is sent to has changed ({named})" in text
    acme.refresh_from_db()
    assert {field: getattr(acme, field)} == before


LEFT_OUT = {
    "keys-TOTAL_FORMS": "0",
    "keys-INITIAL_FORMS": "0",
    "headers-TOTAL_FORMS": "0",
    "headers-INITIAL_FORMS": "0",
}
UNNAMED = {"keys-0-id": "", "keys-0-DELETE": "on", "headers-0-id": "", "headers-0-DELETE": "on"}
BLANK = {"keys-0-secret": " ", "headers-0-value": " "}


@pytest.mark.parametrize("forged", [LEFT_OUT, UNNAMED, BLANK], ids=["left out", "unnamed", "blank"])
def test_a_forged_form_takes_no_secret_to_another_server(page, acme, form, forged):
    text = post(
        page, url_of(acme), {**form, **forged, "_seen": ""}, base_url="https://evil.example/v1"
    ).content.decode()
    assert "where keys are sent" in text or "the place it is sent to has changed" in text
    acme.refresh_from_db()
    assert acme.base_url == "https://api.acme.example/v1"
    assert key_of(acme).secret == SECRET


def test_the_header_has_to_be_entered_again_too(page, acme, form):
    only_key = {"base_url": "https://new.example/v1", "keys-0-secret": SECRET}
    assert "the place it is sent to has changed" in post(page, url_of(acme), form, **only_key).content.decode()
    assert post(page, url_of(acme), form, **only_key, **{"headers-0-value": HEADER_SECRET}).redirect_chain
    acme.refresh_from_db()
    assert acme.base_url == "https://new.example/v1"


def test_deleting_the_secrets_frees_the_address(page, acme, form):
    gone = {"keys-0-DELETE": "on", "headers-0-DELETE": "on", "base_url": "https://new.example/v1"}
    assert post(page, url_of(acme), form, **gone).redirect_chain
    assert not acme.keys.exists()


def test_another_path_on_the_same_server_needs_no_key(page, acme, form):
    assert post(page, url_of(acme), form, base_url="https://API.acme.example:443/v2").redirect_chain


def test_who_may_not_edit_keys_may_not_move_them(client, acme, django_user_model):
    user = django_user_model.objects.create_user("mover", password="pw", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["change_provider", "view_provider"]))
    client.force_login(user)
    fields = fields_of(client.get(url_of(acme)), "provider_form")
    text = post(client, url_of(acme), fields, base_url="https://evil.example/v1").content.decode()
    assert "where keys are sent" in text
    acme.refresh_from_db()
    assert acme.base_url == "https://api.acme.example/v1"


def test_a_changed_proxy_does_not_take_the_password_along(page, acme, form):
    moved = form["proxy"][0].replace("proxy.acme", "evil")
    secrets = {"keys-0-secret": SECRET, "headers-0-value": HEADER_SECRET}
    assert "enter its password again" in post(page, url_of(acme), form, **secrets, proxy=moved).content.decode()


def test_an_endpoint_on_a_new_server_needs_a_key_of_the_provider(page, turbo, acme):
    endpoint = Endpoint.objects.get(name="first")
    url = f"/admin/routing/endpoint/{endpoint.pk}/change/"
    fields = fields_of(page.get(url), "endpoint_form")
    elsewhere = "https://other.example/v1"
    assert "enter one of them again" in post(page, url, fields, base_url=elsewhere).content.decode()
    wrong = post(page, url, fields, base_url=elsewhere, key_again="guess")
    assert "not a stored key" in wrong.content.decode()
    assert post(page, url, fields, base_url=elsewhere, key_again=SECRET).redirect_chain
    endpoint.refresh_from_db()
    assert endpoint.base_url == elsewhere
    fields = fields_of(page.get(url), "endpoint_form")
    assert post(page, url, fields, base_url=f"{elsewhere}/other-path").redirect_chain


def test_path_overrides_cannot_lead_to_another_server(page, acme, form):
    response = post(page, url_of(acme), form, paths='{"chat": "@evil.example/chat"}')
    assert "must begin with a slash" in response.content.decode()
    assert Provider.objects.get(pk=acme.pk).paths == {}


@pytest.mark.parametrize(
    "address",
    [
        "/admin/routing/apikey/?hash__startswith=a",
        "/admin/metrics/requestcontent/?prompt__contains=secret",
        "/admin/metrics/requestcontent/?answer__startswith=a",
        "/admin/providers/provider/?keys__secret__startswith=s",
        "/admin/routing/endpoint/?provider__proxy__contains=p",
        "/admin/auth/user/?totpdevice__key__startswith=a",
    ],
)
def test_no_list_is_narrowed_by_what_it_does_not_show(page, address):
    assert page.get(address).status_code == 400


@pytest.mark.parametrize("rows", ["providers/provider", "routing/endpoint"])
def test_a_copy_of_no_row_is_an_empty_form(page, rows):
    assert page.get(f"/admin/{rows}/add/", {"copy": "²"}).status_code == 200
