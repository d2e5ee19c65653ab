"""The second factor: set up with an app, asked for after the password, survived by recovery codes."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

ACCOUNT, CODE, LIST = "/admin/account/", "/admin/code/", "/admin/routing/endpoint/"


@pytest.fixture
def olga(db) -> User:
    return User.objects.create_superuser("olga", password="right-password")


def signed_in() -> Client:
    client = Client()
    client.post("/admin/login/", {"username": "olga", "password": "right-password"})
    return client


def shown_by_the_app(**where) -> str:
    """The app's code; each one is taken once, so the next is asked for as if half a minute had passed."""
    device = TOTPDevice.objects.get(**where)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    code = (
        totp.token() if device.last_t < totp.t() else TOTP(device.bin_key, drift=device.last_t + 1 - totp.t()).token()
    )
    return f"{code:06}"


def set_up(client: Client) -> list[str]:
    client.get(ACCOUNT)
    answer = client.post(ACCOUNT, {"action": "confirm", "code": shown_by_the_app(confirmed=False)})
    found = re.search(r'id="recovery-codes">(.*?)</pre>', answer.content.decode(), re.DOTALL)
    assert found
    return found[1].split()


def test_nobody_is_asked_who_set_nothing_up(olga):
    assert signed_in().get(LIST).status_code == 200


def test_the_secret_is_on_the_page_as_a_picture_and_as_text_until_it_is_confirmed(olga):
    client = signed_in()
    text = client.get(ACCOUNT).content.decode()
    assert 'src="data:image/svg+xml' in text
    assert re.search(r'id="totp-secret">[A-Z2-7 ]{32,}<', text)
    assert "not right" in client.post(ACCOUNT, {"action": "confirm", "code": "000000"}).content.decode()
    assert client.get(LIST).status_code == 200
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert len(set_up(client)) == 10
    after = client.get(ACCOUNT).content.decode()
    assert "totp-secret" not in after
    assert "recovery-codes" not in after
    assert client.get(LIST).status_code == 200, "whoever confirmed it has just given it"


def test_sessions_that_began_before_it_was_set_up_are_over(olga):
    User.objects.create_superuser("oscar", password="right-password")
    elsewhere, other = signed_in(), Client()
    other.login(username="oscar", password="right-password")
    mine = signed_in()
    set_up(mine)
    assert "/admin/login/" in elsewhere.get(LIST).headers.get("Location", "")
    assert mine.get(LIST).status_code == 200
    assert other.get(LIST).status_code == 200


def test_after_the_password_the_code_is_asked_for_before_anything_else(olga):
    set_up(signed_in())
    client = signed_in()
    for where in ("/admin/", LIST, ACCOUNT, "/admin/password_change/", "/admin/search/"):
        assert client.get(where).headers.get("Location") == CODE, where
    assert client.post(ACCOUNT, {"action": "remove", "code": "x"}).headers["Location"] == CODE
    assert client.get(CODE).status_code == 200
    assert "not right" in client.post(CODE, {"code": "000000"}).content.decode()
    assert client.get(LIST).status_code == 302
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    before = client.cookies["sessionid"].value
    assert client.post(CODE, {"code": shown_by_the_app()}).headers["Location"] == "/admin/"
    assert client.cookies["sessionid"].value != before
    assert client.get(LIST).status_code == 200


def test_wrong_codes_make_the_right_one_wait(olga):
    set_up(signed_in())
    client = signed_in()
    for _ in range(4):
        client.post(CODE, {"code": "000000"})
    assert "not right" in client.post(CODE, {"code": shown_by_the_app()}).content.decode()


def test_a_recovery_code_lets_in_once(olga):
    code, *_others = set_up(signed_in())
    assert signed_in().post(CODE, {"code": code.upper()}).headers.get("Location") == "/admin/"
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert signed_in().post(CODE, {"code": code}).status_code == 200


def test_it_is_removed_by_a_code_and_not_without(olga):
    client = signed_in()
    codes = set_up(client)
    client.post(ACCOUNT, {"action": "remove", "code": "wrong"})
    assert TOTPDevice.objects.filter(confirmed=True).exists()
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    client.post(ACCOUNT, {"action": "remove", "code": codes[0]})
    assert signed_in().get(LIST).status_code == 200


def test_where_it_is_required_it_is_set_up_before_anything_else(olga, settings):
    settings.REQUIRE_TOTP = True
    client = signed_in()
    assert client.get(LIST).headers["Location"] == ACCOUNT
    assert "asks everybody" in client.get(ACCOUNT).content.decode()
    codes = set_up(client)
    assert client.get(LIST).status_code == 200
    assert client.post(ACCOUNT, {"action": "remove", "code": codes[0]}).status_code == 403


def test_the_devices_are_on_no_page_of_the_admin():
    from django.contrib import admin

    assert not [model for model in admin.site._registry if model._meta.app_label.startswith("otp_")]
