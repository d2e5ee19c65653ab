"""What a vendor has no word for: an error for strict callers, dropped and named for the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

HI: Any = [{"role": "user", "content": "Hi"}]
BODY = {"messages": HI, "logit_bias": {"1": 2}}
STRICT = {"x-gateway-strict": "true"}


@pytest.fixture(scope="module")
def gateway(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    providers = {
        name: {"kind": kind, "base_url": switchboard.base_url(name), "keyless": True, "models": {"m": {}}}
        for name, kind in (("picky", "mistral"), ("picky-too", "cerebras"), ("easy", "openai-compatible"))
    }
    ends = {name: {"provider": name, "upstream_model": "m"} for name in providers}
    models = {
        "both": {"entries": [{"endpoint": "picky"}, {"endpoint": "easy"}]},
        "neither": {"entries": [{"endpoint": "picky"}, {"endpoint": "picky-too"}]},
    }
    config = yaml.safe_dump({"version": 1, "providers": providers, "endpoints": ends, "models": models})
    for name in providers:
        switchboard.plug(name, reply(completion(name)))
    with running_gateway(tmp_path_factory.mktemp("gateway"), config, workers=1) as running:
        yield running


def test_a_lenient_caller_is_answered_and_told_what_was_left_out(
    gateway: RunningGateway, switchboard: Switchboard
) -> None:
    status, told, body = gateway.post({**BODY, "model": "both", "user": "lenient"})
    assert (status, told["x-gateway-endpoint"], told["x-gateway-attempts"]) == (200, "picky", "1")
    assert told["x-gateway-dropped-params"] == "logit_bias,user"
    assert json.loads(body)["choices"][0]["message"]["content"] == "picky"
    (row,) = gateway.records(1, "dropped_params LIKE '%user%'")
    assert json.loads(row["dropped_params"]) == ["logit_bias", "user"]


@pytest.mark.parametrize("value", ["true", "True", " true "])
def test_a_strict_caller_is_answered_by_a_vendor_that_has_the_word(value: str, gateway: RunningGateway) -> None:
    status, told, body = gateway.post({**BODY, "model": "both"}, **{"x-gateway-strict": value})
    assert (status, told["x-gateway-endpoint"], told["x-gateway-attempts"]) == (200, "easy", "1")
    assert "x-gateway-dropped-params" not in told
    assert json.loads(body)["choices"][0]["message"]["content"] == "easy"


def test_a_strict_caller_is_refused_where_no_vendor_has_the_word(
    gateway: RunningGateway, switchboard: Switchboard
) -> None:
    before = len(switchboard.seen("picky-too"))
    status, told, body = gateway.post({**BODY, "model": "neither", "user": "me"}, **STRICT)
    error = json.loads(body)["error"]
    assert (status, error["param"], error["code"]) == (400, "logit_bias", "unsupported_parameter")
    assert error["message"].startswith("'logit_bias' and 'user' cannot be passed on as given")
    assert (error["type"], told["x-should-retry"], told["x-gateway-attempts"]) == (
        "invalid_request_error",
        "false",
        "0",
    )
    assert len(switchboard.seen("picky-too")) == before


def test_a_strict_stream_is_refused_before_it_begins(gateway: RunningGateway) -> None:
    status, _, body = gateway.post({**BODY, "model": "neither", "stream": True}, **STRICT)
    assert (status, json.loads(body)["error"]["param"]) == (400, "logit_bias")


@pytest.mark.parametrize("value", ["yes", "1", "", "true,false"])
def test_a_wrong_value_of_the_header_is_400(value: str, gateway: RunningGateway) -> None:
    status, _, body = gateway.post({**BODY, "model": "both"}, **{"x-gateway-strict": value})
    assert (status, json.loads(body)["error"]["param"]) == (400, "x-gateway-strict")
