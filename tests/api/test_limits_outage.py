"""While the store of limits is gone, requests go on (or are refused, as set) without waiting for it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.api.limited import HI, configuration, place
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply
from tests.windows.proxy import Proxy

pytestmark = pytest.mark.gateway

Outage = tuple[RunningGateway, Proxy, str, str]


@pytest.fixture(
    scope="module",
    params=[(store, fail) for store in ("postgresql", "redis") for fail in ("open", "closed")],
    ids="-".join,
)
def outage(
    request: pytest.FixtureRequest, switchboard: Switchboard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outage]:
    """A gateway whose store is behind a wire that can be cut; the name of its provider, and what is set."""
    store, fail = request.param
    name = f"wire-{uuid.uuid4().hex[:8]}"
    for letter in "ab":
        switchboard.plug(f"{name}-{letter}", reply(completion()))
    with place(store) as there:
        variable = "REDIS_URL" if store == "redis" else "DATABASE_URL"
        parts = urlsplit(there[variable])
        user = f"{parts.username}@" if parts.username else ""
        with Proxy(parts.hostname or "", parts.port or 0) as proxy:
            wired = {**there, variable: parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()}
            config = configuration(switchboard, {name: {"a": {"limit_requests": 1000, "limit_window": 3600}}})
            folder = tmp_path_factory.mktemp("outage")
            with running_gateway(folder, config, workers=1, GATEWAY_LIMITS_FAIL=fail, **wired) as running:
                yield running, proxy, name, fail
                proxy.mend()


@pytest.mark.parametrize("fault", ["die", "hang"])
def test_a_store_that_is_gone_stalls_nobody_for_more_than_a_moment(outage: Outage, fault: str) -> None:
    gateway, proxy, name, fail = outage
    body = {"model": f"model-{name}", "messages": HI}
    wait_for(lambda: gateway.post(body)[0] == 200, "the limit is checked")
    getattr(proxy, fault)()
    took, statuses = [], set()
    for _ in range(20):
        began = time.monotonic()
        status, _, answer = gateway.post(body)
        took.append(time.monotonic() - began)
        statuses.add(status)
        if status == 503:
            [tried] = json.loads(answer)["error"]["attempts"]
            assert tried["outcome"] == "skipped:limit_unknown"
    assert statuses == ({200} if fail == "open" else {503})
    assert sorted(took)[-4] < 0.5, took  # but for those who find out, and whether it is back
    assert max(took) < 4
    proxy.mend()

    def found_again() -> bool:
        lost, found = (gateway.log.count(f"Rate limits {said}") for said in ("cannot be checked", "are checked again"))
        return gateway.post(body)[0] == 200 and lost == found

    wait_for(found_again, "the store is found again")
