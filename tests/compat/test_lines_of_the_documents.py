"""Every block of shell lines with curl in it, straight from the documents, against one gateway of three workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import yaml

from tests.compat import documents
from tests.compat.shell import run_shell
from tests.compat.vendors import KEYS, at_board, plug_all
from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard

pytestmark = [
    pytest.mark.gateway,
    pytest.mark.skipif(not documents.present(), reason="the documents are not beside this checkout"),
    pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed"),
]


def blocks() -> list[tuple[str, str]]:
    """(system, lines), in the documents' order."""
    found = []
    for system in documents.SYSTEMS if documents.present() else ():
        text = documents.read(system)
        shell = [block for language, block in documents.FENCE.findall(text) if language == "bash"]
        spans = documents.SPAN.findall(documents.FENCE.sub("", text))
        found += [(system, lines) for lines in (*shell, *spans) if "curl " in lines]
    return found


BLOCKS = tuple(enumerate(blocks()))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The vendors have keys, and the failover router's services stand behind any other name."""
    with Switchboard() as board:
        plug_all(board)
        config = yaml.safe_load(at_board(board))
        config["endpoints"] = {"primary": {"provider": "openai", "upstream_model": "llama3.1-8b"}}
        config["models"] = {"*": {"strategy": "priority", "entries": [{"endpoint": "primary"}]}}
        folder = tmp_path_factory.mktemp("everything")
        with running_gateway(folder, yaml.safe_dump(config), workers=3, GATEWAY_AUTH="off", **KEYS) as gateway:
            yield gateway


@pytest.mark.parametrize("lines", [pytest.param(lines, id=f"{system}, {number}") for number, (system, lines) in BLOCKS])
def test_the_lines_run_as_written_and_none_is_refused(everything: RunningGateway, lines: str) -> None:
    lines = lines.replace("l'IA", r"l'\''IA").replace("sleep 1", "sleep 0")
    said = run_shell(lines.replace("curl ", "curl --fail "), everything.url)
    assert said
    assert '"error"' not in said
