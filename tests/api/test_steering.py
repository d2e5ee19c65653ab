"""What one request may wish of its routing, and that its wishes never reach past what its key may use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.api.limited import HI, new_key
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

PLACES = {"dear": ("alpha", "big", "10"), "fair": ("beta", "mid", "5"), "cheap": ("gamma", "small", "1")}


@pytest.fixture(scope="module")
def steered(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One model over three endpoints of three providers, from dear to cheap; ``secret`` is another one's."""
    providers: dict[str, Any] = {}
    endpoints: dict[str, Any] = {}
    for place, (provider, model, price) in PLACES.items():
        url = switchboard.base_url(place)
        offers = {model: {"prices": [{"input": price, "output": price}]}}
        providers[provider] = {"kind": "openai-compatible", "base_url": url, "keyless": True, "models": offers}
        endpoints[place] = {"provider": provider, "upstream_model": model}
        switchboard.plug(place, reply(completion(place)))
    providers["vault"] = {**providers["alpha"], "base_url": switchboard.base_url("vault"), "models": {"gold": {}}}
    endpoints["hidden"] = {"provider": "vault", "upstream_model": "gold"}
    switchboard.plug("vault", reply(completion("gold")))
    entries = [{"endpoint": place} for place in PLACES]
    models = {
        "open": {"entries": entries, "aliases": ["also-open"]},
        "secret": {"entries": [{"endpoint": "hidden"}], "aliases": ["also-secret"]},
        "nest": {"entries": [{"model": "secret"}]},
    }
    config = {"version": 1, "providers": providers, "endpoints": endpoints, "models": models}
    with running_gateway(tmp_path_factory.mktemp("steered"), yaml.safe_dump(config), workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def modest(steered: RunningGateway) -> str:
    """A key that may use ``open`` alone."""
    key = new_key(steered, "modest", allowed_models="open")
    wait_for(lambda: steered.get("/v1/models", Authorization=f"Bearer {key}")[0] == 200, "the key is known")
    return key


def ask(gateway: RunningGateway, headers: dict[str, str] | None = None, **more: Any) -> tuple[int, str, Any]:
    """(status, endpoint that answered, the answer)."""
    status, told, body = gateway.post({"model": "open", "messages": HI, **more}, **(headers or {}))
    return status, told["x-gateway-endpoint"], json.loads(body)


@pytest.mark.parametrize(
    ("headers", "body", "answers"),
    [
        ({}, {}, "dear"),
        ({"x-gateway-only": "gamma"}, {}, "cheap"),
        ({}, {"provider": {"only": ["Gamma"]}}, "cheap"),
        ({"x-gateway-only": "cheap, fair"}, {}, "fair"),
        ({"x-gateway-ignore": "alpha"}, {}, "fair"),
        ({}, {"provider": {"ignore": ["dear", "beta"]}}, "cheap"),
        ({"x-gateway-order": "gamma,beta"}, {}, "cheap"),
        ({}, {"provider": {"order": ["beta"]}}, "fair"),
        ({"x-gateway-sort": "price"}, {}, "cheap"),
        ({}, {"provider": {"sort": "price"}}, "cheap"),
        ({}, {"provider": {"sort": "price", "order": ["beta"]}}, "fair"),
        ({"x-gateway-max-prompt-price": "5"}, {}, "fair"),
        ({"x-gateway-max-completion-price": "4.99"}, {}, "cheap"),
        ({}, {"provider": {"max_price": {"prompt": 5, "completion": "1.0"}}}, "cheap"),
        ({"x-gateway-only": "gamma"}, {"provider": {"only": ["beta"]}}, "cheap"),
        ({}, {"provider": {"allow_fallbacks": True}}, "dear"),
    ],
)
def test_wishes_choose_who_answers(
    steered: RunningGateway, headers: dict[str, str], body: dict[str, Any], answers: str
) -> None:
    assert ask(steered, headers, **body)[:2] == (200, answers)


def test_nothing_of_the_wishes_is_sent_upstream(steered: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.requests.clear()
    headers = {"x-gateway-only": "alpha", "x-gateway-sort": "price", "x-gateway-fallbacks": "true"}
    assert (
        ask(steered, headers, provider={"order": ["alpha"], "max_price": {"prompt": 50}}, models=["also-open"])[0]
        == 200
    )
    [sent] = switchboard.seen("dear")
    assert set(sent.json) == {"model", "messages"}
    assert not [name for name in sent.headers if name.startswith("x-gateway")]


@pytest.mark.parametrize("how", ["header", "body"])
def test_without_fallbacks_the_first_is_the_only_one(
    steered: RunningGateway, switchboard: Switchboard, how: str
) -> None:
    switchboard.plug("dear", reply({"error": {"message": "overloaded"}}, status=429, Retry_After="0"))
    headers = {"x-gateway-fallbacks": "false"} if how == "header" else {}
    body = {"provider": {"allow_fallbacks": False}} if how == "body" else {}
    status, _, answer = ask(steered, headers, **body)
    assert status == 429
    outcomes = {tried["endpoint"]: tried["outcome"] for tried in answer["error"]["attempts"]}
    assert outcomes.pop("dear") != "skipped:not_wanted"
    assert outcomes == {"fair": "skipped:not_wanted", "cheap": "skipped:not_wanted"}
    switchboard.plug("dear", reply(completion("dear")))
    wait_for(lambda: ask(steered)[1] == "dear", "it is well again")


def test_wishes_that_nobody_fulfils_are_told_apart_from_outages(steered: RunningGateway) -> None:
    status, _, answer = ask(steered, {"x-gateway-only": "nobody"})
    assert (status, answer["error"]["code"]) == (404, "no_matching_endpoint")
    assert "wants only nobody" in answer["error"]["message"]
    status, _, answer = ask(steered, {"x-gateway-max-prompt-price": "0.5"})
    assert (status, answer["error"]["code"]) == (404, "no_matching_endpoint")
    assert "above the request's 0.5" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "body", "named"),
    [
        ({"x-gateway-only": ""}, {}, "x-gateway-only"),
        ({"x-gateway-sort": "best"}, {}, "x-gateway-sort"),
        ({"x-gateway-fallbacks": "maybe"}, {}, "x-gateway-fallbacks"),
        ({"x-gateway-max-prompt-price": "cheap"}, {}, "x-gateway-max-prompt-price"),
        ({"x-gateway-max-completion-price": "-1"}, {}, "x-gateway-max-completion-price"),
        ({"x-gateway-max-prompt-price": "NaN"}, {}, "x-gateway-max-prompt-price"),
        ({}, {"provider": {"only": "alpha"}}, "provider.only"),
        ({}, {"provider": {"ignore": [1]}}, "provider.ignore"),
        ({}, {"provider": {"order": ["x" * 301]}}, "provider.order"),
        ({}, {"provider": {"order": ["x"] * 51}}, "provider.order"),
        ({}, {"provider": {"sort": ["price"]}}, "provider.sort"),
        ({}, {"provider": {"max_price": 3}}, "provider.max_price"),
        ({}, {"provider": {"max_price": {"image": 3}}}, "provider.max_price"),
        ({}, {"provider": {"max_price": {"prompt": True}}}, "provider.max_price.prompt"),
        ({}, {"provider": {"allow_fallbacks": "no"}}, "provider.allow_fallbacks"),
        ({}, {"provider": {"data_collection": "deny"}}, "provider.data_collection"),
        ({}, {"provider": 7}, "provider"),
        ({}, {"models": "open"}, "models"),
        ({}, {"models": ["open"] * 11}, "models"),
        ({}, {"models": ["open", 7]}, "models[1]"),
        ({}, {"models": [""]}, "models[0]"),
    ],
)
def test_wrong_wishes_are_named(
    steered: RunningGateway, headers: dict[str, str], body: dict[str, Any], named: str
) -> None:
    status, _, answer = ask(steered, headers, **body)
    assert (status, answer["error"]["param"]) == (400, named), answer
    assert named in answer["error"]["message"]


def test_the_callers_own_list_is_turned_to_in_order(steered: RunningGateway, switchboard: Switchboard) -> None:
    for place in PLACES:
        switchboard.plug(place, reply({"error": {"message": "busy"}}, status=429, Retry_After="0"))
    try:
        status, endpoint, _ = ask(steered, models=["secret"])
        assert (status, endpoint) == (200, "hidden")
        body = {"messages": HI, "models": ["open", "secret"]}
        status, told, _ = steered.post(body)
        assert (status, told["x-gateway-endpoint"]) == (200, "hidden")
    finally:
        for place in PLACES:
            switchboard.plug(place, reply(completion(place)))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route/explain"])
@pytest.mark.parametrize(
    "body",
    [
        {"model": "secret"},
        {"model": "also-secret"},
        {"model": "nest"},
        {"model": "vault/gold"},
        {"model": "gold"},
        {"model": "hidden"},
        {"model": "open", "models": ["secret"]},
        {"model": "open", "models": ["also-secret"]},
        {"model": "open", "models": ["open", "vault/gold"]},
        {"models": ["secret", "open"]},
        {"model": "gold", "provider": "vault"},
        {"model": "open", "provider": "vault"},
        {"model": "open", "provider": "openai-compatible"},
        {"model": "open", "models": ["open"], "provider": "vault"},
        {"model": "open", "provider": {"only": ["vault"]}},
        {"model": "open", "provider": {"order": ["hidden"]}},
        {"model": "open", "provider": {"only": ["hidden"]}},
    ],
)
def test_wishes_never_reach_past_what_the_key_may_use(
    steered: RunningGateway, switchboard: Switchboard, modest: str, path: str, body: dict[str, Any]
) -> None:
    switchboard.requests.clear()
    status, _, answer = steered.post({"messages": HI, **body}, path, Authorization=f"Bearer {modest}")
    assert not switchboard.seen("vault")
    if isinstance(body.get("provider"), dict):  # wishes that find nothing there
        assert b'"endpoint":"hidden"' not in answer
    else:
        assert status in (403, 404), answer
        assert b"http" not in answer
