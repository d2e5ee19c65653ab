"""The category router's ``router_config.json``, as its document shows it and as people have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.models import Provider
from routing.config.apply import apply
from routing.config.importers.categories import rendered
from routing.config.serialize import serialize
from routing.models import ConfigRevision

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
NAME = "router_config.json"
# As in the document.
FILE = {
    "model_mappings": {
        "tools": ["openrouter/kimi-k2.5", "openai/gpt-4o"],
        "code": ["openrouter/glm-5", "anthropic/claude-3-sonnet"],
    }
}
PAUSES = {"circuit_failures": 3, "circuit_pause": 300.0, "circuit_pause_max": 300.0}

Import = Callable[..., str]


def chain(category: str) -> list[str]:
    return [entry["endpoint"] for entry in serialize()["categories"][category].get("entries", [])]


def sent(endpoint: str) -> tuple[str, str]:
    row = serialize()["endpoints"][endpoint]
    return row["provider"], row["upstream_model"]


def test_the_documents_file_replaces_the_chains_it_names_and_no_others(imported: Import) -> None:
    before = serialize()["categories"]
    said = imported(NAME, FILE)
    after = serialize()["categories"]
    assert chain("tools") == ["openrouter/kimi-k2.5", "openai/gpt-4o"]
    assert chain("code") == ["openrouter/glm-5", "anthropic/claude-3-sonnet"]
    assert (after["reasoning"], after["conversation"]) == (before["reasoning"], before["conversation"])
    assert after["code"]["keywords"] == before["code"]["keywords"]
    assert "changed, revision #" in said
    revision = ConfigRevision.objects.first()
    assert (revision.origin, "router_config.json" in revision.message) == ("command", True)


def test_a_model_is_sent_under_the_name_that_its_provider_knows(imported: Import) -> None:
    models = ["openrouter/kimi-k2.5", "anthropic/claude-3-sonnet", "openrouter/some/new-model", "openai/gpt-4o"]
    imported(NAME, {"model_mappings": {"mine": models}})
    assert [sent(name) for name in chain("mine")] == [
        ("openrouter", "moonshotai/kimi-k2.5"),
        ("anthropic", "claude-3-sonnet-20240229"),
        ("openrouter", "some/new-model"),
        ("openai", "gpt-4o"),
    ]


def test_one_place_under_two_names_stays_one_endpoint(imported: Import) -> None:
    imported(NAME, {"model_mappings": {"mine": ["openrouter/moonshotai/kimi-k2.5"]}})
    assert chain("mine") == ["openrouter/kimi-k2.5"]
    assert len(serialize()["endpoints"]) == 3


def test_a_provider_may_be_named_by_its_kind(imported: Import) -> None:
    for name, position, enabled in (("late", 9, True), ("early", 1, True), ("off", 0, False)):
        Provider(name=name, kind="vllm", base_url=f"http://{name}:1/v1", position=position, enabled=enabled).save()
    Provider.objects.get(name="vllm").delete()
    imported(NAME, {"model_mappings": {"mine": ["vllm/llama"]}})
    assert chain("mine") == ["early/llama"]
    assert "Nothing to change" in imported(NAME, {"model_mappings": {"mine": ["vllm/llama"]}})


def test_models_rest_five_minutes_as_they_did_unless_someone_chose_other_pauses(imported: Import) -> None:
    document = serialize()
    document["endpoints"]["openrouter/glm-5"]["circuit_pause"] = 7.0
    apply(document, "ada", "test")
    imported(NAME, FILE)
    endpoints = serialize()["endpoints"]
    for name in ("openrouter/kimi-k2.5", "openai/gpt-4o", "anthropic/claude-3-sonnet"):
        assert endpoints[name].items() >= PAUSES.items()
    assert endpoints["openrouter/glm-5"]["circuit_pause"] == 7.0
    assert "circuit_pause_max" not in endpoints["openrouter/glm-5"]
    assert "circuit_pause" not in endpoints["openai/gpt-4o-mini"], "the file does not name it"


def test_importing_twice_and_rehearsing_change_nothing(imported: Import) -> None:
    before = serialize()
    assert "nothing was written" in imported(NAME, FILE, "--dry-run")
    assert serialize() == before
    imported(NAME, FILE)
    assert imported(NAME, FILE) == "Nothing to change.\n"


@pytest.mark.parametrize(
    "file",
    [
        {
            "model_mappings": {"creative": ["openai/gpt-4o"]},
            "categories": {"creative": {"keywords": ["story", "poem"]}},
        },
        {"model_mappings": {"creative": ["openai/gpt-4o"]}, "categories": {"creative": ["story", "poem"]}},
        {"model_mappings": {"creative": ["openai/gpt-4o"]}, "keywords": {"creative": ["story", "poem"]}},
        {"categories": {"creative": {"models": ["openai/gpt-4o"], "keywords": ["story", "poem"]}}},
        {"categories": [{"name": "creative", "models": ["openai/gpt-4o"], "keywords": ["story", "poem"]}]},
    ],
)
def test_keywords_are_found_wherever_such_a_file_has_them(imported: Import, file: Any) -> None:
    imported(NAME, file)
    assert chain("creative") == ["openai/gpt-4o"]
    assert serialize()["categories"]["creative"]["keywords"] == ["story", "poem"]


def test_the_weights_of_keywords_that_go_go_with_them(imported: Import) -> None:
    code = serialize()["categories"]["code"]
    kept = next(word for word in code["keywords"] if word in code["weights"])
    imported(NAME, {"keywords": {"code": [kept, "new"]}, "model_mappings": {}})
    after = serialize()["categories"]["code"]
    assert (after["keywords"], after["weights"]) == ([kept, "new"], {kept: code["weights"][kept]})


def test_what_is_not_understood_is_named_and_the_rest_taken_over(imported: Import) -> None:
    said = imported(NAME, {**FILE, "default_category": "tools", "categories": {"code": {"temperature": 1}}})
    assert "! router_config.json: not understood, and left out: 'default_category'\n" in said
    assert "! router_config.json, categories/code: not understood, and left out: 'temperature'\n" in said
    assert chain("tools")[1] == "openai/gpt-4o"


def test_what_will_not_answer_is_said(imported: Import) -> None:
    said = imported(
        NAME, {"model_mappings": {"mine": ["ollama/llama3.1", "ollama/llama3.1"]}, "keywords": {"empty": ["word"]}}
    )
    assert "! router_config.json, model_mappings/mine: the provider ollama is disabled" in said
    assert "! router_config.json, model_mappings/mine/1: 'ollama/llama3.1' is in this chain already" in said
    assert "! router_config.json: no models are named for the category 'empty': nobody answers it" in said


def test_what_the_gateway_answers_imports_without_a_change(imported: Import) -> None:
    assert "Nothing to change." in imported(NAME, rendered(serialize()))
    imported(NAME, FILE)
    assert "Nothing to change." in imported(NAME, rendered(serialize()))


def test_even_what_no_word_can_say_comes_back_unchanged(imported: Import) -> None:
    document = serialize()
    document["endpoints"] |= {
        "elsewhere": {"provider": "openai", "upstream_model": "gpt-4o", "base_url": "http://other:1/v1"},
        "openai/o1": {"provider": "openrouter", "upstream_model": "openai/o1", "circuit_pause": 9.0},
    }
    document["models"] = {"turbo": {"aliases": ["fast"]}, "openai/gpt-4o": {}, "openai/o1": {}}
    document["categories"]["odd"] = {
        "strategy": "weighted",
        "enabled": False,
        "description": "Odd.",
        "keywords": ["a"],
        "weights": {"a": 0.5, "b": 2},
        "entries": [
            {"endpoint": "elsewhere", "weight": 3},
            {"endpoint": "openai/o1"},
            {"model": "turbo"},
            {"endpoint": "elsewhere"},
            {"model": "openai/gpt-4o"},
            {"model": "openai/o1", "enabled": False},
        ],
    }
    document["categories"]["bare"] = {}
    apply(document, "ada", "test")
    before = serialize()
    written = json.loads(json.dumps(rendered(before)))
    assert written["model_mappings"]["odd"] == [
        {"endpoint": "elsewhere", "weight": 3},
        "openai/o1",
        "turbo",
        "elsewhere",
        {"model": "openai/gpt-4o"},
        {"model": "openai/o1", "enabled": False},
    ]
    assert written["circuits"] == {"openai/o1": {"pause": 9.0}}
    assert "Nothing to change." in imported(NAME, written)
    assert serialize() == before


def test_the_example_imports_cleanly_on_a_fresh_installation(imported: Import) -> None:
    before = serialize()["categories"]
    said = imported(NAME, (ROOT / "router_config.json.example").read_bytes())
    assert "!" not in said
    after = serialize()["categories"]
    assert {name: after[name] for name in before} == before
    assert after["creative"]["keywords"] == ["story", "poem"]
    assert "Nothing to change." in imported(NAME, (ROOT / "router_config.json.example").read_bytes())


def test_a_mark_at_the_beginning_does_no_harm(imported: Import) -> None:
    imported(NAME, b"\xef\xbb\xbf" + json.dumps(FILE).encode())
    assert chain("tools")[1] == "openai/gpt-4o"
