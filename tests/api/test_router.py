"""``model: router``: what a request is about decides which chain answers, through the real gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
CHAINS = {"tools": "t", "code": "c", "reasoning": "r", "conversation": "v"}


@pytest.fixture(scope="module")
def router(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The shipped endpoints in front, without keys, and behind them one of this test's own for each category."""
    acme = {"kind": "openai-compatible", "base_url": switchboard.base_url("acme"), "keyless": True}
    endpoints = {
        f"spot-{name}": {"provider": "acme", "upstream_model": model, "base_url": switchboard.base_url(name)}
        for name, model in CHAINS.items()
    }
    folder = tmp_path_factory.mktemp("router")
    with running_gateway(folder, yaml.safe_dump({"version": 1, "providers": {"acme": acme}}), workers=1) as gateway:
        document = yaml.safe_load(gateway.manage("export_config"))
        for name in CHAINS:
            document["categories"][name]["entries"].append({"endpoint": f"spot-{name}"})
            switchboard.plug(name, reply(completion(name)))
        document["endpoints"] |= endpoints
        document["categories"]["locked"] = {
            "keywords": ["unlockable"],
            "entries": [{"endpoint": "openai/gpt-4o-mini"}],
        }
        gateway.configure(yaml.safe_dump({name: document[name] for name in ("endpoints", "categories")}))
        generation = gateway.rows("SELECT value FROM routing_configclock")[0]["value"]
        served = "x-gateway-generation"
        wait_for(lambda: int(gateway.get("/v1/models")[1][served]) >= generation, "the new generation")
        yield gateway


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize(
    ("body", "category"),
    [
        (asked("Hi!", model="router", tools=TOOLS), "tools"),
        (asked("Refactor this:\n```python\nx = 1\n```", model="router"), "code"),
        (asked("Écris une fonction récursive en Python", model="auto"), "code"),
        (asked("Demuestra que hay infinitos números primos", model="router/router"), "reasoning"),
        (asked("Write a story about a bug", model="router/auto"), "conversation"),
        (asked("Hi!", model="router/code"), "code"),
        (asked("Refactor this python function", model="reasoning"), "reasoning"),
        (asked("Something unlockable", model="router"), "conversation"),
    ],
)
def test_the_chain_of_what_is_asked_answers(
    router: RunningGateway, switchboard: Switchboard, body: dict[str, Any], category: str
) -> None:
    before = len(switchboard.seen(category))
    status, headers, _answer = router.post(body)
    assert status == 200
    assert (headers["x-gateway-category"], headers["x-gateway-endpoint"]) == (category, f"spot-{category}")
    assert headers["x-gateway-attempts"] == "1"
    assert [request.json["model"] for request in switchboard.seen(category)[before:]] == [CHAINS[category]]


def test_endpoints_without_a_key_are_skipped_and_the_record_says_which_to_set(router: RunningGateway) -> None:
    status, _headers, _body = router.post(asked("Hi!", model="router"), **{"x-request-id": "skips"})
    assert status == 200
    (row,) = router.records(1, "request_id = 'skips'")
    assert (row["requested_model"], row["route"], row["category"]) == ("router", "conversation", "conversation")
    skipped = yaml.safe_load(row["skipped"])
    assert [(skip["endpoint"], skip["code"]) for skip in skipped] == [
        ("openrouter/glm-5", "no_key"),
        ("openai/gpt-4o-mini", "no_key"),
        ("openrouter/kimi-k2.5", "no_key"),
    ]
    assert "OPENROUTER_API_KEY" in skipped[0]["reason"]


def test_a_category_by_name_without_any_key_says_what_to_set(router: RunningGateway) -> None:
    status, headers, body = router.post(asked("Hi!", model="router/locked"))
    assert (status, headers["x-gateway-category"]) == (503, "locked")
    assert b"provider_not_configured" in body
    assert b"OPENAI_API_KEY" in body
