"""Where the classifier's words stand in a prompt, for people to see. ◇

The search is the classifier's in what people notice (case, accents, hyphens, whole words), and an approximation beyond:
what it does not find is still in the list of matches.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from routing.classify import LONGEST

_GAP = r"[\s'’ʼ‐‑-]+"
_TOKEN = re.compile(r"\w+|[^\w\s'’ʼ‐‑-]")
_SPACED = re.compile(r"[a-z0-9_\u0370-\u052f]")  # scripts whose words have ends; others count wherever they stand


def pieces(text: str, keywords: Mapping[str, str]) -> list[tuple[str, str]]:
    """``text`` cut into (piece, category), "" where none of ``keywords`` (keyword → category) stands.

    The longest keyword wins where several begin at one place. At most ``2 * LONGEST`` characters are searched.
    """
    folded, places = _folded(text[: 2 * LONGEST])
    found: list[tuple[int, int, str]] = []
    for keyword, category in keywords.items():
        pattern = _pattern(keyword)
        if pattern is not None:
            found += [(*match.span(), category) for match in pattern.finditer(folded)]
    cut: list[tuple[str, str]] = []
    done = 0
    for start, end, category in sorted(found, key=lambda one: (one[0], -one[1])):
        first, last = places[start], places[end - 1] + 1
        if first < done:
            continue
        cut += [(text[done:first], ""), (text[first:last], category)]
        done = last
    return [piece for piece in (*cut, (text[done:], "")) if piece[0]]


def _pattern(keyword: str) -> re.Pattern[str] | None:
    tokens = _TOKEN.findall(_folded(keyword)[0])
    if not tokens:
        return None
    inner = _GAP.replace("+", "*").join(re.escape(token) for token in tokens)
    if all(token.isalnum() for token in tokens):
        inner = _GAP.join(re.escape(token) for token in tokens)
    before = r"(?<!\w)" if _SPACED.match(tokens[0][0]) else ""
    after = r"(?!\w)" if _SPACED.match(tokens[-1][-1]) else ""
    return re.compile(before + inner + after)


def _folded(text: str) -> tuple[str, list[int]]:
    """Without case and accents, and for each of its characters the place in ``text`` that it comes from."""
    letters: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for letter in unicodedata.normalize("NFKD", sign).casefold():
            if not "\u0300" <= letter <= "\u036f":
                letters.append(letter)
                places.append(place)
    return "".join(letters), places
