"""The failover router's services: every example of its document as written, and what people make of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from routing.config import dotenv
from routing.config.serialize import secrets, serialize
from tests.importers import blocks

pytestmark = pytest.mark.django_db

Import = Callable[..., str]
ONE = {"name": "one", "backend_type": "openai", "api_key": "sk-one-0123456789", "base_url": "https://one.example/v1"}
TWO = {"name": "two", "backend_type": "vllm", "base_url": "http://two.internal:8000", "priority": 1}


def services() -> list[tuple[str, str, str, int]]:
    """(endpoint, kind, base URL, priority) of the entries of ``*``, all of which pass the caller's model name on."""
    document = serialize()
    assert document["models"]["*"]["strategy"] == "priority"
    found = []
    for entry in document["models"]["*"]["entries"]:
        row = document["endpoints"][entry["endpoint"]]
        assert row["upstream_model"] == "*"
        provider = document["providers"][row["provider"]]
        found.append((entry["endpoint"], provider["kind"], provider["base_url"], entry.get("priority", 0)))
    return found


def key_of(service: str) -> str:
    return secrets()[f"providers/{service}/keys/imported/secret"]


def limits(service: str) -> tuple[int | None, float | None, float | None]:
    """(requests, window, timeout) of a service's endpoint."""
    row = serialize()["endpoints"][service]
    assert row.get("headers_timeout") == row.get("first_content_timeout") == row.get("idle_timeout")
    assert "total_timeout" not in row
    return row.get("limit_requests"), row.get("limit_window"), row.get("headers_timeout")


CEREBRAS, OPENAI = "https://api.cerebras.ai/v1", "https://api.openai.com/v1"


def test_example_1_cerebras_with_openai_behind(imported: Import) -> None:
    said = imported(".env", blocks.CEREBRAS_AND_OPENAI)
    assert services() == [("primary-cerebras", "cerebras", CEREBRAS, 0), ("fallback-openai", "openai", OPENAI, 1)]
    assert (key_of("primary-cerebras"), key_of("fallback-openai")) == ("your_cerebras_key", "sk-your_openai_key")
    assert (limits("primary-cerebras"), limits("fallback-openai")) == ((100, 60, 60), (50, 60, 30))
    assert "your_" not in said
    assert imported(".env", blocks.CEREBRAS_AND_OPENAI) == "Nothing to change.\n"


def test_example_2_a_local_server_first(imported: Import) -> None:
    imported(".env", blocks.LOCAL_CEREBRAS_AND_OPENAI)
    assert services() == [
        ("ollama", "ollama", "http://localhost:8080/v1", 0),
        ("cerebras-backup", "cerebras", CEREBRAS, 1),
        ("openai-emergency", "openai", OPENAI, 2),
    ]
    local = serialize()["providers"]["ollama"]
    assert (local["keyless"], local.get("enabled", True), "keys" in local) == (True, True, False)
    assert [limits(name)[2] for name in ("ollama", "cerebras-backup", "openai-emergency")] == [120, 60, 30]
    assert imported(".env", blocks.LOCAL_CEREBRAS_AND_OPENAI) == "Nothing to change.\n"


def test_example_3_the_simplified_form_makes_services_of_the_vendors(imported: Import) -> None:
    imported(".env", blocks.AUTO_FAILOVER)
    assert services() == [("cerebras", "cerebras", CEREBRAS, 0), ("openai", "openai", OPENAI, 1)]
    stored = secrets()
    assert stored["providers/cerebras/keys/imported-cerebras-api-key/secret"] == "your_cerebras_key"
    assert stored["providers/openai/keys/imported-openai-api-key/secret"] == "sk-your_openai_key"
    assert imported(".env", blocks.AUTO_FAILOVER) == "Nothing to change.\n"


def test_the_example_for_trying_rate_limits(imported: Import) -> None:
    imported(".env", blocks.TESTING)
    assert services() == [("test-cerebras", "cerebras", CEREBRAS, 0), ("test-backup", "cerebras", CEREBRAS, 1)]
    assert (limits("test-cerebras"), limits("test-backup")) == ((3, 30, 60), (2, 20, 30))
    assert key_of("test-cerebras") == key_of("test-backup") == "your_key"


def test_the_example_of_timeouts(imported: Import) -> None:
    imported(".env", blocks.TIMEOUTS)
    assert (limits("fast-service"), limits("slow-reliable")) == ((500, 60, 15), (100, 60, 90))


def test_the_example_of_one_vendor_with_two_keys(imported: Import) -> None:
    imported(".env", blocks.SEVERAL_ACCOUNTS)
    assert [(name, url) for name, _kind, url, _rank in services()] == [
        ("cerebras-primary", CEREBRAS),
        ("cerebras-secondary", CEREBRAS),
    ]
    assert (key_of("cerebras-primary"), key_of("cerebras-secondary")) == ("key1", "key2")
    assert limits("cerebras-primary") == (None, None, None)


@pytest.mark.parametrize("lines", [blocks.PRODUCTION_LIMITS, blocks.STRICT_LIMITS, blocks.TESTING_LIMITS])
def test_the_recommended_limits_stand_as_they_are_recommended(imported: Import, lines: str) -> None:
    said = json.loads(f"{{{lines}}}")
    imported("services.json", [ONE | said])
    assert limits("one")[:2] == (said["rate_limit_requests"], said["rate_limit_window"])


def test_the_list_alone_is_a_file_too(imported: Import) -> None:
    listed = dotenv.parse(blocks.CEREBRAS_AND_OPENAI, ".env")["ROUTER_SERVICES"]
    imported("services.json", listed)
    assert [name for name, *_rest in services()] == ["primary-cerebras", "fallback-openai"]
    assert imported(".env", blocks.CEREBRAS_AND_OPENAI) == "Nothing to change.\n"


def test_what_a_service_does_not_say_is_the_vendors_own(imported: Import) -> None:
    imported("services.json", [{"backend_type": "mistral"}, {"backend_type": "Cerebras", "name": "Mi Servicio"}, TWO])
    assert services() == [
        ("mistral", "mistral", "https://api.mistral.ai/v1", 0),
        ("Mi Servicio", "cerebras", CEREBRAS, 0),
        ("two", "vllm", "http://two.internal:8000/v1", 1),
    ]
    providers = serialize()["providers"]
    assert [key["env"] for key in providers["Mi-Servicio"]["keys"]] == ["CEREBRAS_API_KEY"]
    assert providers["two"]["keyless"] is True


def test_a_key_may_be_named_by_its_variable(imported: Import) -> None:
    imported("services.json", [ONE | {"api_key": "${MY_OPENAI_KEY}"}])
    assert serialize()["providers"]["one"]["keys"] == [{"label": "imported", "env": "MY_OPENAI_KEY"}]


def test_a_service_named_like_a_vendor_in_use_has_an_account_of_its_own(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-gateway-itself")
    before = serialize()["providers"]["openai"]
    said = [{"name": "openai", "backend_type": "openai", "api_key": "sk-of-the-service"}]
    imported("services.json", said)
    assert serialize()["endpoints"]["openai"]["provider"] == "openai-2"
    assert key_of("openai-2") == "sk-of-the-service"
    assert serialize()["providers"]["openai"] == before
    assert imported("services.json", said) == "Nothing to change.\n"


def test_a_changed_list_is_followed_and_nothing_of_the_old_one_is_left(imported: Import) -> None:
    imported("services.json", [ONE | {"rate_limit_requests": 5, "timeout": 3}, TWO])
    changed = ONE | {"api_key": "sk-new-0123456789", "base_url": "https://new.example/v1", "backend_type": "mistral"}
    imported("services.json", [changed])
    document = serialize()
    assert services() == [("one", "mistral", "https://new.example/v1", 0)]
    assert limits("one") == (None, None, None)
    assert key_of("one") == "sk-new-0123456789"
    assert "two" not in document["providers"] | document["endpoints"]


def test_a_service_that_another_list_uses_stays(imported: Import) -> None:
    imported("services.json", [ONE, TWO])
    document = serialize()
    document["models"]["mine"] = {"entries": [{"endpoint": "two"}]}
    imported("gateway.json", document)
    imported("services.json", [ONE])
    assert [name for name, *_rest in services()] == ["one"]
    assert "two" in serialize()["endpoints"]


@pytest.mark.parametrize(
    ("variables", "enabled"),
    [
        ("USE_ROUTER=true\n", ["primary-cerebras", "fallback-openai"]),
        ("", ["primary-cerebras", "fallback-openai"]),
        ("USE_ROUTER=false\n", ["primary-cerebras"]),
        ("USE_ROUTER=False\nBACKEND_TYPE=openai\n", ["fallback-openai"]),
        ("USE_ROUTER=false\nBACKEND_TYPE=mistral\n", ["primary-cerebras"]),
    ],
)
def test_use_router_false_leaves_one_service_in_use(imported: Import, variables: str, enabled: list[str]) -> None:
    listed = blocks.CEREBRAS_AND_OPENAI.replace("USE_ROUTER=true\n", "")
    imported(".env", variables + listed)
    rows = serialize()["endpoints"]
    assert [name for name, *_rest in services() if rows[name].get("enabled", True)] == enabled
    imported(".env", listed)
    assert all(serialize()["endpoints"][name].get("enabled", True) for name, *_rest in services())


def test_the_simplified_form_takes_the_others_in_their_providers_order(imported: Import) -> None:
    keys = "XAI_API_KEY=x\nOPENAI_API_KEY=o\nMISTRAL_API_KEY=m\nOLLAMA_BASE_URL=http://box:11434\n"
    imported(".env", keys + "BACKEND_TYPE=mistral\n")
    assert [name for name, *_rest in services()] == ["mistral", "openai", "xai", "ollama"]
    imported(".env", keys + "USE_ROUTER=true\n")
    assert [name for name, *_rest in services()] == ["openai", "mistral", "xai", "ollama"]


def test_a_backend_without_a_key_is_first_and_its_lack_is_told(imported: Import) -> None:
    said = imported(".env", "OPENAI_API_KEY=o\nBACKEND_TYPE=cerebras\n")
    assert [name for name, *_rest in services()] == ["cerebras", "openai"]
    assert "! .env, BACKEND_TYPE: no key is there for cerebras: it waits for CEREBRAS_API_KEY" in said


def test_a_local_backend_alone_needs_nothing_else(imported: Import) -> None:
    imported(".env", "BACKEND_TYPE=ollama\n")
    assert services() == [("ollama", "ollama", "http://localhost:11434/v1", 0)]
    assert serialize()["providers"]["ollama"].get("enabled", True)


def test_what_is_not_understood_is_named(imported: Import) -> None:
    said = imported("services.json", [ONE | {"color": "red"}, TWO | {"rate_limit_window": 5}])
    assert "! services.json, 0: not understood, and left out: 'color'" in said
    assert "! services.json, 1/rate_limit_window: limits nothing without rate_limit_requests" in said


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([ONE, ONE], "1/name: a second service 'one'"),
        ([ONE, 7], "1: expected an object"),
        ([ONE | {"backend_type": "gpt"}], "0/backend_type: expected one of openai, "),
        ([{"name": "x", "api_key": "k"}], "0/backend_type: expected one of openai, "),
        ([ONE | {"api_key": 12345678}], "0/api_key: expected text"),
        ([ONE | {"base_url": "one.example"}], "0/base_url: expected a URL such as"),
        ([{"backend_type": "openai-compatible"}], "0/base_url: expected a URL such as"),
        ([ONE | {"timeout": "60"}], "0/timeout: expected seconds, from 0.05 to 86400, not '60'"),
        ([ONE | {"timeout": 0}], "0/timeout: expected seconds"),
        ([ONE | {"priority": "first"}], "0/priority: expected a whole number, not 'first'"),
        ([ONE | {"rate_limit_requests": 0}], "0/rate_limit_requests: expected a whole number from 1, not 0"),
        ([ONE | {"rate_limit_requests": 2.5}], "0/rate_limit_requests: expected a whole number from 1"),
        ([ONE | {"rate_limit_requests": 5, "rate_limit_window": True}], "0/rate_limit_window: expected seconds"),
        ([ONE | {"name": " a\tb"}], "0: 1 to 200 characters, no control characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_and_nothing_changes(
    refused: Import, services: Any, expected: str
) -> None:
    assert f"services.json, {expected}" in refused("services.json", services)
    said = refused(".env", f"ROUTER_SERVICES='{json.dumps(services)}'\n")
    assert f".env, ROUTER_SERVICES/{expected}" in said
    assert "sk-one" not in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (blocks.TESTING[:400], "ROUTER_SERVICES begins with ' but no line ends with it."),
        (blocks.TESTING.replace('"timeout": 60,', '"timeout": 60'), ".env, ROUTER_SERVICES, line 8: not JSON"),
        ("ROUTER_SERVICES={}\n", ".env, ROUTER_SERVICES: expected a list of 1 to 1000 services"),
        ("ROUTER_SERVICES=[]\n", ".env, ROUTER_SERVICES: expected a list of 1 to 1000 services"),
        ("USE_ROUTER=perhaps\n", ".env, USE_ROUTER: expected true or false"),
        ("BACKEND_TYPE=gpt\n", ".env, BACKEND_TYPE: expected one of openai, "),
    ],
)
def test_a_variable_that_is_wrong_is_named(refused: Import, text: str, expected: str) -> None:
    said = refused(".env", text)
    assert expected in said
    assert "your_key" not in said
