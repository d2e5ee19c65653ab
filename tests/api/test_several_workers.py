"""Several workers as one: changes reach all within a second, and no record is lost or doubled when one is killed."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.browser_session import BrowserSession
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import DONE, Switchboard, completion, delta, reply, stream

pytestmark = pytest.mark.gateway

HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def own_gateway(switchboard: Switchboard, tmp_path: Path) -> Iterator[RunningGateway]:
    config = f"""
version: 1
providers:
  acme: {{kind: openai-compatible, base_url: "{switchboard.base_url("acme")}", keyless: true, models: {{m-1: {{}}}}}}
"""
    switchboard.plug("acme", reply(completion("Hello")))
    with running_gateway(tmp_path, config, workers=3) as running:
        yield running


class Load:
    """Callers that go on until stopped; ``answered`` are the ids of requests whose whole answer was read."""

    def __init__(self, gateway: RunningGateway, callers: int = 8) -> None:
        self.answered: list[str] = []
        self.generations: list[tuple[float, int]] = []
        self.statuses: set[int] = set()
        self._gateway = gateway
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(callers)
        self._callers = [self._pool.submit(self._call, number) for number in range(callers)]

    def _call(self, caller: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            name = f"load-{caller}-{number}"
            began = time.monotonic()
            try:
                status, told, _ = self._gateway.post({"model": "acme/m-1", "messages": HI}, **{"x-request-id": name})
            except (OSError, http.client.HTTPException):
                continue
            self.statuses.add(status)
            self.generations.append((began, int(told["x-gateway-generation"])))
            if status == 200:
                self.answered.append(name)

    def stop(self) -> None:
        self._stop.set()
        for caller in self._callers:
            caller.result()
        self._pool.shutdown()


def test_a_killed_worker_loses_no_record_and_doubles_none(own_gateway: RunningGateway) -> None:
    load = Load(own_gateway)
    for _ in range(3):
        target = len(load.answered) + 150
        wait_for(lambda wanted=target: len(load.answered) >= wanted, "requests are answered")
        victim = own_gateway.worker_pids()[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda gone=victim: gone not in own_gateway.worker_pids(), "the master buries it")
    load.stop()
    answered = set(load.answered)
    assert len(answered) == len(load.answered)

    def recorded() -> list[str]:
        rows = own_gateway.rows("SELECT request_id FROM metrics_requestlog WHERE outcome = 'success'")
        names = [row["request_id"] for row in rows]
        return names if answered <= set(names) else []

    names = wait_for(recorded, "every answered request has its record", 30)
    assert len(names) == len(set(names)), "a record appears twice"
    sums = own_gateway.rows("SELECT SUM(requests) AS n FROM metrics_usagehour")
    assert sums[0]["n"] == own_gateway.rows("SELECT COUNT(*) AS n FROM metrics_requestlog")[0]["n"]


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


def test_sigterm_finishes_streams_and_loses_no_record(own_gateway: RunningGateway, switchboard: Switchboard) -> None:
    gate = threading.Event()
    switchboard.plug("acme", stream(delta("Hel", role="assistant"), gate, delta("lo"), delta(finish="stop"), DONE))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(own_gateway.post, {"model": "acme/m-1", "messages": HI, "stream": True})
        wait_for(lambda: switchboard.seen("acme"), "the stream has begun")
        time.sleep(0.2)
        own_gateway.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refuses(own_gateway.port), "new callers are refused")
        gate.set()
        status, _, body = answer.result()
    assert status == 200
    assert body.endswith(b"data: [DONE]\n\n")
    assert own_gateway.process.wait(20) == 0
    own_gateway.manage("drain_records")
    assert [row["outcome"] for row in own_gateway.rows("SELECT outcome FROM metrics_requestlog")] == ["success"]


def test_two_operators_changes_make_two_revisions_and_reach_every_worker_within_a_second(
    own_gateway: RunningGateway,
) -> None:
    """One by command, one in the admin, under load; every answer carries the generation it was planned with."""
    before = len(own_gateway.rows("SELECT number FROM routing_configrevision"))
    load = Load(own_gateway)
    wait_for(lambda: len(load.answered) > 50, "requests are answered")
    document = yaml.safe_load(own_gateway.manage("export_config"))
    document["models"] = {**document.get("models", {}), "by-command": {"description": "made by a command"}}
    file = own_gateway.folder / "change.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    own_gateway.manage("import_config", str(file))
    check_all_workers_follow(load)
    page = BrowserSession(own_gateway).send("/admin/routing/publicmodel/add/", "publicmodel_form", name="by-admin")
    assert "by-admin" in page
    check_all_workers_follow(load)
    load.stop()
    assert load.statuses == {200}
    revisions = own_gateway.rows("SELECT * FROM routing_configrevision ORDER BY number")[before:]
    assert [(row["origin"], row["actor"] != "") for row in revisions] == [("command", True), ("admin", True)]
    assert revisions[1]["actor"] == "admin"
    assert "by-command" in revisions[0]["diff"]
    assert "by-admin" in revisions[1]["diff"]


def check_all_workers_follow(load: Load) -> None:
    """Called right after a change was committed: answers begun a second later all carry the newest generation."""
    committed = time.monotonic()
    wait_for(lambda: load.generations[-1][0] > committed + 1.3, "a second passes under load")
    late = [generation for began, generation in list(load.generations) if began > committed + 1.0]
    assert len(set(late)) == 1
    assert late[0] > min(generation for _, generation in load.generations)
