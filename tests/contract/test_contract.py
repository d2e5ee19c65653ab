"""The gateway keeps to its own description, whatever it is asked: schemathesis asks, rightly and wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.running import ROOT, RunningGateway
from tests.services import FULL

CHECKS = (
    "no_fault_of_its_own", "streams_say_how_they_ended", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "ignored_auth", "unsupported_method",
    "allow_header_conformance",
)  # fmt: skip


@pytest.fixture(scope="module")
def described(gateway: RunningGateway) -> dict[str, Any]:
    return dict(json.loads(gateway.get("/openapi.json")[2]))


def test_every_curl_line_of_the_description_is_answered(gateway: RunningGateway, described, tmp_path: Path) -> None:
    (tmp_path / "speech.mp3").write_bytes(b"ID3 of a kind")
    environment = {"PATH": os.environ["PATH"], "GATEWAY_API_KEY": gateway.key}
    for path, methods in described["paths"].items():
        for operation in methods.values():
            line = operation["description"].split("```sh\n")[1].split("```")[0].strip()
            line = line.replace("http://localhost:8000", gateway.url)
            command = ["bash", "-c", f"{line} --silent --write-out '\\n%{{http_code}}'"]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
            assert done.stdout.endswith("\n200"), f"{path}: {done.stdout}"


def ask(gateway: RunningGateway, tmp_path: Path, *options: str) -> None:
    """Fails with schemathesis's report if it found anything, with the key and (``ignored_auth``) without."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{gateway.url}/openapi.json", "--no-color",
        "--checks", ",".join(CHECKS), "--generation-database", "none", "--request-timeout", "30", "--seed", "7",
        "--warnings", "off", "--continue-on-failure", "--header", f"Authorization: Bearer {gateway.key}", *options,
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract.hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout, done.stdout


@pytest.mark.timeout(3600 if FULL else 300)
def test_whatever_is_asked_the_gateway_answers_as_it_says_it_does(gateway: RunningGateway, tmp_path: Path) -> None:
    everywhere = () if FULL else ("--exclude-tag", "Other addresses")
    ask(gateway, tmp_path, "--phases", "examples,fuzzing", "--max-examples", "300" if FULL else "5", *everywhere)
    answered = {row["operation"] for row in gateway.records(5, "status = 200")}
    assert answered >= {"chat", "completions", "embeddings", "rerank", "transcription"}


@pytest.mark.timeout(3600 if FULL else 300)
def test_the_edges_of_every_parameter_are_as_it_says(gateway: RunningGateway, tmp_path: Path) -> None:
    """Thousands of requests where there are many parameters: of those that have most, in the full run alone."""
    left_out = (
        ()
        if FULL
        else ("--exclude-tag", "Other addresses", "--exclude-path-regex", "completions|explain|rerank|config")
    )
    ask(gateway, tmp_path, "--phases", "coverage", *left_out)
