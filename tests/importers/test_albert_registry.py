"""The Albert registry's YAML, as its document shows it and as its releases had it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.models import ProviderKey
from routing.config.serialize import read, serialize
from routing.models import ConfigRevision

pytestmark = pytest.mark.django_db

NAME = "config.yml"
# As in the document.
FILE = """
models:
  - id: turbo
    type: text-generation
    aliases: ["turbo-alias"]
    routing_strategy: round_robin
    clients:
      - model: gpt-3.5-turbo
        type: openai
        args:
          base_url: https://api.openai.com/v1
          api_key: sk-canary-one-sA
          timeout: 60
      - model: meta-llama/Llama-3.1-8B-Instruct
        type: vllm
        args:
          base_url: http://llama.internal/v1
          api_key: sf-canary-two-Df
          timeout: 60
"""
SIXTY = {"headers_timeout": 60.0, "first_content_timeout": 60.0, "idle_timeout": 60.0}
Import = Callable[..., str]


def one_model(**more: Any) -> dict[str, Any]:
    """A model with one client, some of it said otherwise."""
    args = {"base_url": "http://llama.internal/v1"} | more.pop("args", {})
    client = {"model": "m", "type": "vllm", "args": args} | more.pop("client", {})
    return {"models": [{"id": "x", "type": "text-generation", "clients": [client]} | more]}


def endpoint_of(model: str, position: int = 0) -> dict[str, Any]:
    document = serialize()
    name = document["models"][model]["entries"][position]["endpoint"]
    return dict(document["endpoints"][name])


def provider_of(model: str, position: int = 0) -> dict[str, Any]:
    return dict(serialize()["providers"][endpoint_of(model, position)["provider"]])


def test_the_documents_model_has_its_type_alias_strategy_and_both_clients_in_order(imported: Import) -> None:
    said = imported(NAME, FILE)
    assert serialize()["models"]["turbo"] == {
        "strategy": "round_robin",
        "aliases": ["turbo-alias"],
        "entries": [
            {"endpoint": "openai/gpt-3.5-turbo"},
            {"endpoint": "vllm-llama.internal/meta-llama/Llama-3.1-8B-Instruct"},
        ],
    }
    assert endpoint_of("turbo") == {"provider": "openai", "upstream_model": "gpt-3.5-turbo", **SIXTY}
    second = {"provider": "vllm-llama.internal", "upstream_model": "meta-llama/Llama-3.1-8B-Instruct"}
    assert endpoint_of("turbo", 1) == {**second, **SIXTY}
    assert provider_of("turbo", 1)["base_url"] == "http://llama.internal/v1"
    stored = read()[1]
    assert stored["providers/openai/keys/imported/secret"] == "sk-canary-one-sA"
    assert stored["providers/vllm-llama.internal/keys/imported/secret"] == "sf-canary-two-Df"
    assert "canary" not in said


def test_importing_twice_changes_nothing_and_a_dry_run_never_does(imported: Import) -> None:
    before, count = read(), ConfigRevision.objects.count()
    assert "Dry run: 7 to change, nothing was written." in imported(NAME, FILE, "--dry-run")
    assert (read(), ConfigRevision.objects.count()) == (before, count)
    imported(NAME, FILE)
    before, count = read(), ConfigRevision.objects.count()
    assert imported(NAME, FILE) == "Nothing to change.\n"
    assert (read(), ConfigRevision.objects.count()) == (before, count)


def test_a_model_that_exists_is_replaced_and_others_stay(imported: Import) -> None:
    imported(NAME, FILE)
    imported(NAME, one_model())
    imported(NAME, one_model(id="turbo", routing_strategy="shuffle"))
    models = serialize()["models"]
    assert models["turbo"] == {"strategy": "shuffle", "entries": [{"endpoint": "vllm-llama.internal/m"}]}
    assert "x" in models


def test_keys_named_by_variable_are_read_from_it_and_other_references_are_replaced(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_HOST", "llama.internal:8000")
    monkeypatch.delenv("LLAMA_KEY", raising=False)
    args = {"base_url": "http://${LLAMA_HOST}/v1", "api_key": "${LLAMA_KEY}", "timeout": "${PATIENCE:-45}"}
    said = imported(NAME, one_model(args=args, owned_by="${OWNER:-the ministry}"))
    assert "args/api_key: LLAMA_KEY is not set here: the provider has no key until it is" in said
    assert provider_of("x")["base_url"] == "http://llama.internal:8000/v1"
    assert provider_of("x")["keys"] == [{"label": "imported", "env": "LLAMA_KEY"}]
    assert endpoint_of("x")["headers_timeout"] == 45
    assert serialize()["models"]["x"]["owned_by"] == "the ministry"


def test_a_variable_without_value_and_default_is_named(refused: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLAMA_HOST", raising=False)
    said = refused(NAME, one_model(args={"base_url": "http://${LLAMA_HOST}/v1"}))
    assert "models/0/clients/0/args/base_url: the environment variable LLAMA_HOST is not set" in said


def test_a_keys_default_counts_where_its_variable_is_not_set(imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLAMA_KEY", raising=False)
    imported(NAME, one_model(args={"api_key": "${LLAMA_KEY:-sk-default}"}))
    assert ProviderKey.objects.get(provider__name="vllm-llama.internal").secret == "sk-default"


@pytest.mark.parametrize("key", [{}, {"api_key": "EMPTY"}, {"api_key": ""}, {"api_key": None}])
def test_a_server_without_a_key_works_without_one(imported: Import, key: dict[str, Any]) -> None:
    imported(NAME, one_model(args=key))
    assert provider_of("x") == {"kind": "vllm", "base_url": "http://llama.internal/v1", "keyless": True}


@pytest.mark.parametrize(
    ("kind", "model_type", "base_url", "ours"),
    [
        ("openai", "text-generation", None, "openai"),
        ("openai", "text-embeddings-inference", "http://elsewhere.internal", "openai-compatible"),
        ("openai", "automatic-speech-recognition", "https://api.openai.com", "openai"),
        ("vllm", "image-text-to-text", "http://llama.internal:8000", "vllm"),
        ("tei", "text-embeddings-inference", "http://tei.internal", "tei"),
        ("tei", "text-classification", "http://tei.internal/v1", "tei"),
        ("albert", "text-classification", None, "albert"),
        ("albert", "automatic-speech-recognition", "https://albert.api.etalab.gouv.fr", "albert"),
    ],
)
def test_each_kind_of_client_and_type_of_model_finds_its_own(
    imported: Import, kind: str, model_type: str, base_url: str | None, ours: str
) -> None:
    imported(NAME, one_model(type=model_type, client={"type": kind}, args={"base_url": base_url, "api_key": "k"}))
    assert provider_of("x")["kind"] == ours
    assert serialize()["models"]["x"].get("type", "text-generation") == model_type
    if model_type != "text-generation":
        assert provider_of("x")["models"]["m"]["type"] == model_type


def test_the_longest_input_is_known_of_each_clients_model(imported: Import) -> None:
    imported(NAME, one_model(max_context_length=131072))
    assert provider_of("x")["models"] == {"m": {"max_input_tokens": 131072}}


def test_a_strategy_that_is_not_said_is_shuffle_and_a_timeout_bounds_first_content_too(imported: Import) -> None:
    imported(NAME, one_model(args={"timeout": 5, "max_retries": 0}))
    assert serialize()["models"]["x"]["strategy"] == "shuffle"
    assert endpoint_of("x")["first_content_timeout"] == 5
    assert endpoint_of("x")["retries"] == 0


def test_later_releases_names_for_the_same_things_are_understood(imported: Import) -> None:
    client = {
        "type": "openai",
        "url": "https://api.openai.com",
        "key": "sk-later",
        "model_name": "gpt-4o",
        "timeout": 9,
    }
    said = imported(NAME, {"models": [{"name": "x", "type": "text-generation", "providers": [client]}]})
    assert endpoint_of("x")["upstream_model"] == "gpt-4o"
    assert endpoint_of("x")["headers_timeout"] == 9
    assert "!" not in said


def test_whatever_has_no_place_here_is_listed(imported: Import) -> None:
    file = one_model(cost_prompt_tokens=1, client={"carbon": 2}, args={"http_client": "z"})
    said = imported(NAME, {"auth": {"master_key": "canary"}, "databases": [], "general": {}, **file})
    for path, what in {
        "auth": "not taken over: callers' keys are made in the admin",
        "databases": "not taken over: this gateway keeps its own database",
        "general": "has no place here",
        "models/0/cost_prompt_tokens": "has no place here",
        "models/0/clients/0/carbon": "has no place here",
        "models/0/clients/0/args/http_client": "has no place here",
    }.items():
        assert f"! {NAME}, {path}: {what}" in said
    assert "canary" not in said


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown strategy": (
        {"routing_strategy": "fastest"},
        "models/0/routing_strategy: unknown: 'fastest'; known: shuffle, round_robin",
    ),
    "an unknown type": ({"type": "painting"}, "models/0/type: unknown: 'painting'; known: text-generation, image-text"),
    "no type": ({"type": None}, "models/0/type: is missing; known: text-generation"),
    "an unknown client": ({"client": {"type": "llama"}}, "clients/0/type: unknown: 'llama'; known: openai, vllm, tei"),
    "a client that cannot": (
        {"client": {"type": "tei"}},
        "clients/0/type: a Text Embeddings Inference client serves no",
    ),
    "no model": ({"client": {"model": None}}, "models/0/clients/0/model: is missing"),
    "no address": ({"args": {"base_url": None}}, "args/base_url: is missing; a vllm client is a server of your own"),
    "no URL": ({"args": {"base_url": "llama"}}, "args/base_url: Expected an absolute URL"),
    "no time": ({"args": {"timeout": "soon"}}, "args/timeout: expected a number from 0 to 1,000,000,000, not text"),
    "no time at all": ({"args": {"timeout": 0}}, "models/0/clients/0/headers_timeout: Ensure this value is greater"),
    "no clients": ({"clients": []}, "models/0/clients: expected at least one client"),
    "a taken alias": ({"aliases": ["code"]}, "models/0/aliases/0: 'code' is already the name of a category"),
    "no name": ({"id": ""}, "models/0/id: is missing"),
    "a reserved name": ({"id": "auto"}, "models/0: 'auto' is reserved for the router itself"),
}


@pytest.mark.parametrize("what", PROBLEMS)
def test_what_is_wrong_is_said_with_its_path_and_nothing_is_changed(refused: Import, what: str) -> None:
    more, expected = PROBLEMS[what]
    assert expected in refused(NAME, one_model(**more))


def test_two_models_of_one_name_are_refused(refused: Import) -> None:
    twice = {"models": one_model()["models"] * 2}
    assert "models/1/id: a second model 'x'" in refused(NAME, twice)
