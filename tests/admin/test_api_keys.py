"""Application keys in the admin: shown once, kept as a hash, revoked and rotated."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from routing.models import ApiKey, KeyState
from routing.models.access import hash_key
from tests.admin.browser_form import fields_of

KEY = re.compile(r"sk-sy-[A-Za-z0-9_-]{43}")


@pytest.fixture
def made(page, db) -> tuple[ApiKey, str]:
    """A key made by the form, and the page that follows."""
    fields = fields_of(page.get("/admin/routing/apikey/add/"), "apikey_form")
    changes = {"name": "shop", "scopes": ["inference", "metrics"], "allowed_models": "openai/*\nturbo"}
    response = page.post("/admin/routing/apikey/add/", {**fields, **changes}, follow=True)
    return ApiKey.objects.get(name="shop"), response.content.decode()


def test_a_new_key_is_shown_once_and_kept_as_a_hash(page, made):
    key, shown = made
    plain = KEY.search(shown).group()
    assert key.hash == hash_key(plain)
    assert key.prefix == plain[:10]
    for url in ("/admin/routing/apikey/", f"/admin/routing/apikey/{key.pk}/change/", "/admin/"):
        assert not KEY.search(page.get(url).content.decode())


def test_scopes_and_models_are_as_chosen(made):
    key, _shown = made
    assert key.scopes == ["inference", "metrics"]
    assert key.allowed_models == ["openai/*", "turbo"]


def test_hash_and_prefix_cannot_be_posted(page, made):
    key, _shown = made
    url = f"/admin/routing/apikey/{key.pk}/change/"
    page_text = page.get(url)
    assert key.hash not in page_text.content.decode()
    fields = fields_of(page_text, "apikey_form")
    assert page.post(url, {**fields, "hash": "0" * 64, "prefix": "sk-evil"}).status_code == 302
    after = ApiKey.objects.get(pk=key.pk)
    assert (after.hash, after.prefix) == (key.hash, key.prefix)


def test_the_list_shows_scopes_models_expiry_and_last_use(page, made):
    key, _shown = made
    key.expires_at = datetime.now(UTC) - timedelta(days=1)
    key.save()
    KeyState.objects.create(identity="api:shop", last_used_at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    text = page.get("/admin/routing/apikey/").content.decode()
    for part in ("Ask models, Read figures", "openai/*, turbo", "expired", "4 Mar", key.prefix):
        assert part in text


@pytest.mark.parametrize(("state", "listed"), [("usable", True), ("revoked", False), ("expired", False)])
def test_the_list_can_be_filtered_by_state(page, made, state, listed):
    assert ("shop" in page.get(f"/admin/routing/apikey/?state={state}").content.decode()) == listed


def test_revoking_ends_a_key(page, made):
    key, _shown = made
    page.post("/admin/routing/apikey/", {"action": "revoke", "_selected_action": [str(key.pk)]})
    assert not ApiKey.objects.get(pk=key.pk).enabled


def test_rotating_makes_a_new_key_and_shows_it_once(page, made):
    key, shown = made
    action = {"action": "rotate", "_selected_action": [str(key.pk)]}
    text = page.post("/admin/routing/apikey/", action, follow=True).content.decode()
    plain = KEY.search(text).group()
    assert plain != KEY.search(shown).group()
    assert ApiKey.objects.get(pk=key.pk).hash == hash_key(plain)
    assert not KEY.search(page.get("/admin/routing/apikey/").content.decode())


def test_a_name_with_markup_is_shown_as_text(page, db):
    fields = fields_of(page.get("/admin/routing/apikey/add/"), "apikey_form")
    response = page.post("/admin/routing/apikey/add/", {**fields, "name": "<script>x</script>"}, follow=True)
    assert "<script>x</script>" not in response.content.decode()
