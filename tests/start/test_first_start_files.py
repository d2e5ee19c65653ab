"""What lies beside manage.py or stands in the environment: applied by the first start, only named by later ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from routing.config import dotenv
from routing.management.telling import pasted
from tests.importers import blocks
from tests.running import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]
ENDPOINTS = "endpoints_config.json"
MISTRAL = "mistral-7b-instruct-v0.3"
OTHER = json.dumps({"alternative_endpoints": {MISTRAL: ["https://elsewhere.example/v1"]}})
SERVICES = dotenv.parse(blocks.TESTING, ".env")


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GATEWAY_IGNORE_DOTENV": "yes",
        "GATEWAY_DATA_DIR": str(folder / "data"),
        "GATEWAY_CONFIG_DIR": str(folder),
        "GATEWAY_ADMIN_PASSWORD": "admin-password-for-tests",
        "GATEWAY_API_KEY": "sk-test-0123456789abcdef",
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a gateway that nobody has configured."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "manage.py", "prepare"]
    subprocess.run(command, cwd=ROOT, env=environment(folder), check=True, capture_output=True, timeout=100)
    return folder / "data"


@pytest.fixture
def run(tmp_path: Path, installed: Path) -> Run:
    """``manage.py prepare``, or another command, of a gateway whose files lie in ``tmp_path``."""
    shutil.copytree(installed, tmp_path / "data")

    def manage(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *(words or ("prepare",))]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(tmp_path) | more, capture_output=True, text=True, timeout=100
        )
        return subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.replace(f"{tmp_path}/", ""),
            done.stderr.replace(f"{tmp_path}/", ""),
        )

    return manage


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was logged, without times, levels and names."""
    assert done.returncode == 0, done.stderr
    return [re.sub(r"^.*?switchyard\.start: ", "", line) for line in done.stderr.splitlines()]


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "data" / "gateway.sqlite3")) as database, database:
        return database.execute(query).fetchall()


def revisions(folder: Path) -> list[object]:
    return [origin for (origin,) in rows(folder, "SELECT origin FROM routing_configrevision ORDER BY number")]


def places(folder: Path) -> list[object]:
    query = "SELECT base_url FROM routing_endpoint WHERE upstream_model = '" + MISTRAL + "' AND base_url <> ''"
    return [url for (url,) in rows(folder, query + " ORDER BY base_url")]


def test_the_first_start_applies_the_file_and_says_so(run: Run, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "data")
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    loaded = "Configuration of the alternative endpoints loaded from endpoints_config.json: 2 models, 3 endpoints"
    assert said(run()) == [loaded]
    assert revisions(tmp_path) == ["installation", "environment"]
    assert len(places(tmp_path)) == 2
    assert said(run()) == [], "a later start finds it applied"
    assert revisions(tmp_path) == ["installation", "environment"]


def test_a_later_start_names_what_differs_until_the_command_applies_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    run()
    before = places(tmp_path)
    (tmp_path / ENDPOINTS).write_text(OTHER)
    named = [
        f"{ENDPOINTS}: something else than what was applied (3 to change: "
        f"endpoints/ovhcloud/{MISTRAL}/alternative-1/base_url, endpoints/ovhcloud/{MISTRAL}/alternative-2, "
        f"models/{MISTRAL}/entries/2), and nothing was overwritten. "
        f"To apply it: {pasted('import_config', ENDPOINTS)}"
    ]
    assert said(run()) == named
    assert said(run()) == named, "at every start, once"
    assert places(tmp_path) == before
    shown = run("import_config", str(tmp_path / ENDPOINTS), "--dry-run")
    assert "Dry run: 3 to change, nothing was written." in shown.stdout
    assert said(run()) == named
    assert "changed, revision #3" in run("import_config", str(tmp_path / ENDPOINTS)).stdout
    assert places(tmp_path) == ["https://elsewhere.example/v1"]
    assert said(run()) == []


def test_another_spelling_of_the_same_needs_no_word(run: Run, tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    run()
    (tmp_path / ENDPOINTS).write_text(json.dumps(json.loads(blocks.ALTERNATIVES)))
    assert said(run()) == []
    (tmp_path / ENDPOINTS).unlink()
    assert said(run()) == [], "whoever has moved may take the file away"


def test_what_appears_after_somebody_configured_the_gateway_is_only_named(run: Run, tmp_path: Path) -> None:
    run()
    exported = run("export_config").stdout
    (tmp_path / "mine.yaml").write_text(exported.replace("position: 130", "position: 131"))
    assert run("import_config", str(tmp_path / "mine.yaml")).returncode == 0
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    (line,) = said(run())
    assert line.startswith(f"{ENDPOINTS}: not applied yet (7 to change: ")
    assert " …), and nothing was overwritten." in line
    assert places(tmp_path) == []


def test_what_appears_while_nobody_has_is_applied(run: Run, tmp_path: Path) -> None:
    assert said(run()) == []
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    assert len(said(run())) == 1
    assert len(places(tmp_path)) == 2


def test_the_failover_routers_variables_configure_the_first_start(run: Run, tmp_path: Path) -> None:
    first = run(**SERVICES)
    assert said(first) == ["Configuration of the failover services loaded from the environment: 2 services"]
    assert "your_key" not in first.stdout + first.stderr
    query = "SELECT name, limit_requests, limit_window FROM routing_endpoint WHERE upstream_model = '*' ORDER BY name"
    assert rows(tmp_path, query) == [("test-backup", 2, 20.0), ("test-cerebras", 3, 30.0)]
    assert said(run(**SERVICES)) == []
    changed = {**SERVICES, "ROUTER_SERVICES": SERVICES["ROUTER_SERVICES"].replace('"your_key"', '"another_key"', 1)}
    (line,) = said(run(**changed))
    assert "what was applied (1 to change: providers/test-cerebras/keys/imported/secret), and" in line
    assert line.endswith(f"To apply it: {pasted('import_config', '--environment')}")
    assert "another_key" not in line
    done = run("import_config", "--environment", **changed)
    assert "1 changed" in done.stdout
    assert "another_key" not in done.stdout + done.stderr
    assert said(run(**changed)) == []


def test_the_simplified_form_follows_whose_keys_are_there_and_not_what_they_are(run: Run, tmp_path: Path) -> None:
    keys = dotenv.parse(blocks.AUTO_FAILOVER, ".env")
    loaded = "Configuration of the failover services loaded from the environment: cerebras, openai"
    assert said(run(**keys)) == [loaded]
    assert said(run(**keys | {"OPENAI_API_KEY": "sk-rotated"})) == []
    (line,) = said(run(**keys, MISTRAL_API_KEY="m"))
    assert line.startswith("the environment: something else than what was applied")
    assert rows(tmp_path, "SELECT secret FROM providers_providerkey WHERE secret <> ''") == []


def test_files_and_environment_of_a_first_start_are_one_revision(run: Run, tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    (tmp_path / "router_config.json").write_text((ROOT / "router_config.json.example").read_text())
    (tmp_path / "circuit_breaker_state.json").write_text("{}")
    lines = said(run(OLLAMA_BASE_URL="http://box:11434"))
    assert [line for line in lines if "loaded from" in line] == [
        "Configuration of the alternative endpoints loaded from endpoints_config.json: 2 models, 3 endpoints",
        "Configuration of the categories loaded from router_config.json: 5 chains, 15 models",
    ]
    assert "circuit_breaker_state.json: opens no circuit" in lines
    assert "Provider ollama points where OLLAMA_BASE_URL of the environment says" in lines
    assert revisions(tmp_path) == ["installation", "environment"]
    assert said(run(OLLAMA_BASE_URL="http://box:11434")) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (blocks.ALTERNATIVES[:100], f"{ENDPOINTS}, line 4: not JSON: "),
        ('{"alternative_endpoints": {"m": ["gpu:80"]}}', f"{ENDPOINTS}, alternative_endpoints/m/0: expected a URL"),
        ("[]", f"{ENDPOINTS}: not a configuration that is known here"),
    ],
)
def test_a_first_start_refuses_what_it_cannot_read_in_one_sentence(
    run: Run, tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / ENDPOINTS).write_text(content)
    done = run()
    assert done.returncode == 2
    assert done.stderr.startswith(f"What is to configure this gateway at its first start is wrong: {reason}")
    assert len(done.stderr.splitlines()) == 1
    assert revisions(tmp_path) == ["installation"]
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    assert len(said(run())) == 1


def test_a_first_start_refuses_wrong_variables_without_showing_them(run: Run) -> None:
    done = run(ROUTER_SERVICES='[{"name": "x", "backend_type": "cerebra", "api_key": "s3cret"}]')
    assert done.returncode == 2
    assert "is wrong: the environment, ROUTER_SERVICES/0/backend_type: expected one of openai, " in done.stderr
    assert done.stderr.strip().split(". Correct")[0].endswith(", not 'cerebra'")
    assert "s3cret" not in done.stderr


def test_a_later_start_names_a_broken_file_and_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS).write_text(blocks.ALTERNATIVES)
    run()
    (tmp_path / ENDPOINTS).write_text("{")
    (line,) = said(run())
    assert line.startswith(f"Not applied, and wrong: {ENDPOINTS}, line 1: not JSON")
    assert len(places(tmp_path)) == 2


def test_the_command_needs_something_to_import(run: Run) -> None:
    run()
    assert run("import_config").stderr == "CommandError: Name a file, or --environment.\n"
    done = run("import_config", "--environment")
    assert done.returncode == 0
    assert done.stdout.startswith("The environment sets none of ROUTER_SERVICES, BACKEND_TYPE, USE_ROUTER, OLLAMA_")


def test_the_lines_of_the_example_work_when_they_are_uncommented(run: Run) -> None:
    example = (ROOT / ".env.example").read_text().partition("# --- The failover router")[2].partition("\n")[2]
    values = dotenv.parse(re.sub(r"^#", "", example, flags=re.MULTILINE), ".env.example")
    assert list(values) == ["USE_ROUTER", "BACKEND_TYPE", "ROUTER_SERVICES"]
    assert said(run(**values)) == ["Configuration of the failover services loaded from the environment: 2 services"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (os.mkfifo, f"{ENDPOINTS}: expected a file, not a pipe"),
        (Path.mkdir, f"{ENDPOINTS}: Is a directory"),
        (lambda file: file.symlink_to("/nowhere/at/all"), f"{ENDPOINTS}: a link that leads nowhere"),
        (lambda file: file.symlink_to(file), f"{ENDPOINTS}: Too many levels of symbolic links"),
    ],
    ids=["pipe", "folder", "dangling link", "link to itself"],
)
def test_what_is_no_file_stops_the_first_start_and_is_named(
    run: Run, tmp_path: Path, make: Callable[[Path], object], expected: str
) -> None:
    make(tmp_path / ENDPOINTS)
    done = run()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert expected in done.stderr


def test_a_folder_that_is_not_there_stops_the_first_start_and_is_only_named_by_later_ones(
    run: Run, tmp_path: Path
) -> None:
    done = run(GATEWAY_CONFIG_DIR=str(tmp_path / "confg"))
    assert done.returncode == 2
    assert "confg: is no folder that can be read (GATEWAY_CONFIG_DIR)" in done.stderr
    (tmp_path / ENDPOINTS).write_text(OTHER)
    assert run().returncode == 0
    done = run(GATEWAY_CONFIG_DIR=str(tmp_path / "confg"))
    assert done.returncode == 0
    assert "confg: is no folder that can be read (GATEWAY_CONFIG_DIR)" in done.stderr


def test_a_database_that_others_hold_on_to_is_told_in_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "alternatives.json").write_text(OTHER)
    with closing(sqlite3.connect(tmp_path / "data" / "gateway.sqlite3")) as held:
        held.execute("BEGIN IMMEDIATE")
        done = run("import_config", str(tmp_path / "alternatives.json"))
        held.rollback()
    assert done.returncode == 1
    assert done.stderr == "CommandError: The database did not answer in time: nothing was imported. Try again.\n"
    assert run("import_config", str(tmp_path / "alternatives.json")).returncode == 0
