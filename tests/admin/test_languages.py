"""The admin speaks French and Spanish: every string of the sources is translated, and what is served is compiled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
import unfold
from django.conf import settings
from django.utils.translation import trans_real

from tests.running import ROOT
from tests.services import missing

LANGUAGES = ("fr", "es")
NAMED = re.compile(r"%\(\w+\)[sdif]|%%|\{\w*\}")
THEME = re.compile(r"""\{%\s*trans(?:late)?\s+(?:"([^"]+)"|'([^']+)')""")
TAG = re.compile(r"</?\w+")


def catalogue(language: str, kind: str = "po") -> Path:
    return ROOT / f"locale/{language}/LC_MESSAGES/django.{kind}"


def named(text: str) -> tuple[set[str], list[str]]:
    """Its placeholders and its tags."""
    return set(NAMED.findall(text)), sorted(TAG.findall(text))


def texts(entry: polib.POEntry) -> list[tuple[tuple[str, ...], str]]:
    """(what the source may say, what the translation says), a pair for each plural form: a singular may count, too."""
    if not entry.msgid_plural:
        return [((entry.msgid,), entry.msgstr)]
    both = (entry.msgid, entry.msgid_plural)
    return [(both[1:] if number else both, said) for number, said in entry.msgstr_plural.items()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_untranslated_or_unsure(language):
    entries = polib.pofile(str(catalogue(language)))
    assert [entry.msgid for entry in entries if entry.fuzzy or entry.obsolete] == []
    assert [entry.msgid for entry in entries if not all(said for _, said in texts(entry))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_name_what_the_source_names(language):
    wrong = [
        (sources, said)
        for entry in polib.pofile(str(catalogue(language)))
        for sources, said in texts(entry)
        if named(said) not in map(named, sources)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_served_was_compiled_from_what_is_written(language):
    def said(entries):
        return {
            (entry.msgctxt, entry.msgid): [translation for _, translation in texts(entry)]
            for entry in entries
            if entry.msgid
        }

    written, compiled = polib.pofile(str(catalogue(language))), polib.mofile(str(catalogue(language, "mo")))
    assert said(compiled) == said(written), "run `make messages`"


def test_the_catalogues_hold_what_the_sources_say(tmp_path):
    if shutil.which("xgettext") is None:
        missing("no xgettext here (apt-get install gettext)")
    for name in ("gateway_project", "routing", "providers", "metrics", "manage.py", "locale"):
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copied(ROOT / name, tmp_path / name)
    command = [sys.executable, "-m", "django", "makemessages", "--no-location", "--keep-pot", "-l", "fr", "-v0"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    found = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(next(tmp_path.rglob("*.pot"))))}
    for language in LANGUAGES:
        known = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(catalogue(language)))}
        assert found - known == set(), "run `make messages`, and translate"
        assert known - found == set(), "run `make messages`"


@pytest.mark.parametrize(("language", "heading"), [("fr", "Routage"), ("es", "Enrutamiento")])
def test_a_browser_that_asks_for_a_language_gets_it(page, language, heading):
    assert language in dict(settings.LANGUAGES)
    answer = page.get("/admin/", headers={"accept-language": language})
    assert heading in answer.content.decode()
    assert f'<html lang="{language}"' in answer.content.decode()


def words(template: Path) -> list[str]:
    return [double or single for double, single in THEME.findall(template.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_theme_says_is_translated_too(language):
    templates = (Path(str(unfold.__file__)).parent / "templates").rglob("*.html")
    said = {found for file in templates for found in words(file)}
    assert "Type to search" in said
    known = trans_real.translation(language)
    untranslated = {text for text in said if text not in known._catalog}
    assert untranslated == set()
