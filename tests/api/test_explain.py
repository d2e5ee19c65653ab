"""An explanation says what the request then does, and does nothing itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.api.limited import HI
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

STRATEGIES = ("ordered", "priority", "round_robin", "least_busy", "fastest", "cheapest", "affinity")
WISHES: list[dict[str, Any]] = [
    {},
    {"provider": {"sort": "price"}},
    {"provider": {"order": ["ordered-c"]}},
    {"models": ["priority"]},
]
PRICES = {"a": "9", "b": "3", "c": "6"}


@pytest.fixture(scope="module")
def explained(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """For each strategy a model over three endpoints that are all down; and names of every other kind."""
    offers = {name: {"prices": [{"input": price, "output": price}]} for name, price in PRICES.items()}
    down = {"kind": "openai-compatible", "base_url": switchboard.base_url("down"), "keyless": True, "models": offers}
    well = {
        **down,
        "base_url": switchboard.base_url("well"),
        "models": {"w-1": {}, "v-1": {"type": "text-embeddings-inference"}},
    }
    locked = {"kind": "openai", "base_url": switchboard.base_url("locked"), "models": {"l-1": {}}}
    endpoints: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for strategy in (*STRATEGIES, "inner"):
        entries = []
        for priority, letter in enumerate("cab"):
            name = f"{strategy}-{letter}"
            place = {"provider": "down", "upstream_model": letter, "base_url": switchboard.base_url(name)}
            endpoints[name] = {**place, "retries": 0, "circuit_failures": 50}
            entries.append({"endpoint": name, "priority": 3 - priority})
            switchboard.plug(name, reply({"error": {"message": "down"}}, status=503))
        models[strategy] = {"strategy": strategy if strategy in STRATEGIES else "cheapest", "entries": entries}
    models["nested"] = {"entries": [{"endpoint": "ordered-b"}, {"model": "inner"}, {"endpoint": "ordered-a"}]}
    models["ordered"]["aliases"] = ["other-name"]
    endpoints["limited"] = {"provider": "well", "upstream_model": "w-2", "limit_requests": 1, "limit_window": 3600}
    endpoints["off"] = {"provider": "well", "upstream_model": "w-3", "enabled": False}
    endpoints["missing"] = {"provider": "well", "upstream_model": "w-4", "base_url": switchboard.base_url("missing")}
    endpoints["broken"] = {"provider": "well", "upstream_model": "w-5", "base_url": switchboard.base_url("broken")}
    endpoints["broken"] |= {"circuit_failures": 1, "circuit_pause": 600, "retries": 0}
    endpoints["keyless"] = {"provider": "locked", "upstream_model": "l-1"}
    sick = ("limited", "off", "missing", "broken", "keyless")
    models["sick"] = {"entries": [{"endpoint": name} for name in sick]}
    switchboard.plug("well", reply(completion()))
    switchboard.plug("missing", reply({"error": {"message": "no such model", "code": "model_not_found"}}, status=404))
    switchboard.plug("broken", reply({"error": {"message": "boom"}}, status=500))
    config = {"version": 1, "providers": {"down": down, "well": well, "locked": locked}, "endpoints": endpoints}
    document = yaml.safe_dump({**config, "models": models}, sort_keys=False)
    with running_gateway(tmp_path_factory.mktemp("explained"), document, workers=1) as running:
        yield running


def explain(gateway: RunningGateway, **body: Any) -> dict[str, Any]:
    status, _, told = gateway.post({"messages": HI, **body}, "/v1/route/explain")
    assert status == 200, told
    return dict(json.loads(told))


@pytest.mark.parametrize("model", [*STRATEGIES, "nested"])
@pytest.mark.parametrize("wishes", WISHES, ids=["as it is", "sorted", "ordered", "with fallbacks"])
def test_the_request_then_tries_what_the_explanation_said(
    explained: RunningGateway, switchboard: Switchboard, model: str, wishes: dict[str, Any]
) -> None:
    switchboard.requests.clear()
    said = explain(explained, model=model, **wishes)
    assert said == {**explain(explained, model=model, **wishes)} | {"candidates": said["candidates"]}
    assert not switchboard.requests
    status, _, body = explained.post({"model": model, "messages": HI, **wishes})
    assert status == 503
    tried = [tried["endpoint"] for tried in json.loads(body)["error"]["attempts"]]
    assert tried == [candidate["endpoint"] for candidate in said["candidates"]]
    assert len(tried) >= 3


def test_an_explanation_leaves_no_record_and_takes_no_turn_and_no_place(
    explained: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.requests.clear()
    orders = [[one["endpoint"] for one in explain(explained, model="round_robin")["candidates"]] for _ in range(4)]
    assert len({tuple(order) for order in orders}) == 1
    first = explain(explained, model="sick")["candidates"][0]
    assert (first["endpoint"], first["limits"][0]["current_requests"]) == ("limited", 0)
    status, _, _ = explained.post({"model": "well/w-1", "messages": HI}, **{"x-request-id": "the-only-one"})
    assert status == 200
    rows = explained.records(1, "request_id = 'the-only-one'")
    assert len(rows) == 1
    assert explained.rows("SELECT count(*) AS n FROM metrics_requestlog WHERE operation = ''") == [{"n": 0}]
    assert len(switchboard.requests) == 1


@pytest.mark.parametrize(
    ("body", "how", "words"),
    [
        ({"model": "ordered"}, "model", "public model"),
        ({"model": "other-name"}, "alias", "'ordered'"),
        ({"model": "code"}, "category", "'code'"),
        ({"model": "router"}, "router", "'conversation'"),
        ({"model": "well/w-1"}, "provider_model", "both names"),
        ({"model": "w-1"}, "bare", "first configured provider"),
        ({"model": "well/made-up"}, "transient", "nobody catalogued"),
        ({"model": "made-up", "provider": "well"}, "transient", "nobody catalogued"),
        ({"model": "v-1", "messages": None, "input": "text"}, "bare", "catalogued"),
        ({"model": "w-1", "messages": None, "prompt": "text"}, "bare", "catalogued"),
        ({"model": "well/ears", "messages": None, "operation": "transcription"}, "transient", "nobody"),
        ({"model": "well/rank", "messages": None, "query": "q", "documents": ["d"]}, "transient", "nobody"),
    ],
)
def test_every_kind_of_name_is_told(explained: RunningGateway, body: dict[str, Any], how: str, words: str) -> None:
    told = explain(explained, **body)["resolution"]
    assert (told["how"], told["requested"]) == (how, body["model"])
    assert words in told["in_words"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "nowhere"}, 404, "model_not_found"),
        ({"model": "v-1"}, 400, "unsupported_operation"),
        ({"model": "w-1", "operation": ["chat"]}, 400, None),
        ({"model": "w-1", "operation": "dance"}, 400, None),
        ({"model": "w-1", "provider": {"only": 3}}, 400, "invalid_type"),
        ({}, 400, "missing_parameter"),
    ],
)
def test_what_the_request_would_be_refused_with_is_said_at_once(
    explained: RunningGateway, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer, _, told = explained.post({"messages": HI, **body}, "/v1/route/explain")
    assert (answer, json.loads(told)["error"]["code"]) == (status, code), told


def test_what_is_left_out_is_told_with_the_reason(explained: RunningGateway) -> None:
    assert explained.post({"model": "sick", "messages": HI})[0] == 200  # uses up the limit of the first
    explained.post({"model": "sick", "messages": HI})  # finds the others out
    skipped = {skip["endpoint"]: skip for skip in explain(explained, model="sick")["skipped"]}
    codes = {name: skip["code"] for name, skip in skipped.items()}
    assert codes == {
        "limited": "over_limit",
        "off": "disabled",
        "missing": "model_missing",
        "broken": "circuit_open",
        "keyless": "no_key",
    }
    assert "boom" in skipped["broken"]["reason"]
    assert 590 < skipped["broken"]["wait"] <= 600
    assert "OPENAI_API_KEY" in skipped["keyless"]["reason"]
    text = wait_for(
        lambda: "circuit is open" in (said := explained.manage("explain_route", "sick")) and said, "circuits are shared"
    )
    for words in ("Would be left out", "off is disabled", "limited: its limit is used up", "Nobody would be tried"):
        assert words in text, text
