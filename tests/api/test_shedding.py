"""A worker that is full says so at once; the log says of each endpoint passed over why, and what is next."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.limited import HI, configuration
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, head, reply
from tests.upstream import raw

pytestmark = pytest.mark.gateway


@pytest.fixture(scope="module")
def narrow(switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    config = configuration(
        switchboard, {"held": {"a": {}}, "chain": {"a": {"enabled": False}, "b": {"retries": 0}, "c": {}}}
    )
    folder = tmp_path_factory.mktemp("narrow")
    with running_gateway(folder, config, workers=1, GATEWAY_MAX_INFLIGHT="3") as running:
        yield running


def test_beyond_its_measure_a_worker_refuses_at_once_but_never_probes_nor_operators(
    narrow: RunningGateway, switchboard: Switchboard
) -> None:
    gate = threading.Event()
    whole = json.dumps(completion()).encode()
    switchboard.plug("held-a", raw(gate, head(200, Content_Length=str(len(whole))), whole, end="keep"))
    body = {"model": "model-held", "messages": HI}
    with ThreadPoolExecutor(3) as pool:
        held = [pool.submit(narrow.post, body) for _ in range(3)]
        wait_for(lambda: len(switchboard.seen("held-a")) == 3, "three are under way")
        for _ in range(5):
            status, headers, answer = narrow.post(body)
            assert (status, headers["retry-after"], json.loads(answer)["error"]["code"]) == (503, "1", "overloaded")
        for path in ("/health", "/health/live", "/health/ready", "/admin/login/", "/v1/models"):
            assert narrow.get(path)[0] == 200, path
        assert not any(asked.done() for asked in held)
        gate.set()
        assert [asked.result()[0] for asked in held] == [200, 200, 200]
    assert len(switchboard.seen("held-a")) == 3
    wait_for(lambda: narrow.post(body)[0] == 200, "there is room again")


def test_the_log_has_a_line_for_each_failover_and_skip(narrow: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.plug("chain-b", reply({"error": {"message": "come later"}}, status=429, Retry_After="30"))
    switchboard.plug("chain-c", reply(completion()))
    for name in ("first-one", "second-one"):
        status, headers, _ = narrow.post({"model": "model-chain", "messages": HI}, **{"x-request-id": name})
        assert (status, headers["x-gateway-endpoint"]) == (200, "chain-c")
    lines = [line for line in narrow.log.splitlines() if "-one " in line]
    assert len(lines) == 2, lines
    assert "first-one chain-b failed, rate_limited: come later; next: chain-c" in lines[0]
    assert "second-one chain-b skipped, rests for" in lines[1]
    assert lines[1].endswith("; next: chain-c")
