"""The OVHcloud proxy's ``endpoints_config.json``, as its document shows it and as people have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.models import Provider, ProviderKey, ProviderModel
from routing.config.revisions import revision
from routing.config.serialize import secrets, serialize
from tests.importers import blocks

pytestmark = pytest.mark.django_db

NAME = "endpoints_config.json"
MISTRAL, MIXTRAL = "mistral-7b-instruct-v0.3", "mixtral-8x7b-instruct-v0.1"
FIRST = "https://mistral-7b-instruct-v0-3.endpoints.alternative1.ai.cloud.ovh.net/api/openai_compat/v1"
SECOND = FIRST.replace("alternative1", "alternative2")

Import = Callable[..., str]


def alternatives(**models: object) -> dict[str, object]:
    return {"alternative_endpoints": models}


def places(model: str) -> list[tuple[str, str, str]]:
    """(provider, name that is sent, base URL) of a model's endpoints, in order."""
    document = serialize()
    rows = [document["endpoints"][entry["endpoint"]] for entry in document["models"][model]["entries"]]
    return [(row["provider"], row["upstream_model"], row.get("base_url", "")) for row in rows]


def test_the_documents_file_asks_the_providers_own_url_first_and_then_the_alternatives(imported: Import) -> None:
    assert "7 changed, revision #" in imported(NAME, blocks.ALTERNATIVES)
    assert places(MISTRAL) == [("ovhcloud", MISTRAL, ""), ("ovhcloud", MISTRAL, FIRST), ("ovhcloud", MISTRAL, SECOND)]
    assert [url for _provider, _model, url in places(MIXTRAL)] == [
        "",
        "https://mixtral-8x7b-instruct-v01.endpoints.alternative1.ai.cloud.ovh.net/api/openai_compat/v1",
    ]
    assert serialize()["models"][MISTRAL].get("strategy", "ordered") == "ordered"
    assert imported(NAME, blocks.ALTERNATIVES) == "Nothing to change.\n"


def test_the_example_that_is_shipped_is_the_documents_and_imports(imported: Import) -> None:
    shipped = (Path(__file__).resolve().parents[2] / f"{NAME}.example").read_text()
    assert json.loads(shipped) == json.loads(blocks.ALTERNATIVES)
    imported(NAME, shipped)
    assert len(places(MISTRAL)) == 3


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("http://gpu.internal:9000", "http://gpu.internal:9000/v1"),
        ("https://oai.endpoints.kepler.ai.cloud.ovh.net/", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
        ("https://m.endpoints.kepler.ai.cloud.ovh.net/", "https://m.endpoints.kepler.ai.cloud.ovh.net/api/openai_compat/v1"),
        ("https://m.endpoints.kepler.ai.cloud.ovh.net/v2/", "https://m.endpoints.kepler.ai.cloud.ovh.net/v2"),
    ],
)  # fmt: skip
def test_a_url_without_a_path_gets_the_one_that_its_host_serves(imported: Import, written: str, asked: str) -> None:
    imported(NAME, alternatives(m=[written]))
    assert places("m")[1][2] == asked


def test_one_stored_token_serves_all_and_stays(imported: Import) -> None:
    provider = Provider.objects.get(name="ovhcloud")
    with revision("ada", "test"):
        ProviderKey(provider=provider, label="mine", secret="token-of-mine-0123456789").save()
    said = imported(NAME, blocks.ALTERNATIVES)
    assert secrets() == {"providers/ovhcloud/keys/mine/secret": "token-of-mine-0123456789"}
    assert "removed" not in said
    assert "token-of-mine" not in said


def test_a_changed_file_changes_the_places_and_leaves_none_behind(imported: Import) -> None:
    imported(NAME, blocks.ALTERNATIVES)
    imported(NAME, alternatives(**{MISTRAL: ["https://elsewhere.example/v1", SECOND]}))
    assert [url for _provider, _model, url in places(MISTRAL)] == ["", "https://elsewhere.example/v1", SECOND]
    assert [row.get("base_url") for row in serialize()["endpoints"].values()].count(FIRST) == 0
    assert len(places(MIXTRAL)) == 2, "a model that the file does not name stays"
    imported(NAME, alternatives(**{MISTRAL: [SECOND, "https://elsewhere.example/v1"]}))
    assert [url for _provider, _model, url in places(MISTRAL)] == ["", SECOND, "https://elsewhere.example/v1"]


def test_a_model_is_sent_as_the_provider_spells_it(imported: Import) -> None:
    with revision("ada", "test"):
        ProviderModel(provider=Provider.objects.get(name="ovhcloud"), name="Mistral-7B-Instruct-v0.3").save()
    imported(NAME, blocks.ALTERNATIVES)
    assert {sent for _provider, sent, _url in places(MISTRAL)} == {"Mistral-7B-Instruct-v0.3"}


def test_a_provider_that_was_pointed_elsewhere_or_switched_off_is_the_one_meant(imported: Import) -> None:
    provider = Provider.objects.get(name="ovhcloud")
    provider.base_url, provider.enabled = "https://proxy.internal/v1", False
    provider.save()
    imported(NAME, blocks.ALTERNATIVES)
    assert {name for name, _model, _url in places(MISTRAL)} == {"ovhcloud"}
    assert serialize()["providers"]["ovhcloud"]["base_url"] == "https://proxy.internal/v1"
    assert "enabled" not in serialize()["providers"]["ovhcloud"]


def test_without_the_provider_it_is_made(imported: Import) -> None:
    Provider.objects.get(name="ovhcloud").delete()
    imported(NAME, blocks.ALTERNATIVES)
    made = serialize()["providers"]["ovhcloud"]
    assert (made["kind"], [key["env"] for key in made["keys"]]) == ("ovhcloud", ["OVH_TOKEN_ENDPOINT"])


def test_what_is_not_understood_is_named(imported: Import) -> None:
    said = imported(NAME, alternatives(m=["https://a.example/v1"] * 2) | {"timeout": 3})
    assert f"! {NAME}: not understood, and left out: 'timeout'" in said
    assert f"! {NAME}, alternative_endpoints/m/1: the same URL as one before" in said
    assert len(places("m")) == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (blocks.ALTERNATIVES[:100], f"{NAME}, line 4: not JSON"),
        ({"alternative_endpoints": []}, f"{NAME}, alternative_endpoints: expected an object of models"),
        (alternatives(m="https://a.example"), f"{NAME}, alternative_endpoints/m: expected a list of URLs"),
        (alternatives(m=["a.example"]), f"{NAME}, alternative_endpoints/m/0: expected a URL such as"),
        (alternatives(m=["https://u:s3cret@a.example/v1"]), f"{NAME}, alternative_endpoints/m/0: expected a URL"),
        (alternatives(m=[7]), f"{NAME}, alternative_endpoints/m/0: expected a URL"),
        (alternatives(router=["https://a.example/v1"]), f"{NAME}, alternative_endpoints/router: 'router' is reserved"),
        (alternatives(code=["https://a.example/v1"]), "'code' is already the name of a model"),
        ('{"alternative_endpoints": {"m": [], "m": []}}', "the key 'm' appears twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_and_nothing_changes(
    refused: Import, content: object, expected: str
) -> None:
    said = refused(NAME, content)
    assert expected in said
    assert "s3cret" not in said
