"""Signing in with an account from elsewhere: a small issuer of OpenID Connect on a real socket, honest and not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.test import Client
from django.urls import clear_url_caches

from gateway_project import urls
from gateway_project.env_oidc import Oidc

REFUSED = "You could not be signed in with that account"
STATIC = "gateway_project.oidc.Backend"


class Issuer:
    """``claims`` go into the next token; ``key`` signs it; ``told`` is what userinfo says beside the subject."""

    def __init__(self) -> None:
        self.published = self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, object] = {}
        self.told: dict[str, object] = {}
        self.asked: list[dict[str, list[str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_words: object) -> None: ...

            def do_GET(self) -> None:
                self.answer(outer.page(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(parse_qs(body))
                self.answer({"access_token": "a", "token_type": "Bearer", "id_token": outer.token()})

            def answer(self, said: object) -> None:
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/realm"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def page(self, path: str) -> object:
        if path.endswith("/openid-configuration"):
            where = {
                "authorization_endpoint": "auth",
                "token_endpoint": "token",
                "userinfo_endpoint": "me",
                "jwks_uri": "keys",
            }
            return {"issuer": self.url} | {name: f"{self.url}/{last}" for name, last in where.items()}
        if path.endswith("/keys"):
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.published.public_key()))
            return {"keys": [jwk | {"kid": "one", "alg": "RS256"}]}
        return {"sub": "person-1", "preferred_username": "ada"} | self.told

    def token(self) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": "switchyard", "sub": "person-1", "exp": now + 60, "iat": now, "groups": ["ops"]}
        kept = {name: value for name, value in (said | self.claims).items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="RS256", headers={"kid": "one"})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture
def issuer(running: Issuer, settings, monkeypatch, db) -> Iterator[Issuer]:
    from gateway_project import oidc

    running.claims, running.told, running.key = {}, {}, running.published
    running.asked.clear()
    settings.OIDC = Oidc(
        issuer=running.url,
        client_id="switchyard",
        client_secret="not-told",
        groups={"ops": "Operator", "root": "superuser"},
        claim="groups",
        scopes="openid",
        name="Example",
        endpoints={},
    )
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", STATIC]
    oidc.described.cache_clear()
    monkeypatch.setattr(urls, "urlpatterns", [*urls.oidc_urls(), *urls.urlpatterns])
    clear_url_caches()
    yield running
    clear_url_caches()


def begin(client: Client) -> dict[str, str]:
    """What the browser brings to the issuer."""
    answer = client.get("/admin/oidc/begin/")
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def come_back(client: Client, issuer: Issuer, **changes: str):
    said = begin(client)
    issuer.claims.setdefault("nonce", said["nonce"])
    return client.get("/admin/oidc/callback/", {"code": "c", "state": said["state"]} | changes, follow=True)


def test_who_is_in_an_allowed_group_is_let_in_as_what_it_says(issuer):
    client = Client()
    assert "Sign in with Example" in client.get("/admin/login/").content.decode()
    assert come_back(client, issuer).request["PATH_INFO"] == "/admin/"
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser, user.has_usable_password()) == ("ada", True, False, False)
    assert [group.name for group in user.groups.all()] == ["Operator"]
    sent = issuer.asked[0]
    assert sent["client_secret"] == ["not-told"]
    assert "code_verifier" in sent


def test_groups_are_what_the_issuer_says_each_time(issuer):
    come_back(Client(), issuer)
    issuer.claims = {"groups": ["root"]}
    come_back(Client(), issuer)
    user = User.objects.get()
    assert (user.is_superuser, user.groups.count()) == (True, 0)
    issuer.claims = {"groups": ["others"]}
    assert REFUSED in come_back(Client(), issuer).content.decode()


def test_nobody_takes_over_an_account_by_its_name_or_address(issuer):
    mine = User.objects.create_superuser("ada", email="ada@example.com", password="x")
    issuer.told = {"email": "ada@example.com"}
    come_back(Client(), issuer)
    other = User.objects.exclude(pk=mine.pk).get()
    assert (other.username, other.is_superuser) == ("ada-2", False)


def test_who_was_switched_off_here_stays_out(issuer):
    come_back(Client(), issuer)
    User.objects.update(is_active=False)
    assert REFUSED in come_back(Client(), issuer).content.decode()


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"aud": ["switchyard", "somebody-else"]},
        {"iss": "http://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"nonce": "another"},
        {"groups": ["others"]},
        {"groups": []},
        {"groups": None},
        {"sub": "person-2"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_lets_nobody_in(issuer, claims):
    issuer.claims = dict(claims)
    client = Client()
    assert REFUSED in come_back(client, issuer).content.decode()
    assert not User.objects.exists()
    assert client.get("/admin/").status_code == 302


def test_a_token_signed_by_somebody_else_lets_nobody_in(issuer):
    issuer.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert REFUSED in come_back(Client(), issuer).content.decode()


def test_a_state_that_we_did_not_give_lets_nobody_in(issuer):
    client = Client()
    assert REFUSED in come_back(client, issuer, state="made-up").content.decode()
    assert REFUSED in client.get("/admin/oidc/callback/?code=c&state=x", follow=True).content.decode()
    assert issuer.asked == []


def test_an_issuer_that_does_not_answer_is_told_in_a_sentence(issuer, settings):
    from dataclasses import replace

    settings.OIDC = replace(settings.OIDC, issuer="http://127.0.0.1:9/realm")
    client = Client()
    assert REFUSED in client.get("/admin/oidc/begin/", follow=True).content.decode()
    User.objects.create_superuser("olga", password="right-password")
    answer = client.post("/admin/login/", {"username": "olga", "password": "right-password"}, follow=True)
    assert answer.request["PATH_INFO"] == "/admin/", "passwords go on being good"


def test_nothing_of_it_is_there_unless_it_is_set_up(db):
    assert "Sign in with" not in Client().get("/admin/login/").content.decode()
    assert urls.oidc_urls() == []
