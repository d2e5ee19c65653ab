"""Other systems' YAML: anchors, aliases and merges, as long as what they unfold to stays bounded."""

from __future__ import annotations

import pytest

from routing.config import text
from routing.config.document import DocumentError

LAUGHS = (
    "a: &a ["
    + ", ".join(["lol"] * 9)
    + "]\n"
    + "".join(f"{name}: &{name} [" + ", ".join([f"*{chr(ord(name) - 1)}"] * 9) + "]\n" for name in "bcdefghi")
)
MERGED_LAUGHS = "a: &a {k: lol}\n" + "".join(
    f"{name}: &{name} {{<<: [" + ", ".join([f"*{chr(ord(name) - 1)}"] * 9) + "]}\n" for name in "bcdefghi"
)
STAIRS = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))
LONG = f"a: &a {'x' * 100_000}\nb: [" + ", ".join(["*a"] * 11) + "]"


def test_aliases_stand_for_what_their_anchors_mark():
    said = text.parse("defaults: &d {timeout: 60}\none: *d\ntwo: [*d, *d]", foreign=True)
    assert said == {"defaults": {"timeout": 60}, "one": {"timeout": 60}, "two": [{"timeout": 60}] * 2}


def test_a_merge_takes_keys_over_and_what_is_said_beside_it_wins():
    said = text.parse(
        "base: &b {timeout: 60, key: k}\nmore: &m {<<: *b, key: m}\none: {<<: *m, timeout: 5}\ntwo: {<<: [*m, *b]}",
        foreign=True,
    )
    assert said["one"] == {"timeout": 5, "key": "m"}
    assert said["two"] == {"timeout": 60, "key": "m"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (LAUGHS, "line 6: aliases (*) that unfold to more than 1,000,000"),
        (MERGED_LAUGHS, "aliases (*) that unfold to more than 1,000,000"),
        (LONG, "line 2: aliases (*) that unfold to more than 1,000,000"),
        (STAIRS, "nested more than 50 deep"),
        ("a: &a [*a]", "line 1: an alias (*) that stands for nothing complete before it"),
        ("a: &a {<<: *a}", "line 1: an alias (*) that stands for nothing"),
        ("a: *b", "line 1: an alias (*) that stands for nothing"),
        ("a: &a {x: 1}\nb: {<<: *a, y: 1, y: 2}", "line 2: the key 'y' appears twice"),
        ("a: {<<: 5}", "line 1: not YAML"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: tags"),
    ],
)
def test_what_unfolds_without_end_or_says_a_thing_twice_is_refused_with_its_line(written, expected):
    with pytest.raises(DocumentError) as caught:
        text.parse(written, foreign=True)
    assert expected in str(caught.value)


def test_our_own_documents_have_neither():
    with pytest.raises(DocumentError, match="anchors and aliases"):
        text.parse("a: &a {}\nb: *a")
    assert text.parse("a: {<<: {x: 1}, x: 2}") == {"a": {"<<": {"x": 1}, "x": 2}}
