"""docs/compatibility.md tells the truth: each of its rows names tests that exist, and every promise has a row."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.compat import documents
from tests.running import ROOT

PAPER = ROOT / "docs" / "compatibility.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Row:
    """One row: the ``spans`` of code in what was promised, and the tests ("path::name") that prove it."""

    system: str
    promised: str
    spans: tuple[str, ...]
    tests: tuple[str, ...]


def rows(paper: str) -> Iterator[Row]:
    """The rows of the tables whose last column is "the test"."""
    system, counted = "", False
    for line in paper.splitlines():
        if line.startswith("## "):
            system = line.removeprefix("## ")
        if not line.startswith("|"):
            counted = False
            continue
        cells = [cell.strip() for cell in CELLS.split(line)[1:-1]]
        if cells[-1] == "the test":
            counted = True
        elif counted and set(line) - set("|- "):
            spans = tuple(span.replace("\\|", "|") for span in documents.SPAN.findall(cells[0]))
            yield Row(system, cells[0], spans, tuple("::".join(found) for found in TEST.findall(cells[-1])))


ROWS = tuple(rows(PAPER.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def collected(request: pytest.FixtureRequest) -> set[str]:
    """Every test of the files that the paper names, as pytest itself finds them (in this run, if it has all)."""
    files = {test.partition("::")[0] for row in ROWS for test in row.tests}
    found = {item.nodeid.partition("[")[0] for item in request.session.items}
    return found if files <= {test.partition("::")[0] for test in found} else _collect(files)


def _collect(files: set[str]) -> set[str]:
    there = sorted(file for file in files if (ROOT / file).exists())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", "-p", "no:cacheprovider", *there]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}


def covers(row: Row, kind: str, promise: str) -> bool:
    """Whether a row is about a promise: it names it, or, of a key, a path that ends in it or goes on from it."""
    if kind == "endpoints":
        return any(_same_endpoint(span, promise) for span in row.spans)
    if kind == "keys":
        return any(
            f".{span}".endswith(f".{promise}") or span.startswith((f"{promise}.", f"{promise}[")) for span in row.spans
        )
    if kind == "commands":
        return any(f"{promise} ".startswith(f"{span} ") for span in row.spans)
    return promise in row.spans


def _same_endpoint(span: str, promise: str) -> bool:
    one, other = documents.ENDPOINT.fullmatch(span), documents.ENDPOINT.fullmatch(promise)
    if not one or not other or (other[1] and one[1] not in (None, other[1])):
        return False
    return re.fullmatch(re.sub(r"\\\{.*?\\\}", ".+", re.escape(one[2])), other[2]) is not None


def test_each_system_has_its_table() -> None:
    assert {row.system for row in ROWS} == set(documents.SYSTEMS)


def test_each_row_names_a_test() -> None:
    assert not [row.promised for row in ROWS if not row.tests]


def test_each_named_test_exists_and_is_collected(collected: set[str]) -> None:
    named = {test for row in ROWS for test in row.tests}
    missing = sorted(named - collected)
    assert not missing


@pytest.mark.skipif(not documents.present(), reason="the documents are not beside this checkout")
@pytest.mark.parametrize("system", documents.SYSTEMS)
def test_each_promise_of_the_documents_code_has_a_row(system: str) -> None:
    own = [row for row in ROWS if row.system == system]
    promised = documents.promises(system)
    assert any(promised.values())
    without = [
        f"{kind}: {promise}"
        for kind, promises in promised.items()
        for promise in sorted(promises)
        if not any(covers(row, kind, promise) for row in own)
    ]
    assert not without


@pytest.mark.parametrize(
    ("spans", "kind", "promise", "covered"),
    [
        (["POST /x/{name}"], "endpoints", "POST /x/a/b", True),
        (["/x"], "endpoints", "GET /x", True),
        (["GET /x"], "endpoints", "/x", True),
        (["GET /x"], "endpoints", "POST /x", False),
        (["GET /x"], "endpoints", "GET /x/y", False),
        (["a[].b.c"], "keys", "a[].b.c", True),
        (["a[].b.c"], "keys", "a", True),
        (["a[].b.c"], "keys", "c", True),
        (["a[].b.c"], "keys", "a[].b.d", False),
        (["ab"], "keys", "b", False),
        (["uvicorn main:app"], "commands", "uvicorn main:app --reload", True),
        (["uvicorn main:app"], "commands", "uvicorn main:application", False),
        (["A_KEY"], "variables", "KEY", False),
    ],
)
def test_a_row_is_about_what_it_names(spans: list[str], kind: str, promise: str, covered: bool) -> None:
    assert covers(Row("", "", tuple(spans), ()), kind, promise) is covered
