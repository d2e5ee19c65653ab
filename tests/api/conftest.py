"""One gateway with two workers and one switchboard behind it, for the tests of the path of a request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from openai import OpenAI

from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard

CASES = [f"case{number}" for number in range(90)]


@pytest.fixture(scope="package")
def switchboard() -> Iterator[Switchboard]:
    with Switchboard() as board:
        yield board


def two_endpoints(board: Switchboard) -> str:
    """A provider, and for each case a public model over a primary and a fallback endpoint."""
    endpoints, models = {}, {}
    for case in CASES:
        for role in ("primary", "fallback"):
            endpoints[f"{role}-{case}"] = {
                "provider": "acme",
                "upstream_model": "m-1",
                "base_url": board.base_url(f"{role}-{case}"),
                "first_content_timeout": 1.5,
                "idle_timeout": 1.5,
            }
        models[case] = {"entries": [{"endpoint": f"primary-{case}"}, {"endpoint": f"fallback-{case}"}]}
    acme = {"kind": "openai-compatible", "base_url": board.base_url("acme"), "keyless": True, "models": {"m-1": {}}}
    acme["models"] = {
        "m-1": {"prices": [{"input": "1", "output": "2"}]},
        "ears": {"type": "automatic-speech-recognition"},
    }
    wordless = {"kind": "perplexity", "base_url": board.base_url("wordless"), "keyless": True, "models": {"sonar": {}}}
    keyed = {"kind": "openai-compatible", "base_url": board.base_url("keyed"), "keys": [{"label": "k", "env": "KEYED"}]}
    home = {"kind": "ollama", "base_url": f"{board.url}/home", "keyless": True}
    vectors = {"kind": "tei", "base_url": f"{board.url}/vectors", "keyless": True}
    providers = {"acme": acme, "keyed": keyed, "wordless": wordless, "home": home}
    providers |= {"home-v1": {**home, "base_url": board.base_url("home-v1")}, "vectors": vectors}
    return yaml.safe_dump({"version": 1, "providers": providers, "endpoints": endpoints, "models": models})


@pytest.fixture(scope="package")
def gateway(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(
        tmp_path_factory.mktemp("gateway"), two_endpoints(switchboard), KEYED="hunter2PLAINxyzzy99"
    ) as running:
        yield running


_free = iter(CASES)


@pytest.fixture
def case() -> str:
    """A public model that no other test uses: what one test makes rest must not skip another's upstream."""
    return next(_free)


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=30) as made:
        yield made
