"""Signing in: who guesses waits, an office is not locked out, nobody learns which names there are; all is logged."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory

from gateway_project import throttle
from gateway_project.address import caller
from gateway_project.models import SignInTries

WRONG = "Please enter the correct username and password"
WAIT = "Too many attempts to sign in. Try again in"


@pytest.fixture
def olga(db) -> User:
    return User.objects.create_superuser("olga", password="right-password")


@pytest.fixture
def clock(monkeypatch):
    """``clock(seconds)`` lets them pass."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(throttle.time, "time", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def attempt(name: str = "olga", password: str = "wrong", address: str = "192.0.2.1", **headers: str) -> str:
    """What the page says; "in" where the sign-in succeeds."""
    answer = Client(REMOTE_ADDR=address).post(
        "/admin/login/?next=/admin/", {"username": name, "password": password}, headers=headers
    )
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_five_failures_make_a_person_wait_and_only_there(olga, clock):
    for _ in range(5):
        assert WRONG in attempt()
    assert f"{WAIT} 30 seconds" in attempt(password="right-password")
    assert attempt(password="right-password", address="192.0.2.2") == "in"
    clock(10)
    assert f"{WAIT} 20 seconds" in attempt(name=" OLGA ", password="right-password")
    clock(21)
    assert attempt(password="right-password") == "in"
    assert WRONG in attempt(), "a success begins anew"


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(olga, clock):
    waits = []
    for _ in range(14):
        said = attempt()
        if WAIT in said:
            waits.append(said.split(WAIT)[1].split(".")[0].strip())
            clock(901)
    assert waits[:3] == ["30 seconds", "60 seconds", "2 minutes"]
    for _ in range(20):
        attempt()
        clock(901)
    attempt()
    assert f"{WAIT} 15 minutes" in attempt()
    clock(3601)
    assert WRONG in attempt()


def test_knocking_while_waiting_makes_no_wait_longer(olga, clock):
    for _ in range(50):
        attempt()
    assert f"{WAIT} 30 seconds" in attempt()
    clock(31)
    assert attempt(password="right-password") == "in"


def test_who_tries_many_names_from_one_address_waits_as_well_and_never_for_long(olga, clock):
    for number in range(50):
        assert WRONG in attempt(name=f"somebody{number}")
    assert f"{WAIT} 30 seconds" in attempt(password="right-password")
    assert attempt(password="right-password", address="198.51.100.7") == "in"
    for number in range(20):
        clock(301)
        assert WRONG in attempt(name=f"another{number}")
    clock(301)
    assert attempt(password="right-password") == "in"


def test_a_name_that_is_nobodys_hears_the_same(olga, clock):
    heard = {name: [attempt(name=name) for _ in range(6)] for name in ("olga", "nobody")}
    for known, unknown in zip(*heard.values(), strict=True):
        assert (WRONG in known, WAIT in known) == (WRONG in unknown, WAIT in unknown)


def test_nothing_of_what_was_typed_is_kept_and_old_tries_are_forgotten(olga, clock):
    attempt(name="my-password-in-the-wrong-field")
    assert "password" not in str(list(SignInTries.objects.values()))
    clock(3601)
    attempt()
    assert SignInTries.objects.count() == 2


@pytest.mark.parametrize(
    ("address", "said", "expected"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # no proxy of ours: anyone may say that
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),  # what stands first is the caller's own word
        ("127.0.0.1", "203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("", "203.0.113.9", "local"),
    ],
)
def test_a_forwarded_address_is_believed_of_trusted_proxies_only(address, said, expected):
    request = RequestFactory().get("/", REMOTE_ADDR=address, headers={"X-Forwarded-For": said})
    assert caller(request) == expected


def test_the_session_is_another_after_signing_in(olga):
    client = Client()
    session = client.session
    session["before"] = "x"
    session.save()
    before = session.session_key
    client.post("/admin/login/", {"username": "olga", "password": "right-password"})
    assert client.cookies["sessionid"].value != before
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 43200)


def test_the_log_tells_who_came_failed_and_went_but_no_unknown_name(olga, caplog):
    caplog.set_level("INFO", "switchyard.access")
    attempt(name="a-password-in-the-wrong-field")
    attempt()
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.post("/admin/login/", {"username": "olga", "password": "right-password"})
    client.post("/admin/logout/")
    assert [record.getMessage() for record in caplog.records if record.name == "switchyard.access"] == [
        "Signing in failed: an unknown name from 192.0.2.1",
        "Signing in failed: olga from 192.0.2.1",
        "Signed in: olga from 192.0.2.1",
        "Signed out: olga from 192.0.2.1",
    ]


def test_a_command_lets_a_locked_out_administrator_in_again(olga, clock, capsys):
    for _ in range(6):
        attempt()
    call_command("recover_admin", "olga")
    password = capsys.readouterr().out.split("Password: ")[1].strip()
    assert attempt(password=password) == "in"
    assert attempt(password="right-password") != "in"
