"""Files as people have them, imported by the command as people run it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., str]:
    """``imported("name.json", content, …)``: what the command prints; ``content``: bytes, text or what becomes JSON."""

    def run(name: str, content: Any, *options: str) -> str:
        file = tmp_path / name
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        file.write_bytes(content)
        out = io.StringIO()
        call_command("import_config", str(file), *options, stdout=out, no_color=True)
        return out.getvalue().replace(str(tmp_path) + "/", "")

    return run


@pytest.fixture
def refused(imported: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """The same for a file that is wrong: what the command says of it. Fails where anything was changed."""
    from routing.config.serialize import read
    from routing.models import ConfigClock, ConfigRevision

    def run(name: str, content: Any) -> str:
        before = read(), ConfigRevision.objects.count(), list(ConfigClock.objects.values())
        with pytest.raises(CommandError, match="Nothing was imported, nothing was changed") as caught:
            imported(name, content)
        assert (read(), ConfigRevision.objects.count(), list(ConfigClock.objects.values())) == before
        return str(caught.value).replace(str(tmp_path) + "/", "")

    return run
