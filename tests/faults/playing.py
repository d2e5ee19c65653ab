"""Plays cells on one stage, many at a time, and gathers what the gateway remembers of each."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.rows import ROWS
from tests.faults.stage import CROWD, Cell, Stage, raised
from tests.faults.wires import WIRES

AT_A_TIME = 6  # cells that are not slow: what they are to show is not how much two cores can do


def cells(scale: float) -> list[Cell]:
    """Every cell of the table: the rows in each wire format and mode, by one caller and by twenty."""
    return [
        Cell(row, wire, mode, callers, scale)
        for row in ROWS
        for wire in WIRES
        for mode in row.modes
        for callers in ((1, CROWD) if row.crowd else (1,))
    ]


def play(chosen: list[Cell], folder: Path) -> dict[str, Any]:
    """Plays ``chosen`` and fills in what became of them. Returns what concerns the gateway as a whole: ``pids`` before
    and after, ``megabytes`` that a worker had at most, ``log``."""
    with raised(chosen, folder) as stage:
        before = sorted(stage.gateway.worker_pids())
        slow = [threading.Thread(target=stage.play, args=(cell,)) for cell in chosen if cell.row.slow]
        for thread in slow:
            thread.start()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(stage.play, [cell for cell in chosen if not cell.row.slow]))
        for thread in slow:
            thread.join()
        after = sorted(stage.gateway.worker_pids())
        megabytes = [_most_memory(pid) for pid in after]
        _remember(stage)
        return {"pids": (before, after), "megabytes": megabytes, "log": stage.gateway.log}


def _most_memory(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def _remember(stage: Stage) -> None:
    """The records, attempts and circuits of every cell."""
    by_name = {cell.name: cell for cell in stage.cells}
    rows = stage.gateway.records(sum(len(cell.heard) for cell in stage.cells))
    owner = {row["id"]: by_name[row["requested_model"]] for row in rows}
    for row in rows:
        owner[row["id"]].records.append(row)
    for attempt in stage.gateway.rows("SELECT * FROM metrics_attemptlog ORDER BY request, number"):
        owner[attempt["request"]].attempts.append(attempt)
    circuits: dict[str, dict[str, Any]] = defaultdict(dict)
    for state in stage.gateway.rows("SELECT * FROM routing_circuitstate"):
        found = re.search(r"/(cell\d+)/(primary|fallback)", state["identity"])
        if found:
            circuits[found[1]][found[2]] = state
    for name, states in circuits.items():
        by_name[name].circuits = states
