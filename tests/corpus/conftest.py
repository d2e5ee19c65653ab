"""The recorded exchanges beside the project: found, or the tests skip."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.running import ROOT, RunningGateway, free_port, running_gateway, wait_for

SHARED = ROOT.parent / "shared"
CORPUS = SHARED / "corpus"


def recordings(wire: str) -> list[dict[str, Any]]:
    """Index entries of one wire format; none where the corpus is absent."""
    index = CORPUS / "index.json"
    return [item for item in json.loads(index.read_text()) if item["wire"] == wire] if index.exists() else []


def recording(name: str) -> dict[str, Any]:
    """One recorded exchange: ``request``, ``response``."""
    loaded: dict[str, Any] = json.loads((CORPUS / f"{name}.json").read_text())
    return loaded


@pytest.fixture(scope="package")
def validators() -> ModuleType:
    """The strict validators by the official SDKs' types."""
    file = SHARED / "tools" / "validate_types.py"
    if not file.exists():
        pytest.skip("the validators are not beside the project")
    spec = importlib.util.spec_from_file_location("validate_types", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="package")
def replay() -> Iterator[str]:
    """URL of a server that replays the recordings: ``<url>/replay/<id>/v1``."""
    script = SHARED / "tools" / "replay_upstream.py"
    if not script.exists():
        pytest.skip("the recordings are not beside the project")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(script), "--corpus", str(CORPUS), "--port", str(port)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    wait_for(lambda: process.stdout.readline(), "the replay server speaks")
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="package")
def gateway(replay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One gateway for all recordings: a provider for each way to replay one."""
    from tests.corpus import test_chat_through_the_gateway as chat
    from tests.corpus import test_native_through_the_gateway as native

    rows = chat.provider_rows(replay) | native.provider_rows(replay)
    config = yaml.safe_dump({"version": 1, "providers": rows})
    with running_gateway(tmp_path_factory.mktemp("corpus"), config, workers=1) as running:
        yield running


@pytest.fixture(scope="package")
def corpus_root() -> Path:
    return CORPUS
