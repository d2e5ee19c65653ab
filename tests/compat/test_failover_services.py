"""The failover router's variables in the gateway's environment: services answer by priority and within limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from routing.config import dotenv
from tests.compat.shell import run_shell
from tests.importers import blocks
from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard, completion, reply
from tests.upstream import Behaviour

pytestmark = pytest.mark.gateway

DOWN = reply({"error": {"message": "down"}}, status=500)
EIGHT_REQUESTS = """
for i in {1..8}; do
  curl -s -X POST "http://localhost:8000/v1/chat/completions" \\
    -H "Content-Type: application/json" \\
    -d '{
      "model": "llama3.1-8b",
      "messages": [{"role": "user", "content": "Test '$i'"}],
      "max_tokens": 5
    }' | jq '.error.message // "Success"'
done
"""


@pytest.fixture
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        yield made


def at_board(board: Switchboard, block: str) -> dict[str, str]:
    """The block's variables; each service asks the switchboard under its own name."""
    said = dotenv.parse(block, ".env")
    services = json.loads(said["ROUTER_SERVICES"])
    moved = [service | {"base_url": board.base_url(service["name"])} for service in services]
    return said | {"ROUTER_SERVICES": json.dumps(moved)}


def answering(name: str) -> Behaviour:
    return reply(completion(name))


def ask(gateway: RunningGateway, model: str = "llama3.1-8b") -> tuple[int, str]:
    """(status, who answered or what was said)."""
    status, _headers, raw = gateway.post({"model": model, "messages": [{"role": "user", "content": "Test"}]})
    answer = json.loads(raw)
    return status, answer["choices"][0]["message"]["content"] if status == 200 else answer["error"]["message"]


def test_eight_requests_use_both_limits_up_and_then_all_services_are_rate_limited(
    board: Switchboard, tmp_path: Path
) -> None:
    for name in ("test-cerebras", "test-backup"):
        board.plug(name, answering(name))
    variables = at_board(board, blocks.TESTING)
    with running_gateway(tmp_path, workers=3, GATEWAY_AUTH="off", **variables) as gateway:
        said = run_shell(EIGHT_REQUESTS, gateway.url).splitlines()
        assert said == ['"Success"'] * 5 + ['"All configured services are rate limited"'] * 3
        assert (len(board.seen("test-cerebras")), len(board.seen("test-backup"))) == (3, 2)
        assert {request.headers["authorization"] for request in board.requests} == {"Bearer your_key"}
        assert {request.json["model"] for request in board.requests} == {"llama3.1-8b"}
        assert ask(gateway) == (429, "All configured services are rate limited")


def test_services_answer_by_priority_each_with_its_own_key(board: Switchboard, tmp_path: Path) -> None:
    variables = at_board(board, blocks.LOCAL_CEREBRAS_AND_OPENAI)
    names = ("ollama", "cerebras-backup", "openai-emergency")
    for name in names:
        board.plug(name, answering(name))
    with running_gateway(tmp_path, workers=3, **variables) as gateway:
        assert ask(gateway) == (200, "ollama")
        board.plug("ollama", DOWN)
        assert ask(gateway) == (200, "cerebras-backup")
        board.plug("cerebras-backup", DOWN)
        assert ask(gateway, "whatever-it-is") == (200, "openai-emergency")
        assert {request.json["model"] for request in board.seen("openai-emergency")} == {"whatever-it-is"}
        board.plug("openai-emergency", DOWN)
        assert ask(gateway) == (503, "All configured services are unavailable")
    keys = [board.seen(name)[0].headers.get("authorization") for name in names]
    assert keys == [None, "Bearer your_cerebras_key", "Bearer sk-your_openai_key"]


def test_one_vendor_with_two_keys_fails_over_from_the_first_key_to_the_second(
    board: Switchboard, tmp_path: Path
) -> None:
    variables = at_board(board, blocks.SEVERAL_ACCOUNTS)
    board.plug("cerebras-primary", reply({"error": {"message": "Unauthorized"}}, status=401))
    board.plug("cerebras-secondary", answering("cerebras-secondary"))
    with running_gateway(tmp_path, workers=3, **variables) as gateway:
        assert ask(gateway) == (200, "cerebras-secondary")
    sent = [request.headers["authorization"] for request in board.requests]
    assert sent == ["Bearer key1", "Bearer key2"]


def test_the_simplified_form_fails_over_between_the_vendors_whose_keys_are_there(
    board: Switchboard, tmp_path: Path
) -> None:
    board.plug("cerebras", DOWN)
    board.plug("openai", answering("openai"))
    moved = {
        name: {
            "kind": name,
            "base_url": board.base_url(name),
            "keys": [{"label": "default", "env": f"{name.upper()}_API_KEY"}],
        }
        for name in ("cerebras", "openai")
    }
    variables = dotenv.parse(blocks.AUTO_FAILOVER, ".env")
    config = yaml.safe_dump({"version": 1, "providers": moved})
    with running_gateway(tmp_path, config, workers=3, **variables) as gateway:
        assert ask(gateway) == (200, "openai")
        assert {request.headers["authorization"] for request in board.seen("cerebras")} == {"Bearer your_cerebras_key"}
        root = json.loads(gateway.get("/")[2])
        assert (root["mode"], root["primary_backend"]) == ("router", "cerebras")
        assert [service["name"] for service in root["services"]][:2] == ["cerebras", "openai"]


def test_use_router_false_leaves_one_service_and_nothing_to_fail_over_to(board: Switchboard, tmp_path: Path) -> None:
    variables = at_board(board, blocks.CEREBRAS_AND_OPENAI) | {"USE_ROUTER": "false", "BACKEND_TYPE": "openai"}
    board.plug("primary-cerebras", answering("primary-cerebras"))
    board.plug("fallback-openai", answering("fallback-openai"))
    with running_gateway(tmp_path, workers=2, **variables) as gateway:
        assert ask(gateway) == (200, "fallback-openai")
        root = json.loads(gateway.get("/")[2])
        assert (root["mode"], root["backend"]) == ("single_service", "openai")
        board.plug("fallback-openai", DOWN)
        assert ask(gateway)[0] == 503
    assert board.seen("primary-cerebras") == []
