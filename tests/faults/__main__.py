"""``make faults``: the table of faults with the gateway's own defaults and the table's own seconds.

    python -m tests.faults [--only WORDS] [--report docs/faults.md]

Prints a line a cell; ends with a status other than 0 if one failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.callers import Heard
from tests.faults.playing import cells, play
from tests.faults.stage import Cell
from tests.faults.wires import TEXT

HEADS = ("fault of the primary", "adapter", "mode", "what the caller saw", "tries", "seconds", "")
ABOUT = """\
# Under faults

What callers saw under each fault of `make faults`: the gateway as it is served (gunicorn, 2 workers, defaults), an
upstream on real sockets, for each cell a primary and a fallback endpoint of its own. "×20" are twenty callers at the
same moment. *tries*: requests that the primary saw, of all callers (where it cannot be reached: the record's tries).
*seconds*: of the slowest caller. `tests/faults/checks.py` says what is asserted beside what is shown: the text to the
letter, usage, the record, the state of circuits.

"""


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.faults")
    options.add_argument("--only", default="", help="rows whose fault contains these words")
    options.add_argument("--report", type=Path, help="write the table here, as Markdown")
    given = options.parse_args()
    chosen = [cell for cell in cells(1) if given.only in cell.row.fault]
    if not chosen:
        options.error(f"no row contains {given.only!r}")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        seen = play(chosen, Path(folder))
    seconds = time.monotonic() - begun
    failures = [_failure(cell) for cell in chosen]
    lines = [_line(cell, failure) for cell, failure in zip(chosen, failures, strict=True)]
    _print(lines)
    for cell, failure in zip(chosen, failures, strict=True):
        if failure:
            print(f"FAILED  {cell.row.fault}, {cell.wire.name}, {cell.label} (must: {cell.row.must}): {failure}")
    same = seen["pids"][0] == seen["pids"][1]
    workers = "The workers are the same as before" if same else "WORKERS WERE LOST"
    sums = (
        f"{len(chosen)} cells, {len(list(filter(None, failures)))} failed, {seconds:.0f} s. {workers}; at most "
        f"{max(seen['megabytes'])} MB of memory in one."
    )
    print(sums)
    if given.report:
        given.report.write_text(ABOUT + sums + "\n\n" + _markdown(lines))
    return 0 if same and not any(failures) else 1


def _failure(cell: Cell) -> str:
    try:
        cell.row.check(cell)
    except Exception as error:  # noqa: BLE001 - whatever a check stumbles over is a failure of its cell
        return f"{type(error).__name__} {error}"[:600].replace("\n", " ") or "failed"
    return ""


def _line(cell: Cell, failure: str) -> tuple[str, ...]:
    saw = Counter(_saw(heard) for heard in cell.heard)
    told = "; ".join(words if len(cell.heard) == 1 else f"{count} × {words}" for words, count in saw.most_common())
    primary = f"{cell.name} primary"
    tries = len(cell.tries["primary"]) or sum(attempt["endpoint"] == primary for attempt in cell.attempts)
    seconds = max((heard.seconds for heard in cell.heard), default=0.0)
    return (
        cell.row.fault,
        cell.wire.name,
        cell.label,
        told,
        str(tries),
        f"{seconds:.1f}",
        "FAILED" if failure else "ok",
    )


def _saw(heard: Heard) -> str:
    if heard.left_at is not None:
        return "left"
    if heard.broke or not heard.status:
        return f"broken: {heard.broke}"
    error: Any = heard.error
    if heard.status != 200:
        return f"{heard.status} {error['code'] or error['message'] if error else ''}"
    by = heard.answered_by
    if error:
        return f"{len(heard.text.split())} tokens of {by}, then an error event"
    return f"the answer of {by}" if heard.text == TEXT else f"another text of {by}: {heard.text[:40]!r}"


def _print(lines: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(HEADS, *lines, strict=True)]
    for line in (HEADS, *lines):
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def _markdown(lines: list[tuple[str, ...]]) -> str:
    rows = [HEADS, ("---",) * len(HEADS), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
