"""A part of the canonical document, as text: ``version: 1``, ``part: true``, and some rows of one section.

Importing a part replaces the rows that it names, whole, and leaves all others as they are. What its rows refer to is
not in it: it must exist where the part is imported, which otherwise says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routing.config.document import PART, SECTIONS, VERSION, DocumentError, Problem, shown
from routing.config.text import dump


def selection(document: Mapping[str, Any], section: str, names: Iterable[str]) -> str:
    """YAML of the rows ``names`` of ``section`` (providers, endpoints, models, categories), in the document's order.

    Names that the document does not have are left out. Holds no secrets, as the document holds none.
    """
    wanted = set(names)
    rows = {name: row for name, row in document.get(section, {}).items() if name in wanted}
    return dump({"version": VERSION, PART: True, section: rows})


def is_part(document: Mapping[str, Any]) -> bool:
    """Whether a document that was read is one. Raises DocumentError where ``part`` is neither true nor false."""
    said = document.get(PART, False)
    if not isinstance(said, bool):
        raise DocumentError([Problem(PART, f"expected true or false, not {shown(said)}")])
    return said


def merged(whole: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """``whole`` with the rows of ``part`` in place of those of the same names. Raises DocumentError."""
    document = {name: said for name, said in whole.items() if name != PART}
    for name, said in part.items():
        if name == PART:
            continue
        if name in SECTIONS:
            if not isinstance(said, Mapping):
                raise DocumentError([Problem(name, f"expected a mapping of names, not {shown(said)}")])
            document[name] = {**document.get(name, {}), **said}
        else:
            document[name] = said
    return document
