"""docs/configuration.md: its example is a document as it would be exported, and its commands run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from routing.config import text
from routing.config.apply import apply
from routing.config.serialize import serialize
from tests.running import ROOT

DOC = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)
AN_EDIT = "from routing.models import PublicModel; PublicModel(name='by-hand').save()"


def seen(folder: Path, repository: Path, script: str) -> str:
    """What ``script`` prints in a checkout whose data is in ``folder``; the document's repository is ``repository``."""
    python = folder / ".venv" / "bin" / "python"
    if not python.exists():
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (folder / "manage.py").symlink_to(ROOT / "manage.py")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GATEWAY_IGNORE_DOTENV": "yes",
        "GATEWAY_DATA_DIR": str(folder / "data"),
        **{f"GIT_{who}_{what}": "site@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    script = script.replace("/srv/git/gateway-site.git", str(repository))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, script + done.stdout + done.stderr
    return done.stdout


@pytest.mark.django_db
def test_the_example_is_canonical():
    example = textwrap.dedent(DOC.partition("## The document\n")[2].partition("| section")[0]).strip() + "\n"
    apply({"version": 1}, "ada", "test")
    apply(text.load(example), "ada", "test")
    assert text.load(example) == serialize()


def test_the_commands_run_as_they_stand(tmp_path):
    inverse, first, later, compare, deploy, back = BLOCKS
    repository = tmp_path / "site.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    here, there = tmp_path / "here", tmp_path / "there"
    edit = f'.venv/bin/python manage.py shell -c "{AN_EDIT}"\n'
    here.mkdir()
    seen(here, repository, ".venv/bin/python manage.py prepare")
    shutil.copytree(here, there, symlinks=True)
    seen(here, repository, first)
    told = seen(here, repository, edit + inverse)
    assert "Nothing to change." in told
    assert "+ models/by-hand: {}" in told
    assert told.endswith("- models/by-hand: {}\n1 changed, revision #3.\n")
    seen(here, repository, edit.replace("by-hand", "again") + later)
    assert "\n+  again: {}\n" in seen(here, repository, compare)
    assert "gateway_site.0002_add_mistral applied: 1 changed, revision #2." in seen(there, repository, deploy)
    told = seen(there, repository, back)
    assert "0002_add_mistral taken back: 1 changed" in told
    assert "0001_first taken back: 0 changed" in told
