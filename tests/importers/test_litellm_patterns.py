"""LiteLLM's rows for any model of a name: where their callers get to here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from routing.config.serialize import read, serialize
from tests.importers.test_litellm import row, said_of

pytestmark = pytest.mark.django_db

NAME = "config.yaml"
Import = Callable[..., str]


def test_names_of_a_vendor_at_another_address_reach_it_and_none_of_the_vendors_keys_does(imported: Import) -> None:
    file = said_of(row("mistral/*", "mistral/*", api_base="http://own:1/v1", api_key="sk-1"))
    said = imported(NAME, file)
    there = serialize()["providers"]["mistral"]
    assert (there["kind"], there["base_url"]) == ("mistral", "http://own:1/v1")
    assert there["keys"] == [{"label": "imported", "stored": True}]
    assert "callers of mistral/… reach provider mistral at http://own:1/v1" in said
    assert imported(NAME, file).endswith("Nothing to change.\n")
    imported(NAME, said_of(row("openai/*", "mistral/*", api_base="http://own:2/v1", api_key="sk-2")))
    document, secrets = read()
    assert document["providers"]["mistral"]["base_url"] == "http://own:2/v1"
    assert document["providers"]["mistral"]["kind"] == "openai-compatible"
    assert secrets["providers/mistral/keys/imported/secret"] == "sk-2"


def test_names_of_a_vendor_that_is_used_here_are_warned_of_where_the_row_leads_elsewhere(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-vendor")
    before = serialize()["providers"]["mistral"]
    said = imported(NAME, said_of(row("mistral/*", "mistral/*", api_base="http://own:1/v1", api_key="sk-1")))
    warning = (
        "WARNING: callers of mistral/… would reach provider mistral at https://api.mistral.ai/v1, not http://own:1/v1"
    )
    assert warning in said
    assert serialize()["providers"]["mistral"] == before


@pytest.mark.parametrize(("name", "leads"), [
    ("gemini-*", "callers of gemini-… are not answered"),
    ("openai/gpt-4*", "callers of openai/gpt-4… would reach provider openai at https://api.openai.com/v1"),
])  # fmt: skip
def test_who_calls_by_a_pattern_is_warned_of(imported: Import, name: str, leads: str) -> None:
    assert f"left out: {leads}" in imported(NAME, said_of(row("openai/gpt-4*", name)))
