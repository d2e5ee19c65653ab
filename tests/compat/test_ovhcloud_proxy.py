"""The OVHcloud proxy's file, imported under way: its own endpoint first, then the alternatives, one token for all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.importers import blocks
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply
from tests.upstream import Upstream

pytestmark = pytest.mark.gateway

TOKEN = "votre_token_ovh_0123456789"
MISTRAL, MIXTRAL = "mistral-7b-instruct-v0.3", "mixtral-8x7b-instruct-v0.1"
FIRST = "https://mistral-7b-instruct-v0-3.endpoints.alternative1.ai.cloud.ovh.net"
SECOND = FIRST.replace("alternative1", "alternative2")
THIRD = "https://mixtral-8x7b-instruct-v01.endpoints.alternative1.ai.cloud.ovh.net"


DOWN = reply({"error": {"message": "down"}}, status=500)


@dataclass(frozen=True)
class Proxy:
    gateway: RunningGateway
    own: Switchboard
    first: Upstream
    second: Upstream

    def ask(self, model: str = MISTRAL) -> str:
        """Who answered."""
        status, _headers, raw = self.gateway.post({"model": model, "messages": [{"role": "user", "content": "Salut"}]})
        assert status == 200, raw
        return str(json.loads(raw)["choices"][0]["message"]["content"])


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """The alternatives have addresses without a path, as in the document."""
    first, second = Upstream(reply(completion("alternative1")), DOWN), Upstream(reply(completion("alternative2")))
    with Switchboard() as own, first, second:
        own.plug("ovh", reply(completion("principal")))
        provider = {"base_url": own.base_url("ovh"), "proxy": "none"}
        config = yaml.safe_dump({"version": 1, "providers": {"ovhcloud": provider}})
        with running_gateway(tmp_path, config, workers=3, GATEWAY_AUTH="off", OVH_TOKEN_ENDPOINT=TOKEN) as gateway:
            file = tmp_path / "endpoints_config.json"
            at_home = blocks.ALTERNATIVES.replace(FIRST, first.url).replace(SECOND, second.url)
            file.write_text(at_home.replace(THIRD, first.url))
            gateway.manage("import_config", str(file))
            wait_for(lambda: known_to_all(gateway), "every worker knows the models")
            yield Proxy(gateway, own, first, second)


def known_to_all(gateway: RunningGateway) -> bool:
    return all(gateway.get(f"/v1/models/{MIXTRAL}")[0] == 200 for _ in range(24))


@pytest.mark.parametrize("failure", [(401, "Invalid token"), (429, "Quota exceeded")])
def test_where_its_own_endpoint_fails_the_alternatives_are_tried_in_order_with_the_same_token(
    proxy: Proxy, failure: tuple[int, str]
) -> None:
    listed = {model["id"] for model in json.loads(proxy.gateway.get("/v1/models")[2])["data"]}
    assert {MISTRAL, MIXTRAL} <= listed
    assert (proxy.ask(), proxy.ask(MIXTRAL)) == ("principal", "principal")
    assert [request.json["model"] for request in proxy.own.seen("ovh")] == [MISTRAL, MIXTRAL]
    status, words = failure
    proxy.own.plug("ovh", reply({"error": {"message": words}}, status=status))
    assert proxy.ask() == "alternative1"
    assert proxy.ask() == "alternative2", "the first alternative is down by now"
    for upstream in (proxy.first, proxy.second):
        assert {request.target for request in upstream.requests} == {"/v1/chat/completions"}
        assert {request.headers["authorization"] for request in upstream.requests} == {f"Bearer {TOKEN}"}
        assert {request.json["model"] for request in upstream.requests} == {MISTRAL}
