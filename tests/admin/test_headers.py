"""What browsers are told: nothing foreign, no frames, no copies of the admin's pages; and the reader's language."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/routing/endpoint/", "/admin/none/", "/docs"])
def test_pages_for_browsers_carry_the_policy(page, path):
    headers = page.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    for name, expected in {
        "default-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "script-src": "'self'" if path == "/docs" else "'self' 'unsafe-eval'",
    }.items():
        assert policy[name] == expected
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    if path != "/docs":
        assert headers["Cache-Control"] == "no-store"


def test_the_api_has_none_of_them(db):
    assert "Content-Security-Policy" not in Client().get("/health/live").headers


@pytest.mark.parametrize(
    ("wanted", "button"), [("fr", "Connexion"), ("es-MX, en;q=0.5", "Iniciar sesión"), ("de", "Log in")]
)
def test_the_language_is_what_the_browser_asks_for(db, wanted, button):
    answer = Client().get("/admin/login/", headers={"Accept-Language": wanted})
    assert button in answer.content.decode()
    assert translation.get_language() == "en", "the next request of this connection may be a program's"


def test_the_reader_changes_the_language_in_the_menu(page):
    assert 'action="/admin/language/"' in page.get("/admin/").content.decode()
    answer = page.post("/admin/language/", {"language": "es", "next": "/admin/routing/endpoint/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/routing/endpoint/")
    cookie = page.cookies["django_language"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("es", True, "Lax")
    assert '<html lang="es"' in page.get("/admin/").content.decode()
    away = page.post("/admin/language/", {"language": "fr", "next": "https://evil.example/"})
    assert away.headers["Location"] == "/"
