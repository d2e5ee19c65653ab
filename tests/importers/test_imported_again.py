"""A file of clients that is imported again, with another key or address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from routing.config.serialize import read, serialize

pytestmark = pytest.mark.django_db

Import = Callable[..., str]
ALBERT = """
models:
  - id: chat
    type: text-generation
    clients:
      - {{model: qwen3, type: vllm, args: {{base_url: "{url}", api_key: {key}}}}}
      - {{model: qwen3, type: vllm, args: {{base_url: "http://other:8000/v1", api_key: sk-other}}}}
"""
LITELLM = """
model_list:
  - model_name: chat
    litellm_params: {{model: hosted_vllm/qwen3, api_base: "{url}", api_key: {key}}}
  - model_name: chat
    litellm_params: {{model: hosted_vllm/qwen3, api_base: "http://other:8000/v1", api_key: sk-other}}
"""
URL = "http://gpu:8000/v1"
FILES = pytest.mark.parametrize("file", [ALBERT, LITELLM], ids=["albert", "litellm"])


@FILES
@pytest.mark.parametrize(
    ("url", "key"), [(URL, "sk-second"), ("http://new:8000/v1", "sk-first"), ("http://new:8000/v1", "sk-second")]
)
def test_another_key_or_address_is_a_change_in_place(imported: Import, file: str, url: str, key: str) -> None:
    imported("file.yaml", file.format(url=URL, key="sk-first"))
    before = serialize()
    said = imported("file.yaml", file.format(url=url, key=key))
    after, secrets = read()
    assert {name: set(after[name]) for name in after if isinstance(after[name], dict)} == {
        name: set(before[name]) for name in before if isinstance(before[name], dict)
    }
    assert after["models"] == before["models"]
    assert after["providers"]["vllm-gpu"]["base_url"] == url
    assert secrets["providers/vllm-gpu/keys/imported/secret"] == key
    assert after["providers"]["vllm-other"] == before["providers"]["vllm-other"]
    assert "no longer used" not in said
    assert imported("file.yaml", file.format(url=url, key=key)).endswith("Nothing to change.\n")


@FILES
def test_a_key_that_the_file_no_longer_gives_goes_to_no_new_address(imported: Import, file: str) -> None:
    imported("file.yaml", file.format(url=URL, key="sk-first"))
    imported("file.yaml", file.format(url="http://new:8000/v1", key='""'))
    after, secrets = read()
    provider = after["endpoints"][after["models"]["chat"]["entries"][0]["endpoint"]]["provider"]
    assert after["providers"][provider] == {"kind": "vllm", "base_url": "http://new:8000/v1", "keyless": True}
    assert "sk-first" not in secrets.values()


def test_the_key_that_an_import_gave_to_a_vendors_provider_is_replaced(imported: Import) -> None:
    file = "model_list: [{{model_name: chat, litellm_params: {{model: openai/gpt-4o, api_key: {key}}}}}]"
    imported("config.yaml", file.format(key="sk-first"))
    before = set(serialize()["providers"])
    imported("config.yaml", file.format(key="sk-second"))
    after, secrets = read()
    assert set(after["providers"]) == before
    assert secrets["providers/openai/keys/imported/secret"] == "sk-second"


@FILES
def test_a_provider_that_another_model_uses_stays_as_it_is(imported: Import, file: str) -> None:
    imported("file.yaml", file.format(url=URL, key="sk-first"))
    imported("other.yaml", file.replace("chat", "second").format(url=URL, key="sk-first"))
    imported("file.yaml", file.format(url=URL, key="sk-second"))
    after, secrets = read()
    assert after["models"]["second"]["entries"][0]["endpoint"] == "vllm-gpu/qwen3"
    assert secrets["providers/vllm-gpu/keys/imported/secret"] == "sk-first"
    assert secrets["providers/vllm-gpu-2/keys/imported/secret"] == "sk-second"


@FILES
def test_what_is_no_longer_used_is_noted(imported: Import, file: str) -> None:
    imported("file.yaml", file.format(url=URL, key="sk-first"))
    shorter = "\n".join(line for line in file.splitlines() if "{url}" not in line)
    if file is LITELLM:
        shorter = file.replace(file[file.index("  - model") : file.rindex("  - model")], "")
    said = imported("file.yaml", shorter.format())
    assert "! file.yaml: no longer used: provider vllm-gpu, endpoint vllm-gpu/qwen3" in said
