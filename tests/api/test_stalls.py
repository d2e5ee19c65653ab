"""On SQLite no wait for a lock stalls a worker's other requests: streams run on while an import commits and many share
a limit. ``make limits`` runs it at full size and holds it to its milliseconds; otherwise it is small, and compared with
itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.limited import HI
from tests.running import KEY, ROOT, RunningGateway, free_port, running_gateway
from tests.services import FULL
from tests.switchboard import Switchboard, completion, reply

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(300)]

STREAMS, CALLERS, MODELS, SECONDS = (100, 200, 300, 20) if FULL else (20, 20, 100, 5)
CHUNKS = round(SECONDS / 0.03)


@pytest.fixture
def busy(switchboard: Switchboard, tmp_path: Path) -> Iterator[RunningGateway]:
    """Two workers; ``streaming/words`` sends a chunk every 30 ms, ``shared`` has a limit that is soon used up."""
    port = free_port()
    upstream = subprocess.Popen([sys.executable, "-m", "bench.streams", str(port), str(CHUNKS)], cwd=ROOT)
    kind = {"kind": "openai-compatible", "keyless": True}
    providers = {
        "streaming": {**kind, "base_url": f"http://127.0.0.1:{port}/v1", "models": {"words": {}}},
        "limited": {**kind, "base_url": switchboard.base_url("shared")},
    }
    place: dict[str, Any] = {"provider": "limited", "upstream_model": "m"}
    place |= {"limit_requests": 20, "limit_tokens": 10**6, "limit_window": 1}
    config = {
        "version": 1,
        "providers": providers,
        "endpoints": {"shared": place},
        "models": {"shared": {"entries": [{"endpoint": "shared"}]}},
    }
    switchboard.plug("shared", reply(completion()))
    try:
        with running_gateway(tmp_path, yaml.safe_dump(config)) as running:
            yield running
    finally:
        upstream.kill()
        upstream.wait()


def gaps(gateway: RunningGateway) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.api.gaps", str(gateway.port), KEY, "streaming/words", str(STREAMS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    assert told["complete"] == STREAMS
    return told


class Load:
    """Callers of the limited endpoint, and imports one after another, until stopped."""

    def __init__(self, gateway: RunningGateway, folder: Path) -> None:
        self.statuses: Counter[int] = Counter()
        self.imports = 0
        self._gateway = gateway
        self._over = threading.Event()
        self._file = folder / "many.yaml"
        self._document = yaml.safe_load(gateway.manage("export_config"))
        self._pool = ThreadPoolExecutor(CALLERS + 1)
        self._running = [self._pool.submit(self._call) for _ in range(CALLERS)] + [self._pool.submit(self._import)]

    def _call(self) -> None:
        while not self._over.is_set():
            self.statuses[self._gateway.post({"model": "shared", "messages": HI})[0]] += 1
            self._over.wait(0.2)

    def _import(self) -> None:
        while not self._over.is_set():
            self.imports += 1
            more: dict[str, Any] = {
                f"many-{n}": {"entries": [{"endpoint": "shared"}], "description": f"import {self.imports}"}
                for n in range(MODELS)
            }
            document = {**self._document, "models": {**self._document["models"], **more}}
            self._file.write_text(yaml.safe_dump(document, sort_keys=False))
            self._gateway.manage("import_config", str(self._file))

    def stop(self) -> None:
        self._over.set()
        for each in self._running:
            each.result()
        self._pool.shutdown()


def test_streams_run_on_while_an_import_commits_and_many_share_a_limit(busy: RunningGateway, tmp_path: Path) -> None:
    alone = gaps(busy)
    load = Load(busy, tmp_path)
    beside = gaps(busy)
    load.stop()
    shown = {"alone": alone, "beside": beside, **load.statuses, "imports": load.imports}
    print(f"{STREAMS} streams, {CALLERS} callers, imports of {MODELS} models: {shown}")
    assert load.imports >= 1
    assert set(load.statuses) <= {200, 429}
    if FULL:
        assert beside["p99"] < 150, shown
        return
    assert beside["p99"] < 8 * max(alone["p99"], 30), shown
