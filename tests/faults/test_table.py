"""Every row of the table of faults, in three wire formats, streamed and whole, by one caller and by twenty at once.

The seconds of the table are scaled to a tenth; `make faults` plays it with the defaults.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.playing import cells, play
from tests.faults.stage import Cell

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(400)]

CELLS = cells(0.1, crowds=1)
MEGABYTES = 700  # of a worker that read a gigabyte, and others of them at the same time


@pytest.fixture(scope="session")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Plays the cells whose tests were chosen."""
    chosen = [item.callspec.params["cell"] for item in request.session.items if "cell" in _parameters(item)]
    return play(chosen, tmp_path_factory.mktemp("faults"))


def _parameters(item: Any) -> dict[str, Any]:
    return item.callspec.params if item.path.name == "test_table.py" and hasattr(item, "callspec") else {}


@pytest.mark.parametrize("cell", CELLS, ids=[f"{cell.row.fault}, {cell.wire.name}, {cell.label}" for cell in CELLS])
def test_what_must_happen_happens(cell: Cell, played: dict[str, Any]) -> None:
    cell.row.check(cell)


def test_the_workers_are_the_same_and_have_kept_their_memory(played: dict[str, Any]) -> None:
    before, after = played["pids"]
    assert before == after
    assert max(played["megabytes"]) < MEGABYTES
    assert "Traceback" not in played["log"]
