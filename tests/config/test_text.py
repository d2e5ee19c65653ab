"""The document as YAML: exact both ways, bounded, and errors that say where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.config import text
from routing.config.document import DocumentError

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))


@given(st.dictionaries(WORDS.filter(lambda key: key != "version"), VALUES, max_size=4))
def test_what_is_written_is_read_back_exactly(said):
    document = {"version": 1, **said}
    assert text.load(text.dump(document)) == document


def test_the_same_thing_said_twice_is_written_out_twice():
    entry = {"endpoint": "a"}
    written = text.dump({"version": 1, "models": {"x": {"entries": [entry]}, "y": {"entries": [entry]}}})
    assert "&" not in written
    assert "*" not in written


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", "expected a mapping that begins with “version: 1”"),
        ("- 1", "expected a mapping"),
        ("models: {}", "version: expected 1, not None"),
        ("version: 2", "version: expected 1, not 2"),
        ("version: true", "version: expected 1, not True"),
        ("version: 1\nmodels: {a: &x {}, b: *x}", "line 2: anchors and aliases"),
        ("version: 1\nmodels: !!python/object/apply:os.system [ls]", "line 2: tags"),
        ("version: 1\nmodels: {}\nmodels: {}", "line 3: the key 'models' appears twice"),
        ("version: 1\nmodels: {a: {x: 1, x: 2}}", "line 2: the key 'x' appears twice"),
        ("version: 1\nmodels: {1: {}}", "line 2: the key 1 is not text"),
        ("version: 1\nmodels: {[a]: {}}", "line 2: a list or mapping as key is not text"),
        ("version: 1\nmodels: [", "not YAML"),
        ("version: 1\n\tx: 1", "line 2: not YAML"),
        ("version: 1\nx: " + "[" * 5000, "line 2: nested more than 50 deep"),
        ("version: 1\nx: " + "{a: " * 60, "line 2: nested more than 50 deep"),
        ("version: 1\nx: [1, .nan]", "x/1: expected a finite number"),
        ("version: 1\nx: " + "9" * 5000, "not YAML: Exceeds the limit"),
        ('version: 1\nx: "\\0"', "x: expected text without NUL"),
        ("version: 1\n---\nversion: 1", "another document"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"version: 1\nx: \xc3", "not YAML"),
        ("version: 1\nx: \ud800", "not YAML"),
    ],
)
def test_what_cannot_be_a_document_is_refused_with_line_or_path(written, expected):
    with pytest.raises(DocumentError) as caught:
        text.load(written)
    assert expected in str(caught.value)


def test_ten_megabytes_are_the_limit():
    with pytest.raises(DocumentError, match="larger than 10 MB"):
        text.load(b"version: 1 #" + b"x" * text.MAX_BYTES)


def test_dates_and_merge_keys_are_plain_text():
    read = text.load("version: 1\nx: 2026-01-31\n<<: {a: 1}")
    assert read == {"version": 1, "x": "2026-01-31", "<<": {"a": 1}}


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "1" * 400, "-" + "1" * 400])
def test_a_number_without_end_is_refused(number: str) -> None:
    with pytest.raises(DocumentError, match="models/a/x: expected a number of at most 300 digits"):
        text.parse(f"version: 1\nmodels: {{a: {{x: {number}}}}}")
