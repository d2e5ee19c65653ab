"""What the papers promise exists, and what exists is in the papers."""

from __future__ import annotations

import re
from pathlib import Path

from providers.kinds import KINDS
from routing.config.importers import environment

NAME, OURS = re.compile(r'"([A-Z_]+)"'), re.compile(r'"(GATEWAY_[A-Z_]+)"')
ROOT = Path(__file__).resolve().parent.parent.parent
ACTED_ON = set(environment.ACTED_ON)  # at a first start, or by `import_config --environment`


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def settings_read() -> set[str]:
    sources = read("gateway_project/settings.py") + read("gateway_project/env_oidc.py")
    readers = re.findall(r"env\.\w+\(\s*((?:\"[A-Z_]+\"(?:,\s*)?)+)", sources)
    return {name for group in readers for name in NAME.findall(group)} | set(OURS.findall(sources))


def test_every_setting_is_in_the_example_and_the_example_has_no_other() -> None:
    example = read(".env.example")
    offered = set(re.findall(r"^#([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bHOST\b|\bPORT\b", example))
    vendors = {variable for kind in KINDS.values() for variable in kind.env_vars}
    assert len(settings_read()) >= 25
    assert settings_read() - offered == set()
    assert vendors - named == set()
    assert offered - settings_read() - vendors == ACTED_ON - settings_read()


def test_every_line_of_the_example_is_a_comment_so_that_copying_it_changes_nothing() -> None:
    assert [line for line in read(".env.example").splitlines() if line and not line.startswith("#")] == []


def test_every_make_command_of_the_papers_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", read("Makefile"), re.MULTILINE))
    papers = read("README.md") + read("CONTRIBUTING.md")
    named = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", papers, re.MULTILINE))
    assert {"run", "test", "demo"} <= named <= targets


def test_every_requirement_has_its_reason() -> None:
    reasons = read("ARCHITECTURE.md").partition("## What we stand on")[2].partition("\n## ")[0].lower()
    explained = set(re.findall(r"^\| ([a-z0-9-]+) \| \S", reasons, re.MULTILINE)) - {"package"}
    required = re.findall(r"^([A-Za-z0-9-]+)(?:\[[a-z,]+\])?==", read("requirements.txt"), re.MULTILINE)
    assert explained == {name.lower() for name in required}


def test_files_the_papers_point_to_exist() -> None:
    for paper in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        for name in re.findall(r"(?:gateway_project|routing|providers|metrics)/[a-z_/]+(?:\.py|/)", read(paper)):
            assert (ROOT / name).exists(), f"{paper} names {name}"


def test_continuous_integration_runs_what_everybody_runs() -> None:
    assert read(".ci/run").rstrip().endswith("exec make test")
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
