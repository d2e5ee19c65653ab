"""Plays cells on one stage, many at a time, and gathers what the gateway remembers of each."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.rows import ROWS
from tests.faults.stage import CROWD, LONG, QUICK, WAITING, Cell, Stage, raised
from tests.faults.wires import WIRES

AT_A_TIME = 4  # quick cells: what they are to show is not how much two cores can do
BETWEEN = 0.25  # seconds between the starts of cells that wait, so that their deadlines do not pass at one moment


def cells(scale: float, *, crowds: int = len(WIRES)) -> list[Cell]:
    """Every cell of the table: the rows in each wire format and mode, by one caller and, in as many wire formats as
    ``crowds`` says (other ones from row to row), by twenty."""
    made = []
    for number, row in enumerate(ROWS):
        crowded = {WIRES[(number + place) % len(WIRES)] for place in range(crowds)} if row.crowd else set()
        for wire in WIRES:
            for mode in row.modes:
                made.append(Cell(row, wire, mode, 1, scale))
                if wire in crowded:
                    made.append(Cell(row, wire, mode, CROWD, scale))
    return made


def play(chosen: list[Cell], folder: Path) -> dict[str, Any]:
    """Plays ``chosen`` and fills in what became of them. Returns what concerns the gateway as a whole: ``pids`` before
    and after, ``megabytes`` that a worker had at most, ``log``."""
    with raised(chosen, folder) as stage:
        before = sorted(stage.gateway.worker_pids())
        long = _started(stage, [cell for cell in chosen if cell.row.pace == LONG])
        _ended(_started(stage, [cell for cell in chosen if cell.row.pace == WAITING]))
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(stage.play, [cell for cell in chosen if cell.row.pace == QUICK]))
        _ended(long)
        after = sorted(stage.gateway.worker_pids())
        megabytes = [_most_memory(pid) for pid in after]
        _remember(stage)
        return {"pids": (before, after), "megabytes": megabytes, "log": stage.gateway.log}


def _started(stage: Stage, chosen: list[Cell]) -> list[threading.Thread]:
    threads = [threading.Thread(target=stage.play, args=(cell,)) for cell in chosen]
    for thread in threads:
        thread.start()
        thread.join(BETWEEN)
    return threads


def _ended(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


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
