"""Files that nobody here wrote: whose keys they reach for, where those would be sent, and what they would take away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from providers.models import OWN_SECRETS
from routing.config.amend import Draft, amend
from routing.config.document import SecretsWouldMove
from routing.config.importers import import_sources
from routing.config.importers.source import Source
from routing.config.serialize import read

pytestmark = pytest.mark.django_db

Import = Callable[..., str]
OWN_KEY = "sk-of-this-installation"


def entered(change: Callable[[dict[str, Any]], None], **secrets: str) -> None:
    """What an operator made by hand. ``secrets``: stored keys labelled "mine", by provider."""

    def by_hand(draft: Draft) -> None:
        change(draft.document)
        for provider, secret in secrets.items():
            said = draft.section("providers")[provider]
            said["keys"] = [*said.get("keys", []), {"label": "mine", "stored": True}]
            draft.secrets[f"providers/{provider}/keys/mine/secret"] = secret

    amend(by_hand, "operator", "admin", drop_secrets=True)


def provider(name: str) -> dict[str, Any]:
    said: dict[str, Any] = read()[0]["providers"][name]
    return said


def test_a_service_without_a_key_at_another_address_is_not_sent_the_vendors_key(imported: Import) -> None:
    imported("s.json", [{"name": "near", "backend_type": "mistral", "base_url": "http://near.example/v1"}])
    assert "keys" not in provider("near")
    assert provider("near")["keyless"] is True


@pytest.mark.parametrize("key", [{}, {"api_key": "sk-new"}])
def test_a_vendor_that_a_service_takes_elsewhere_leaves_its_keys_behind(imported: Import, key: dict[str, str]) -> None:
    entered(lambda document: document["providers"]["mistral"].update(enabled=False))
    said = {"name": "mistral", "backend_type": "mistral", "base_url": "http://near.example/v1"}
    imported("s.json", [said | key])
    assert provider("mistral")["base_url"] == "http://near.example/v1"
    assert [one["label"] for one in provider("mistral").get("keys", [])] == (["imported"] if key else [])


def test_a_service_that_moves_takes_no_address_of_its_endpoint_along(imported: Import) -> None:
    one = {"name": "one", "backend_type": "openai", "base_url": "http://one.example/v1", "api_key": "sk-one"}
    imported("s.json", [one, one | {"name": "two"}])

    def mirror(document: dict[str, Any]) -> None:
        document["endpoints"]["two"].update(provider="one", base_url="http://mirror.example/v1")
        document["models"]["mine"] = {"entries": [{"endpoint": "two"}]}

    entered(mirror)
    imported("s.json", [one | {"api_key": "sk-changed"}, one | {"name": "two", "api_key": "sk-two"}])
    document, secrets = read()
    for row in document["endpoints"].values():
        if row.get("base_url") == "http://mirror.example/v1":
            assert secrets.get(f"providers/{row['provider']}/keys/imported/secret") != "sk-two"


def test_an_account_with_a_key_entered_by_hand_is_not_taken_away(imported: Import) -> None:
    def by_hand(document: dict[str, Any]) -> None:
        document["providers"]["box"] = {"kind": "openai-compatible", "base_url": "http://box.example/v1"}
        document.setdefault("endpoints", {})["box"] = {"provider": "box", "upstream_model": "*"}
        document.setdefault("models", {})["*"] = {"entries": [{"endpoint": "box"}]}

    entered(by_hand, box=OWN_KEY)
    imported("s.json", [{"name": "other", "backend_type": "openai", "api_key": "sk-other"}])
    assert read()[1]["providers/box/keys/mine/secret"] == OWN_KEY


@pytest.mark.parametrize("name", sorted(OWN_SECRETS))
def test_the_gateways_own_secrets_are_read_for_no_file(
    refused: Import, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "the-gateways-own")
    client = {"model": "m", "type": "vllm", "args": {"base_url": f"http://far.example/${{{name}}}"}}
    model = {"id": "m", "type": "text-generation", "clients": [client]}
    expected = f"models/0/clients/0/args/base_url: the environment variable {name} is the gateway's own"
    assert expected in refused("a.json", {"models": [model]})
    for key in (f"${{{name}}}", f"${name}"):
        said = [{"name": "far", "backend_type": "openai", "base_url": "http://far.example/v1", "api_key": key}]
        assert "This variable is the gateway's own" in refused("s.json", said)
    params = {"model": "openai/m", "api_base": "http://far.example/v1"}
    for more in ({"api_key": f"os.environ/{name}"}, {"extra_headers": {"X-Team": f"os.environ/{name}"}}):
        row = {"model_name": "m", "litellm_params": params | more}
        assert "the gateway's own" in refused("l.json", {"model_list": [row]})


def test_a_key_of_one_file_goes_nowhere_that_our_own_document_after_it_says() -> None:
    document = read()[0]
    document["providers"]["openai"] |= {
        "base_url": "http://far.example/v1",
        "keys": [{"label": "imported-openai-api-key", "stored": True}],
    }
    sources = [Source(".env", b"OPENAI_API_KEY=sk-openai\n"), Source("c.json", _json(document))]
    import_sources(sources, "test", "test")
    assert read()[1] == {}


def test_a_stored_key_follows_no_provider_that_our_own_document_moves_whatever_comes_after_it() -> None:
    entered(lambda document: None, ovhcloud=OWN_KEY)
    document = read()[0]
    document["providers"]["ovhcloud"]["base_url"] = "http://far.example/v1"
    alternatives = _json({"alternative_endpoints": {"m": ["https://near.example/v1"]}})
    sources = [Source("c.json", _json(document)), Source("e.json", alternatives)]
    with pytest.raises(SecretsWouldMove, match=r"providers/ovhcloud/base_url: would send .*keys/mine"):
        import_sources(sources, "test", "test")
    assert read()[1] == {"providers/ovhcloud/keys/mine/secret": OWN_KEY}
    import_sources(sources, "test", "test", drop_secrets=True)
    assert read()[1] == {}


def test_files_of_which_one_takes_away_what_another_brought_are_taken_together(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_bytes(
            _json([{"name": name, "backend_type": "openai", "base_url": f"http://{name}/v1", "api_key": f"sk-{name}"}])
        )
    call_command("import_config", str(tmp_path / "one.json"), str(tmp_path / "two.json"))
    assert read()[1] == {"providers/two/keys/imported/secret": "sk-two"}
    (tmp_path / "two.json").write_text("[")
    with pytest.raises(CommandError, match=r"two\.json, line 1: not JSON"):
        call_command("import_config", str(tmp_path / "one.json"), str(tmp_path / "two.json"))
    assert read()[1] == {"providers/two/keys/imported/secret": "sk-two"}


@pytest.mark.parametrize("line", ["api_key: *{}", "api_key: &{} x, b: *{}", "api_key: {{{{{}}}}}", "api_key: [*{}]"])
def test_a_key_that_yaml_takes_for_something_else_is_not_shown(refused: Import, line: str) -> None:
    said = refused("l.yaml", "model_list: [{litellm_params: {" + line.format("sk-hidden", "sk-hidden-2") + "}}]")
    assert "l.yaml, line 1: " in said or "model_list/0" in said
    assert "hidden" not in said


def test_a_header_whose_name_ends_with_a_line_is_refused(refused: Import) -> None:
    params = {"model": "openai/m", "api_key": "k", "extra_headers": {"X-Team\n": "a"}}
    said = refused("l.json", {"model_list": [{"model_name": "m", "litellm_params": params}]})
    assert "A header name as in RFC 9110" in said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"keywords": [str(number) for number in range(1001)]}, "keywords: At most 1000 texts of at most 200"),
        ({"keywords": ["x" * 201]}, "keywords: At most 1000 texts of at most 200"),
        ({"weights": {str(number): 1 for number in range(1001)}}, "weights: At most 1000 weights"),
    ],
)
def test_keywords_that_every_request_would_be_searched_for_are_bounded(
    refused: Import, said: dict[str, Any], expected: str
) -> None:
    assert f"r.json, categories/c/{expected}" in refused("r.json", {"categories": {"c": said}})


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
