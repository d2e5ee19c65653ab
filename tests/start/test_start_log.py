"""What the log says when the gateway starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.running import running_gateway, wait_for

TOKEN = "abcdefghij" + "K" * 49 + "12345"
MISTRAL = "https://mistral-7b-instruct-v0-3.endpoints.{}.ai.cloud.ovh.net"


@pytest.mark.gateway
def test_a_start_tells_once_of_masked_keys_and_loaded_endpoints(tmp_path: Path) -> None:
    places = [MISTRAL.format(place) for place in ("kepler", "alternative1", "alternative2")]
    endpoints = {
        f"mistral-{number}": {"provider": "ovhcloud", "upstream_model": "mistral-7b", "base_url": f"{place}/v1"}
        for number, place in enumerate(places)
    }
    models = {"mistral-7b-instruct-v0.3": {"entries": [{"endpoint": name} for name in endpoints]}}
    config = yaml.safe_dump({"version": 1, "endpoints": endpoints, "models": models})
    with running_gateway(
        tmp_path, config, workers=2, OVH_TOKEN_ENDPOINT=TOKEN, OPENAI_API_KEY="sk-tiny-key", LOG_LEVEL="info"
    ) as gateway:
        wait_for(lambda: "Switchyard is ready" in gateway.log, "the first worker greets")
        log = gateway.log
    told = [line.partition("switchyard.start: ")[2] for line in log.splitlines() if "switchyard.start" in line]
    keys = {line for line in told if line.startswith("Provider ")}
    assert keys == {
        "Provider ovhcloud: key abcdefghij...12345 (length: 64), from OVH_TOKEN_ENDPOINT",
        "Provider openai: key (length: 11), from OPENAI_API_KEY",
    }
    assert len(told) == len(set(told)), "once per start, not per worker"
    assert len(told) <= 6
    assert [line for line in told if re.fullmatch(r"Loaded: [3-9] endpoints, 1 public models, \d+ callable", line)]
    assert f"Alternative endpoints of mistral-7b-instruct-v0.3, in order: {places[1]}/v1, {places[2]}/v1" in told
    assert [line for line in told if line.startswith("Providers without a key: 1")]
    assert TOKEN not in log
    assert "sk-tiny-key" not in log
