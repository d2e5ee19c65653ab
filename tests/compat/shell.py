"""Lines of the documents, run by a real shell as they are written; only host and port are ours."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

HOST = re.compile(r"http://localhost:\d+")


def run_shell(script: str, url: str) -> str:
    """What ``script`` prints, the gateway at ``url`` taking the place of the document's. Skips without curl."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    script = HOST.sub(url, script).replace("curl ", "curl --silent --show-error --max-time 60 ")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout
