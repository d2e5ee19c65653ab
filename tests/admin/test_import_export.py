"""Import and export in the admin: what would change first, then exactly that; no secret in any page."""

from __future__ import annotations

import json

import pytest
import yaml
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gateway_project.pages import importing
from providers.configuration import one_change
from providers.models import Provider, ProviderKey
from routing.config.revisions import snapshot
from routing.models import ConfigRevision, PublicModel
from tests.admin.browser_form import fields_of
from tests.admin.conftest import HEADER_SECRET, PROXY_PASSWORD, SECRET

IMPORT, EXPORT = "/admin/import/", "/admin/export/"
PART = "version: 1\npart: true\nmodels: {fresh: {description: made by import}}\n"
LITELLM_KEY = "sk-litellm-0123456789abcdef0123456789abcdef"
LITELLM = f"""
model_list:
  - model_name: fast
    litellm_params: {{model: openai/gpt-4o-mini, api_key: {LITELLM_KEY}}}
"""


def look(page, *files: tuple[str, str], **said):
    uploads = [SimpleUploadedFile(name, content.encode()) for name, content in files]
    return page.post(IMPORT, {**said, "files": uploads})


def confirm(page, shown, **said):
    return page.post(IMPORT, {**fields_of(shown, "confirm_form"), "confirm": "1", **said}, follow=True)


def reader(*codenames: str) -> Client:
    user = User.objects.create_user("rita", password="pw", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_a_file_is_shown_first_and_imported_as_one_revision_then(page, turbo):
    before = ConfigRevision.objects.count()
    shown = look(page, ("part.yaml", PART))
    text = shown.content.decode()
    assert "own export" in text
    assert "models/fresh" in text
    assert (ConfigRevision.objects.count(), PublicModel.objects.filter(name="fresh").exists()) == (before, False)
    told = confirm(page, shown).content.decode()
    assert "Imported: part.yaml" in told
    row = ConfigRevision.objects.first()
    assert (ConfigRevision.objects.count(), row.actor, row.origin, row.message) == (
        before + 1, "olga", "import", "part.yaml",
    )  # fmt: skip
    assert "an import in the admin" in page.get("/admin/routing/configrevision/").content.decode()
    assert PublicModel.objects.get(name="fresh").description == "made by import"
    assert LogEntry.objects.filter(change_message="Imported part.yaml").exists()


def test_a_text_is_pasted_with_a_name_and_several_files_are_one_change(page, turbo):
    other = PART.replace("fresh", "other")
    shown = look(page, ("part.yaml", PART), text=other, name="mine.yaml")
    assert "mine.yaml" in shown.content.decode()
    confirm(page, shown)
    assert PublicModel.objects.filter(name__in=["fresh", "other"]).count() == 2


def test_problems_are_named_by_file_and_place(page, turbo):
    text = look(page, ("a.yaml", "version: 1\nmodels: {x: {strategy: 7}}"), ("b.yaml", "a: [")).content.decode()
    assert "a.yaml, models/x/strategy" in text
    assert "b.yaml" in text
    assert "line" in text
    assert "Import now" not in text


def test_a_text_that_is_refused_is_mended_where_it_was_pasted(page, turbo):
    wrong = PART.replace("description", "descriptoin")
    refused = look(page, text=wrong, name="mine.yaml")
    assert "mine.yaml, models/fresh/descriptoin" in refused.content.decode()
    again = fields_of(refused, "import_form")
    (text,) = again["text"]
    assert (text.strip(), again["name"]) == (wrong.strip(), ["mine.yaml"])
    confirm(page, look(page, text=text.replace("descriptoin", "description"), name="mine.yaml"))
    assert PublicModel.objects.filter(name="fresh").exists()


def test_a_key_in_a_foreign_file_reaches_no_page_and_is_stored(page, turbo):
    shown = look(page, ("litellm.yaml", LITELLM))
    assert LITELLM_KEY not in shown.content.decode()
    assert LITELLM_KEY not in json.dumps(dict(page.session))
    told = confirm(page, shown)
    assert LITELLM_KEY not in told.content.decode()
    assert LITELLM_KEY in {key.secret for key in ProviderKey.objects.all()}


def test_an_import_is_refused_where_somebody_changed_something_after_the_look(page, turbo):
    shown = look(page, ("part.yaml", PART))
    turbo.description = "by somebody else"
    turbo.save()
    refused = confirm(page, shown)
    assert "Somebody changed the configuration meanwhile" in refused.content.decode()
    assert not PublicModel.objects.filter(name="fresh").exists()
    assert "Imported" in confirm(page, refused).content.decode()


def test_what_was_looked_at_is_of_its_user_alone_and_for_ten_minutes(page, turbo, monkeypatch):
    kept = fields_of(look(page, ("part.yaml", PART)), "confirm_form")
    other = Client()
    other.force_login(User.objects.create_superuser("oscar", password="pw"))
    assert "no longer kept" in other.post(IMPORT, {**kept, "confirm": "1"}).content.decode()
    assert "no longer kept" in page.post(IMPORT, {**kept, "kept": "forged", "confirm": "1"}).content.decode()
    monkeypatch.setattr(importing, "VALID_SECONDS", -1)
    assert "no longer kept" in page.post(IMPORT, {**kept, "confirm": "1"}).content.decode()
    assert not PublicModel.objects.filter(name="fresh").exists()


def test_what_is_too_large_nothing_or_unknown_is_refused_in_words(page, turbo):
    assert "larger than 10 MB" in look(page, ("big.yaml", "x" * (10 * 1024 * 1024 + 1))).content.decode()
    assert "Choose a file" in look(page).content.decode()
    text = look(page, ("photo.jpg", "\x00\x01")).content.decode()
    assert "not recognised" in text
    bomb = "a: &b0 [x, x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert "unfold" in look(page, ("bomb.yaml", bomb)).content.decode()


def test_a_provider_is_moved_without_its_key_only_expressly(page, turbo, acme):
    document = {"version": 1, "part": True, "providers": {"acme": snapshot().document["providers"]["acme"]}}
    document["providers"]["acme"]["base_url"] = "https://elsewhere.example/v1"
    refused = look(page, ("moved.yaml", yaml.safe_dump(document)))
    assert "another server" in refused.content.decode()
    assert "Import now" not in refused.content.decode()
    shown = page.post(IMPORT, {**fields_of(refused, "confirm_form"), "drop_secrets": "on"})
    assert "acme/main" in shown.content.decode()
    confirm(page, shown)
    assert Provider.objects.get(name="acme").base_url == "https://elsewhere.example/v1"
    assert acme.keys.get().secret == ""


def test_going_back_to_another_server_asks_for_the_same_word(page, turbo, acme):
    number = ConfigRevision.objects.first().number
    with one_change("olga", "admin"):
        acme.base_url = "https://elsewhere.example/v1"
        acme.save()
    url = f"/admin/routing/configrevision/{number}/rollback/"
    assert "another server" in page.get(url).content.decode()
    shown = page.get(f"{url}?drop_secrets=on")
    assert "acme/main" in shown.content.decode()
    page.post(url, fields_of(shown, "rollback_form"))
    assert Provider.objects.get(name="acme").base_url == "https://api.acme.example/v1"
    assert acme.keys.get().secret == ""


def test_the_export_is_what_an_import_takes_and_holds_no_secret(page, turbo):
    text = page.get(EXPORT).content.decode()
    assert "export_config --as-migration" in text
    file = page.get(f"{EXPORT}?download=1")
    assert file["Content-Disposition"].endswith('.yaml"')
    for secret in (SECRET, HEADER_SECRET, PROXY_PASSWORD):
        assert secret not in text
        assert secret not in file.content.decode()
    assert "Nothing to change" in look(page, ("all.yaml", file.content.decode())).content.decode()


def test_chosen_sections_are_a_part(page, turbo):
    part = yaml.safe_load(page.get(f"{EXPORT}?section=models&download=1").content)
    assert (part["part"], set(part)) == (True, {"version", "part", "models"})
    assert "turbo" in part["models"]


@pytest.mark.parametrize(("url", "needed"), [(IMPORT, "add_configrevision"), (EXPORT, "view_configrevision")])
def test_only_those_who_may_open_them(db, url, needed):
    nobody = Client()
    nobody.force_login(User.objects.create_user("nora", password="pw", is_staff=True))
    assert nobody.get(url).status_code == 403
    assert url not in nobody.get("/admin/").content.decode()
    somebody = reader(needed)
    assert somebody.get(url).status_code == 200
    assert url in somebody.get("/admin/").content.decode()
