"""LiteLLM's ``config.yaml``: deployments, where they are and what is said of them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.models import Provider
from routing.config.apply import apply
from routing.config.serialize import read, serialize
from routing.models import ConfigRevision

pytestmark = pytest.mark.django_db

NAME = "config.yaml"
# In the words of LiteLLM's documentation.
FILE = """
x-limits: &limits {rpm: 100, timeout: 30}
model_list:
  - model_name: gpt-4o
    litellm_params: {<<: *limits, model: azure/gpt-4o-eu, api_base: https://eu.example/, api_key: os.environ/AZURE_KEY}
  - model_name: gpt-4o
    litellm_params: {<<: *limits, model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: sk-canary-one, rpm: 300}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-20250514, api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: llama
    litellm_params: {model: openai/llama-3, api_base: "http://0.0.0.0:4000/v1", api_key: none}
router_settings:
  model_group_alias: {gpt-4: gpt-4o}
  fallbacks: [{gpt-4o: [claude]}]
general_settings: {master_key: sk-canary-two}
"""
GPU = "http://gpu:1/v1"
Import = Callable[..., str]


def said_of(*rows: dict[str, Any], **sections: Any) -> str:
    """A file with these rows of model_list."""
    return yaml.safe_dump({"model_list": list(rows), **sections})


def row(model: str, name: str = "x", /, **params: Any) -> dict[str, Any]:
    more = {key: params.pop(key) for key in ("model_info", "tpm") if key in params}
    return {"model_name": name, "litellm_params": {"model": model, **params}, **more}


def endpoints(name: str = "x") -> list[dict[str, Any]]:
    document = serialize()
    return [document["endpoints"][entry["endpoint"]] for entry in document["models"][name]["entries"]]


def provider(name: str = "x") -> dict[str, Any]:
    return dict(serialize()["providers"][endpoints(name)[0]["provider"]])


def test_rows_of_one_name_are_one_model_over_several_endpoints(imported: Import) -> None:
    said = imported(NAME, FILE)
    models = serialize()["models"]
    assert models["gpt-4o/deployments"] == {
        "strategy": "weighted",
        "entries": [
            {"endpoint": "openai/gpt-4o", "weight": 100},
            {"endpoint": "openai-2/gpt-4o", "weight": 300},
        ],
    }
    assert models["gpt-4o"] == {
        "aliases": ["gpt-4"],
        "entries": [{"model": "gpt-4o/deployments"}, {"endpoint": "anthropic/claude-sonnet-4-20250514"}],
    }
    assert "! config.yaml, model_list/0/litellm_params/model: azure is not spoken here: this deployment is" in said
    assert "! config.yaml, general_settings/master_key: not taken over: callers' keys are made in the admin" in said
    assert "canary" not in said
    assert read()[1]["providers/openai-2/keys/imported/secret"] == "sk-canary-one"


def test_importing_twice_changes_nothing_and_a_dry_run_never_does(imported: Import) -> None:
    before, count = read(), ConfigRevision.objects.count()
    assert "to change, nothing was written." in imported(NAME, FILE, "--dry-run")
    assert (read(), ConfigRevision.objects.count()) == (before, count)
    imported(NAME, FILE)
    before, count = read(), ConfigRevision.objects.count()
    assert imported(NAME, FILE).endswith("Nothing to change.\n")
    assert (read(), ConfigRevision.objects.count()) == (before, count)


def test_limits_timeouts_and_retries_become_the_endpoints(imported: Import) -> None:
    limits = {"rpm": 60, "tpm": 1000, "timeout": 300, "stream_timeout": 60, "max_retries": 20}
    imported(NAME, said_of(row("openai/gpt-4o", **limits)))
    assert endpoints()[0] == {
        "provider": "openai",
        "upstream_model": "gpt-4o",
        "headers_timeout": 300.0,
        "first_content_timeout": 60.0,
        "idle_timeout": 60.0,
        "retries": 10,
        "limit_requests": 60,
        "limit_tokens": 1000,
    }


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings"])
def test_settings_for_all_count_where_a_row_says_nothing(imported: Import, section: str) -> None:
    settings = {"num_retries": 3, "allowed_fails": 3, "cooldown_time": 30}
    settings["timeout" if section == "router_settings" else "request_timeout"] = 20
    imported(
        NAME, said_of(row("openai/gpt-4o"), row("openai/gpt-4o-mini", timeout=40, num_retries=0), **{section: settings})
    )
    one, other = endpoints()
    shared = {"circuit_failures": 4, "circuit_pause": 30.0, "circuit_pause_max": 30.0}
    assert one == {"provider": "openai", "upstream_model": "gpt-4o", "retries": 3,
                   "headers_timeout": 20.0, "first_content_timeout": 20.0, "idle_timeout": 20.0, **shared}  # fmt: skip
    assert (other["headers_timeout"], other["retries"]) == (40.0, 0)


@pytest.mark.parametrize(
    ("model", "params", "kind", "base_url", "sent"),
    [
        ("gpt-4o", {}, "openai", "https://api.openai.com/v1", "gpt-4o"),
        ("claude-3-haiku-20240307", {}, "anthropic", "https://api.anthropic.com", "claude-3-haiku-20240307"),
        ("text-completion-openai/davinci-002", {}, "openai", "https://api.openai.com/v1", "davinci-002"),
        ("gemini/gemini-pro", {}, "google", "https://generativelanguage.googleapis.com/v1beta", "gemini-pro"),
        ("cohere_chat/command-r", {}, "cohere", "https://api.cohere.com", "command-r"),
        ("dashscope/qwen-max", {}, "qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen-max"),
        ("openrouter/a/b", {}, "openrouter", "https://openrouter.ai/api/v1", "a/b"),
        ("groq/llama-3.3-70b", {}, "openai-compatible", "https://api.groq.com/openai/v1", "llama-3.3-70b"),
        ("ollama_chat/llama3", {"api_base": "http://localhost:11434"}, "ollama", "http://localhost:11434/v1", "llama3"),
        ("hosted_vllm/meta/l", {"api_base": "http://gpu:8000"}, "vllm", "http://gpu:8000/v1", "meta/l"),
        ("openai/a/b", {"api_base": "http://gpu:8000/v1/"}, "openai-compatible", "http://gpu:8000/v1", "a/b"),
        ("a/b", {"custom_llm_provider": "openai", "api_base": GPU}, "openai-compatible", GPU, "a/b"),
        ("mine", {"api_base": "http://gpu:2/v1"}, "openai-compatible", "http://gpu:2/v1", "mine"),
    ],
)  # fmt: skip
def test_each_vendor_is_found_by_the_word_before_the_slash(
    imported: Import, model: str, params: dict[str, Any], kind: str, base_url: str, sent: str
) -> None:
    imported(NAME, said_of(row(model, **params)))
    assert (provider()["kind"], provider()["base_url"], endpoints()[0]["upstream_model"]) == (kind, base_url, sent)


@pytest.mark.parametrize(
    "model", ["bedrock/anthropic.claude", "vertex_ai/gemini-pro", "sagemaker/x", "huggingface/x/y", "strange-model"]
)
def test_a_deployment_that_is_not_spoken_here_is_left_out_and_the_rest_is_taken(imported: Import, model: str) -> None:
    said = imported(NAME, said_of(row(model), row(model, "alone"), row("openai/gpt-4o")))
    assert "known here: this deployment is left out" in said or "not spoken here: this deployment is left out" in said
    assert "model_list/1: no deployment of this group is left: there is no such model here" in said
    assert [one["upstream_model"] for one in endpoints()] == ["gpt-4o"]
    assert "alone" not in serialize()["models"]


def test_a_server_of_ones_own_without_an_address_is_left_out(imported: Import) -> None:
    said = imported(NAME, said_of(row("hosted_vllm/x"), row("openai/gpt-4o", "y")))
    assert "litellm_params/api_base: is missing; a hosted_vllm deployment is a server of your own: left out" in said


def test_keys_come_from_the_file_its_variables_its_credentials_or_the_vendors_variable(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply({"version": 1}, "test", "test")
    rows = (
        row("openai/a", "literal", api_key="sk-literal"),
        row("openai/a", "variable", api_key="os.environ/MY_KEY"),
        row("openai/a", "said", api_key="os.environ/SAID_KEY"),
        row("openai/a", "credential", litellm_credential_name="team"),
        row("xai/a", "usual"),
    )
    credentials = [{"credential_name": "team", "credential_values": {"api_key": "sk-team"}, "credential_info": {}}]
    said = imported(NAME, said_of(*rows, credential_list=credentials, environment_variables={"SAID_KEY": "sk-said"}))
    secrets = read()[1]
    keys = {name: (endpoints(name)[0]["provider"], provider(name)["keys"]) for name in
            ("literal", "variable", "said", "credential", "usual")}  # fmt: skip
    assert keys["variable"][1] == [{"label": "imported", "env": "MY_KEY"}]
    assert keys["usual"][1] == [{"label": "imported", "env": "XAI_API_KEY"}]
    for name, secret in {"literal": "sk-literal", "said": "sk-said", "credential": "sk-team"}.items():
        assert secrets[f"providers/{keys[name][0]}/keys/imported/secret"] == secret
        assert secret not in said
    assert len({account for account, _keys in keys.values()}) == 5


def test_a_key_for_the_vendor_is_not_sent_to_another_server(imported: Import) -> None:
    imported(NAME, said_of(row("openai/x", api_base="http://gpu:8000/v1")))
    assert provider() == {"kind": "openai-compatible", "base_url": "http://gpu:8000/v1", "keyless": True}


def test_headers_and_organisations_are_accounts_of_their_own_and_secret(imported: Import) -> None:
    headers = {"extra_headers": {"X-Team": "canary-team"}, "organization": "org-canary", "api_key": "sk-1"}
    file = said_of(row("openai/gpt-4o", **headers), row("openai/gpt-4o", "y", api_key="sk-1"))
    said = imported(NAME, file)
    assert "canary" not in said
    assert provider()["headers"] == [
        {"name": "OpenAI-Organization", "secret": True},
        {"name": "X-Team", "secret": True},
    ]
    stored = read()[1]
    assert stored[f"providers/{endpoints()[0]['provider']}/headers/X-Team/value"] == "canary-team"
    assert "headers" not in provider("y")
    assert imported(NAME, file).endswith("Nothing to change.\n")


def test_what_is_said_of_a_model_becomes_its_type_limits_capabilities_and_price(imported: Import) -> None:
    info = {"mode": "embedding", "max_input_tokens": 8191, "input_cost_per_token": "2e-08", "supports_vision": True}
    file = said_of(row("openai/new-model", model_info=info, output_cost_per_token=0.0))
    imported(NAME, file)
    assert serialize()["models"]["x"]["type"] == "text-embeddings-inference"
    assert provider()["models"]["new-model"] == {
        "type": "text-embeddings-inference",
        "max_input_tokens": 8191,
        "capabilities": ["vision"],
        "prices": [{"input": "0.02", "output": "0", "source": "LiteLLM configuration"}],
    }
    assert imported(NAME, file).endswith("Nothing to change.\n")


def test_a_price_that_changed_begins_now_and_the_old_one_stays(imported: Import) -> None:
    for cost in (1e-6, 2e-6):
        imported(NAME, said_of(row("openai/new-model", model_info={"input_cost_per_token": cost})))
    old, new = provider()["models"]["new-model"]["prices"]
    assert (old["input"], new["input"]) == ("1", "2")
    assert "valid_from" not in old
    assert "valid_from" in new


def test_other_modes_of_model_are_left_out(imported: Import) -> None:
    said = imported(NAME, said_of(row("openai/dall-e-3", model_info={"mode": "image_generation"})))
    assert "model_list/0/model_info/mode: models of this mode have no place here, left out; known: chat" in said


def test_names_for_any_model_need_no_row_but_their_account_is_made(imported: Import) -> None:
    apply({"version": 1}, "test", "test")
    said = imported(NAME, said_of(row("*", "*"), row("openai/*", "openai/*", api_key="sk-1"), row("openai/*", "my-*")))
    assert "model_list/0/litellm_params/model: needs no row here: callers write a provider's name, a slash" in said
    assert "model_list/1/litellm_params/model: needs no row here: callers write openai/ and any model" in said
    assert "model_list/2/litellm_params/model: WARNING: a pattern of names has no place here" in said
    assert Provider.objects.get().name == "openai"
    assert "models" not in serialize()


def test_a_keys_variable_that_is_not_set_is_noted_once(imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "sk-1")
    rows = (row("openai/a", api_key="os.environ/UNSET"), row("xai/b", api_key="os.environ/UNSET"))
    said = imported(NAME, said_of(*rows, row("cohere/c", api_key="os.environ/SET")))
    note = "litellm_params/api_key: UNSET is not set here: the provider has no key until it is\n"
    assert f"! {NAME}, model_list/0/{note}" in said
    assert said.count("is not set here") == 1


def test_a_row_for_every_name_passes_the_name_on(imported: Import) -> None:
    imported(NAME, said_of(row("openai/*", "*", api_base="http://gpu:8000/v1")))
    assert endpoints("*")[0]["upstream_model"] == "*"


def test_the_same_place_twice_is_one_endpoint_and_said_so(imported: Import) -> None:
    said = imported(NAME, said_of(row("openai/gpt-4o", rpm=1), row("openai/gpt-4o", "y", rpm=2)))
    assert "model_list/1: is the same place as model_list/0: one endpoint, with the settings said last" in said
    assert endpoints()[0]["limit_requests"] == 2


def test_a_reference_to_a_variable_without_a_value_is_named(refused: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    said = refused(NAME, said_of(row("openai/x", api_base="os.environ/NOWHERE")))
    assert "litellm_params/api_base: the environment variable NOWHERE is not set" in said


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (said_of({"model_name": "x"}), "model_list/0/litellm_params/model: is missing"),
        (said_of({"litellm_params": {"model": "openai/x"}}), "model_list/0/model_name: is missing"),
        (said_of(row("openai/x", rpm="many")), "litellm_params/rpm: expected a number from 0 to"),
        (said_of(row("openai/x", rpm=1.5)), "litellm_params/rpm: expected a whole number of at most"),
        (said_of(row("openai/x", api_base="gpu")), "litellm_params/api_base: Expected an absolute URL"),
        (said_of(row("openai/x", api_key=[1])), "litellm_params/api_key: expected text, not a list"),
        (said_of(row("openai/x", timeout=0)), "model_list/0/litellm_params/headers_timeout: Ensure this value is"),
        (said_of(row("openai/x", litellm_credential_name="t")), "credential_name: there is no such credential"),
        (said_of(row("openai/x", "auto")), "config.yaml, model_list/0: 'auto' is reserved for the router"),
        (said_of(row("openai/x", "code")), "config.yaml, model_list/0: 'code' is already the name of a"),
        ("model_list: 5", "config.yaml, model_list: expected a list, not a number"),
        ("model_list: [5]", "config.yaml, model_list/0: expected a mapping, not a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_path_and_nothing_is_changed(refused: Import, file: str, expected: str) -> None:
    assert expected in refused(NAME, file)


def test_the_worked_example_of_the_guide_prints_what_the_guide_shows(imported: Import) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "importing.md").read_text()
    file, printed = (
        textwrap.dedent(guide.partition(start)[2].lstrip("\n").split("\n\n")[0])
        for start in ("For this file\n", "the dry run prints\n")
    )
    assert imported("litellm.yaml", file, "--dry-run").strip() == printed.strip()
