"""Wrong files of every format that can be imported: a clear message, nothing changed, nothing secret said."""

from __future__ import annotations

import copy
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from routing.config.apply import apply
from routing.config.document import DocumentError
from routing.config.importers import FORMATS, import_sources, recognise
from routing.config.importers.source import Source
from routing.config.serialize import read
from routing.models import ConfigClock
from tests.importers.examples import CANARY, DATA, written

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
MB = 1024 * 1024
VALUES: tuple[Any, ...] = (None, True, -1, 1e30, 10**30, "x" * 300, "", [], {"x": {"y": []}})
labels = pytest.mark.parametrize("label", DATA)
Import = Callable[..., str]


@pytest.fixture(autouse=True)
def _small(db: None) -> None:
    """A small configuration, so that hundreds of files are tried soon."""
    openai = {"kind": "openai", "base_url": "https://api.openai.com/v1", "models": {"gpt-4o": {}}}
    endpoints = {"openai/gpt-4o": {"provider": "openai", "upstream_model": "gpt-4o"}}
    apply({"version": 1, "providers": {"openai": openai}, "endpoints": endpoints}, "test", "test")


def state() -> tuple[Any, ...]:
    return read(), list(ConfigClock.objects.values())


def tried(label: str, text: str | bytes) -> str:
    """What is said of a file, as a dry run; fails where anything but a DocumentError is raised, or a secret is said."""
    source = Source(DATA[label][0], text if isinstance(text, bytes) else text.encode())
    try:
        outcome = import_sources([source], "test", "test", dry_run=True)
        said = "\n".join(map(str, outcome.notes))
    except DocumentError as error:
        said = f"refused: {error}"
    assert CANARY not in said, said
    return said


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within, the whole first."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from nodes(inner, (*path, key))


def replaced(data: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """``data`` with another value at ``path``."""
    if not path:
        return change(data)
    data = copy.copy(data)
    data[path[0]] = replaced(data[path[0]], path[1:], change)
    return data


def test_there_is_an_example_of_every_format_and_it_is_known_as_that() -> None:
    assert set(DATA) == {form.label for form in FORMATS}
    for label, (name, data) in DATA.items():
        assert recognise(Source(name, written(label, data).encode())).label == label


@labels
def test_the_example_itself_is_taken(label: str) -> None:
    assert not tried(label, written(label, DATA[label][1])).startswith("refused")


@labels
def test_a_value_of_another_type_anywhere_is_taken_or_refused_in_words(label: str) -> None:
    before, data = state(), DATA[label][1]
    changes: list[Callable[[Any], Any]] = [lambda _old, new=new: new for new in VALUES]  # type: ignore[misc]
    changes += [lambda old: [old, old], lambda old: {"x": old}]
    refused = 0
    for path in nodes(data):
        for change in changes:
            said = tried(label, written(label, replaced(data, path, change)))
            refused += said.startswith("refused")
    assert refused > len(list(nodes(data)))
    assert state() == before


@labels
def test_a_file_that_ends_in_the_middle_is_refused_or_says_less(label: str) -> None:
    before, text = state(), written(label, DATA[label][1])
    for end in range(0, len(text), max(1, len(text) // 40)):
        tried(label, text[:end])
    assert state() == before


@labels
def test_a_file_with_letters_changed_by_chance_is_taken_or_refused_in_words(label: str) -> None:
    before, text, chance = state(), written(label, DATA[label][1]), random.Random(5)
    letters = "{}[]:,\"'\\&*!|>-#%@`?\n\t 0é\x00\x85\u2028"
    for _ in range(60):
        where = chance.randrange(len(text))
        tried(label, text[:where] + chance.choice(letters) + text[where + chance.randrange(3) :])
    assert state() == before


WHOLE: dict[str, tuple[Callable[[str], bytes], str]] = {
    "empty": (lambda text: b"", "not a configuration that is known here. Known: the gateway's own export"),
    "blank": (lambda text: b" \n\n", "not a configuration that is known here"),
    "UTF-16": (lambda text: text.encode("utf-16"), "expected UTF-8 text"),
    "UTF-32": (lambda text: text.encode("utf-32"), "expected UTF-8 text"),
    "Latin-1": (lambda text: text.encode() + b"# caf\xe9", "expected UTF-8 text"),
    "binary": (lambda text: bytes(range(256)) * 64, "expected UTF-8 text"),
    "more than 10 MB": (lambda text: text.encode() + b"\n" * 10 * MB, "the file is larger than 10 MB"),
    "nested too deep": (lambda text: b"x: " + b"[" * 5000, "nested more than 50 deep"),
    "nested too deep, as JSON": (
        lambda text: b'{"version": ' + b"[" * 900 + b"]" * 900 + b"}",
        "nested more than 50 deep",
    ),
    "nested much too deep, as JSON": (lambda text: b"[" * 200_000, "nested"),
    "a bomb": (
        lambda text: (
            b"a: &a [x, x, x, x, x, x, x, x, x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 107))
        ),
        "aliases (*) that unfold to more than 1,000,000 characters and values",
    ),
}


@pytest.mark.parametrize("what", WHOLE)
@labels
def test_a_file_that_is_wrong_as_a_whole_is_refused_by_name(refused: Import, label: str, what: str) -> None:
    make, expected = WHOLE[what]
    name, data = DATA[label]
    said = refused(name, make(written(label, data)))
    assert expected in said
    assert name in said
    assert "Traceback" not in said


@labels
def test_a_mark_at_the_beginning_of_the_file_is_accepted(imported: Import, label: str) -> None:
    name, data = DATA[label]
    plain, marked = (imported(name, start + written(label, data), "--dry-run") for start in ("", "\ufeff"))
    assert plain == marked


@labels
def test_ten_megabytes_are_read_in_bounded_time(label: str) -> None:
    text = written(label, DATA[label][1])
    assert not tried(label, text + "\n" * (10 * MB - len(text.encode()))).startswith("refused")


@labels
def test_importing_twice_changes_nothing_and_a_dry_run_never_does(imported: Import, label: str) -> None:
    name, data = DATA[label]
    before = state()
    imported(name, written(label, data), "--dry-run")
    assert state() == before
    said = imported(name, written(label, data))
    after = state()
    assert imported(name, written(label, data)).endswith("Nothing to change.\n")
    assert state() == after
    assert CANARY not in said


def test_the_command_itself_ends_with_an_error_and_shows_no_traceback_and_no_secret(tmp_path: Path) -> None:
    """The real program: exit status, both outputs, and a log that knows no secret either."""
    environ = {"PATH": os.environ["PATH"], "GATEWAY_IGNORE_DOTENV": "yes", "GATEWAY_DATA_DIR": str(tmp_path / "data")}
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(f"model_list: [{{model_name: x, litellm_params: {{model: openai/x, rpm: {CANARY}}}}}]")
    run = [sys.executable, "manage.py"]
    subprocess.run([*run, "prepare"], cwd=ROOT, env=environ, check=True, capture_output=True)
    for file in (tmp_path, wrong):
        done = subprocess.run([*run, "import_config", str(file)], cwd=ROOT, env=environ, capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert str(file) in said
        assert "Traceback" not in said
        assert CANARY not in said
