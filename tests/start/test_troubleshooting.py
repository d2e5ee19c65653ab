"""Every command of docs/troubleshooting.md runs, and the codes that it explains are those that callers get."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.running import ROOT, RunningGateway, running_gateway
from tests.services import missing
from tests.upstream import Upstream, reply

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
BELOW = {title: text for title, _, text in (part.partition("\n") for part in PAGE.split("\n## ")[1:])}
SECTIONS = list(BELOW)
COMMANDS = {title: "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)) for title, text in BELOW.items()}
TELLING = {
    "The port is taken": r"LISTEN",
    "Is it there?": r'"status":\s*"ready"',
    "The key": r"^200$",
    "The model": r'"gpt-4o-mini"',
    "The providers": r"acme",
    "The way of a request": r"chat",
    "What was refused": r'"code":"missing_parameter"',
    "Ollama": r"models",
    "CORS": r"https://app.example.com",
    "The admin": r"^rescue-\d+ \S{20,}$",
    "The configuration": r"^#1 ",
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with Upstream(reply({"models": []})) as ollama:
        place = {"provider": "acme", "upstream_model": "chat", "base_url": f"{ollama.url}/v1"}
        acme = {"kind": "openai-compatible", "base_url": place["base_url"], "keyless": True, "models": {"chat": {}}}
        document = {
            "version": 1,
            "providers": {"acme": acme},
            "endpoints": {"chat": place},
            "models": {"gpt-4o-mini": {"entries": [{"endpoint": "chat"}]}},
        }
        environment = {"GATEWAY_CORS_ORIGINS": "https://app.example.com", "OLLAMA_BASE_URL": ollama.url}
        folder = tmp_path_factory.mktemp("troubles")
        with running_gateway(folder, yaml.safe_dump(document, sort_keys=False), workers=1, **environment) as running:
            assert running.post({"model": "gpt-4o-mini"})[0] == 400
            yield running


def test_every_section_has_a_command() -> None:
    assert [title for title, command in COMMANDS.items() if not command] == []
    assert TELLING.keys() <= COMMANDS.keys()


@pytest.mark.gateway
@pytest.mark.parametrize("section", SECTIONS)
def test_the_commands_run_as_they_stand(gateway: RunningGateway, section: str) -> None:
    command = COMMANDS[section]
    program = command.split()[0]
    if not (shutil.which(program) or (ROOT / program).exists() or "=" in program):
        missing(f"no {program} here")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace(":8000", f":{gateway.port}")],
        cwd=ROOT, env={**gateway.environment, "PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(TELLING.get(section, "."), done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_every_code_that_is_explained_is_one_that_callers_get() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "gateway_project/api").rglob("*.py"))
    seen = re.findall(r"^\| ([^|]+) \|", PAGE, re.MULTILINE)
    codes = {code for cell in seen for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", cell)}
    assert len(codes) > 8
    assert [code for code in codes if f'"{code}"' not in source] == []


def test_links_within_the_page_lead_somewhere() -> None:
    anchors = {re.sub(r"[^a-z0-9 -]", "", section.lower()).replace(" ", "-") for section in SECTIONS}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    assert (ROOT / "docs" / "providers.md").read_text().count("\n## Proxies\n") == 1
