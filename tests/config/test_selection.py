"""Chosen rows as a document of their own: what it says, and that importing it touches nothing else."""

from __future__ import annotations

import pytest

from routing.config import text
from routing.config.document import DocumentError, SecretsWouldMove
from routing.config.importers import import_sources
from routing.config.importers.source import Source
from routing.config.selection import selection
from routing.config.serialize import serialize
from tests.config.conftest import document

pytestmark = pytest.mark.django_db


def take(written: str, *, drop_secrets: bool = False):
    return import_sources([Source("part.yaml", written.encode())], "ada", "test", drop_secrets=drop_secrets).changes


def test_it_holds_the_chosen_rows_alone():
    said = text.load(selection(document(), "endpoints", ["home-1", "of-nobody"]))
    assert said == {"version": 1, "part": True, "endpoints": {"home-1": document()["endpoints"]["home-1"]}}


def test_importing_ones_own_selection_changes_nothing(small):
    for section in ("providers", "endpoints", "models"):
        assert take(selection(serialize(), section, list(small[section]))) == ()


def test_a_part_replaces_what_it_names_and_leaves_the_rest(small):
    changed = selection(serialize(), "endpoints", ["home-1"]).replace("20.5", "33.5")
    assert [str(one.path) for one in take(changed)] == ["endpoints/home-1/total_timeout"]
    expected = document()
    expected["endpoints"]["home-1"]["total_timeout"] = 33.5
    assert serialize() == expected


def test_a_part_keeps_the_stored_secrets_of_this_installation(small):
    from providers.models import ProviderKey

    take(selection(serialize(), "providers", ["acme"]).replace("8192", "16384"))
    assert ProviderKey.objects.get().secret == "sk-acme-very-secret"
    elsewhere = selection(serialize(), "providers", ["acme"]).replace("acme.example", "evil.example")
    with pytest.raises(SecretsWouldMove, match=r"part\.yaml, providers/acme/base_url: would send what is stored"):
        take(elsewhere)
    assert ProviderKey.objects.get().secret == "sk-acme-very-secret"
    take(elsewhere, drop_secrets=True)
    assert ProviderKey.objects.get().secret == ""


def test_what_a_part_refers_to_must_be_there(small):
    lost = selection(serialize(), "models", ["turbo"]).replace("acme-1", "nowhere")
    with pytest.raises(DocumentError, match="there is no endpoint 'nowhere'"):
        take(lost)


@pytest.mark.parametrize("wrong", ["version: 1\npart: 1\n", "version: 1\npart: true\nmodels: []\n"])
def test_a_part_that_makes_no_sense_is_refused(small, wrong):
    with pytest.raises(DocumentError):
        take(wrong)
    assert serialize() == small


def test_a_whole_document_may_say_that_it_is_no_part(small):
    take(text.dump({**document(), "part": False}))
    assert serialize() == small
