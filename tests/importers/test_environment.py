"""``.env`` files of the earlier systems, and the gateway's own environment, imported."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from providers.kinds import KINDS
from routing.config import dotenv
from routing.config.importers import environment, import_sources
from routing.config.importers.source import Source
from routing.config.serialize import secrets, serialize
from tests.importers import blocks
from tests.start.test_papers import settings_read

pytestmark = pytest.mark.django_db

Import = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*environment.ACTED_ON, *environment.VENDORS):
        monkeypatch.delenv(name, raising=False)


def test_the_category_routers_file(imported: Import) -> None:
    imported(".env", blocks.CATEGORY_ROUTER)
    assert secrets() == {
        "providers/openrouter/keys/imported-openrouter-api-key/secret": "sk-or-v1-votre-cle",
        "providers/openai/keys/imported-openai-api-key/secret": "sk-votre-cle-openai",
        "providers/anthropic/keys/imported-anthropic-api-key/secret": "sk-ant-votre-cle",
        "providers/google/keys/imported-google-api-key/secret": "votre-cle-google",
    }
    ollama = serialize()["providers"]["ollama"]
    assert (ollama["base_url"], ollama.get("enabled", True)) == ("http://localhost:11434/v1", True)
    assert "*" not in serialize().get("models", {})
    assert imported(".env", blocks.CATEGORY_ROUTER) == "Nothing to change.\n"


def test_the_llm_api_gateways_file(imported: Import) -> None:
    said = imported(".env", blocks.LLM_API_GATEWAY)
    given = dotenv.parse(blocks.LLM_API_GATEWAY, ".env")
    assert len(secrets()) == len(given) == 11
    assert sorted(secrets().values()) == sorted(given.values())
    assert "xxxx" not in said


def test_the_ovhcloud_proxys_file(imported: Import) -> None:
    imported(".env", blocks.OVHCLOUD_PROXY)
    assert secrets() == {"providers/ovhcloud/keys/imported-ovh-token-endpoint/secret": "votre_token_ovh"}


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("http://gpu.internal:11434", "http://gpu.internal:11434/v1"),
        ("http://gpu.internal:11434/v1", "http://gpu.internal:11434/v1"),
        ("http://gpu.internal/ollama/v1/", "http://gpu.internal/ollama/v1"),
    ],
)
def test_ollama_is_pointed_at_with_and_without_its_path(imported: Import, said: str, stored: str) -> None:
    imported(".env", f"OLLAMA_BASE_URL={said}\n")
    assert serialize()["providers"]["ollama"]["base_url"] == stored


def test_a_key_that_the_gateway_has_itself_needs_nothing(imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-votre-cle-openai")
    assert imported(".env", "OPENAI_API_KEY=sk-votre-cle-openai\n") == "Nothing to change.\n"


def test_another_key_than_the_gateways_own_is_stored_and_that_is_told(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-gateway")
    said = imported(".env", "OPENAI_API_KEY=sk-of-the-old-router\n")
    assert "! .env, OPENAI_API_KEY: stored, but this gateway's own environment has another key" in said
    assert list(secrets().values()) == ["sk-of-the-old-router"]
    assert "sk-of" not in said


def test_two_names_of_one_key_store_it_once(imported: Import) -> None:
    imported(".env", "GOOGLE_API_KEY=same\nGEMINI_API_KEY=same\n")
    assert len(secrets()) == 1
    imported(".env", "GOOGLE_API_KEY=same\nGEMINI_API_KEY=another\n")
    assert sorted(secrets().values()) == ["another", "same"]


def test_our_own_settings_and_unknown_names_are_named_without_their_values(imported: Import) -> None:
    said = imported(".env", "PORT=3456\nGATEWAY_API_KEY=s3cret-1\nMY_TOKEN=s3cret-2\nexport OTHER='s3cret-3'\n")
    assert "! .env: belongs into this gateway's own .env, and is left out: PORT, GATEWAY_API_KEY\n" in said
    assert "! .env: not understood, and left out: MY_TOKEN, OTHER\n" in said
    assert "s3cret" not in said
    assert said.endswith("Nothing to change.\n")


def test_every_setting_of_the_gateway_is_known_as_its_own() -> None:
    others = {variable for kind in KINDS.values() for variable in kind.env_vars} | set(environment.ACTED_ON)
    unknown = {name for name in settings_read() - others if not name.startswith("GATEWAY_")} - environment.OWN
    assert unknown == set()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"OPENAI_API_KEY=a\nwhat is this s3cret\n", ".env, line 2: expected NAME=value"),
        (b'OPENAI_API_KEY="s3cret\n', "OPENAI_API_KEY begins with \" but no line ends with it"),
        (b"OPENAI_API_KEY=a\nX=\xff\xfe\n", ".env, line 2: expected UTF-8 text"),
        (b"OLLAMA_BASE_URL=gpu:11434\n", ".env, OLLAMA_BASE_URL: expected a URL such as"),
        (b"OPENAI_API_KEY=a\n#" + b"x" * 10 * 1024 * 1024, "the file is larger than 10 MB"),
        (b"# nothing but this\n", "not a configuration that is known here"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_in_words(refused: Import, content: bytes, expected: str) -> None:
    said = refused(".env", content)
    assert expected in said
    assert "s3cret" not in said


def test_a_mark_at_the_beginning_and_windows_line_ends_do_no_harm(imported: Import) -> None:
    imported(".env", b"\xef\xbb\xbf" + blocks.TESTING.replace("\n", "\r\n").encode())
    assert [entry["endpoint"] for entry in serialize()["models"]["*"]["entries"]] == ["test-cerebras", "test-backup"]


def test_the_environment_itself_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in dotenv.parse(blocks.AUTO_FAILOVER, ".env").items():
        monkeypatch.setenv(name, value)
    import_sources([environment.of_this_process()], "ada", "test")
    assert [entry["endpoint"] for entry in serialize()["models"]["*"]["entries"]] == ["cerebras", "openai"]
    assert secrets() == {}, "the providers read the variables themselves"


@pytest.mark.parametrize("value", ["plain", "it's", 'a "b" \\n \\ c', "two\nlines\t#", "$HOME ${X} é 日本", "\\'"])
def test_whatever_a_variable_holds_is_read_as_it_stands(value: str) -> None:
    assert dotenv.parse(dotenv.render({"NAME": value}), "x") == {"NAME": value}


def test_blocks_are_recognised_by_what_they_say() -> None:
    assert Source("x", b"# c\n\nexport A=1\n").is_env
    assert not Source("x", b"models:\n- a\n").is_env
    assert not environment.acts(Source("x", b""))
