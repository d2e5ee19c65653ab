"""A request → the category it is about, by keywords, and why. Pure. ◇ no framework. Source: the category router.

A request with tools is for ``tools``, if there is such a category. Otherwise the last user turns are searched for each
category's keywords and phrases:

- Case and accents do not count, in neither keyword nor text (casefold, NFKD without Latin, Greek and Cyrillic accents,
  NFC), nor do hyphens and apostrophes: they separate, as spaces do. ``step by step`` is in "Step-by-step".
- A keyword is whole words, in their order: ``class`` is not in "classical". A punctuation mark is a word of its own:
  ``c++`` and three backticks, the fence around code, are keywords like any other.
- A keyword with a sign of a script without spaces (Chinese, Japanese, Thai …; Korean, whose particles cling) counts
  wherever it stands.
- A keyword counts once a turn, by its weight, 1 unless said otherwise: pasted text does not outvote the question.
  Lighter ones are hints: they need company, as a turn counts for a category only from 1 point on, and together they add
  1 at most.
- A turn counts a tenth of the one after it: earlier ones decide where the last says nothing ("now sort them, too").
- What another category claims, ``conversation`` does not hold on to: its own keywords that contain one of another's
  (hints apart) do not count. So a new category for poems gets them, though poems were conversation before.

The highest score wins. On ties, and where nothing matches, and where none of the winner's endpoints can be used for
reasons of configuration while some of conversation's can, it is ``conversation``: an answer from there beats an error.
The work is bounded whatever the size of the request: ``TURNS`` turns, ``LONGEST`` characters of each, from both ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from math import fsum
from typing import Any

DEFAULT = "conversation"
TOOLS = "tools"
TURNS = 3
FADING = 0.1
ENOUGH = 1.0
LONGEST = 4000
LOOK_BACK = 100  # messages
PARTS = 40

_UNSPACED = (
    "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u19df\u3005-\u3007\u3041-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_ACCENTS = re.compile("[\u0300-\u036f]+")
_MARKS = "".join(sign for sign in map(chr, range(0x370, 0x10000)) if unicodedata.category(sign)[0] == "M")
_SEPARATORS = "'’ʼ\u2010\u2011-"  # the hyphen last: it is a character class
_WORD = re.compile(rf"(?:[^\W{_UNSPACED}]++[{_MARKS}]*+)++|[^\w\s{_SEPARATORS}]")
_ASCII_WORD = re.compile(r"\w+|[^\w\s'-]", re.ASCII)
_CLINGS = re.compile(f"[{_UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Match:
    """A keyword that was found: ``count`` times in one turn (0: the last user turn, 1: the one before it, …)."""

    category: str
    keyword: str
    weight: float
    turn: int
    count: int


@dataclass(frozen=True, slots=True)
class Classification:
    """What a request is about. ``category`` "": there is none to fall back on; ``score`` is the category's own."""

    category: str
    score: float
    matches: tuple[Match, ...]
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class _Keyword:
    """``eq=False``: one is itself alone, which makes it a cheap key."""

    category: str
    said: str
    weight: float
    words: list[str]


@dataclass(frozen=True, slots=True)
class Classifier:
    """The categories of one generation, ready to be searched for. ``usable``: those with an endpoint to send to."""

    categories: frozenset[str] = frozenset()
    usable: frozenset[str] = frozenset()
    by_first_word: Mapping[str, tuple[_Keyword, ...]] = field(default_factory=dict)
    unspaced: tuple[tuple[str, _Keyword], ...] = ()


def compile_categories(rows: Mapping[str, Mapping[str, Any]], usable: Collection[str]) -> Classifier:
    """Rows of the document's ``categories`` → Classifier. ``usable``: names of those with a usable endpoint.

    Weights are looked up as keywords are, without case or accents; one that is no number counts as 1.
    """
    enabled = {name: row for name, row in rows.items() if row.get("enabled", True)}
    spaced: dict[str, list[_Keyword]] = defaultdict(list)
    unspaced: list[tuple[str, _Keyword]] = []
    for name, row in enabled.items():
        weights = {_read(said)[0]: weight for said, weight in (row.get("weights") or {}).items()}
        for folded, said in {_read(said)[0]: said for said in row.get("keywords") or ()}.items():
            weight = weights.get(folded, 1)
            words = _read(said)[1]
            keyword = _Keyword(name, said, float(weight) if isinstance(weight, int | float) else 1.0, words)
            if _CLINGS.search(folded):
                unspaced.append((folded.strip(), keyword))
            elif words:
                spaced[words[0]].append(keyword)
    return Classifier(
        categories=frozenset(enabled),
        usable=frozenset(name for name in enabled if name in usable),
        by_first_word={
            word: tuple(keyword for keyword in keywords if not _claimed(keyword, spaced))
            for word, keywords in spaced.items()
        },
        unspaced=tuple(unspaced),
    )


def _claimed(keyword: _Keyword, spaced: Mapping[str, list[_Keyword]]) -> bool:
    """Whether a keyword of ``DEFAULT`` contains one of another category, hints apart."""
    return keyword.category == DEFAULT and any(
        other.category != DEFAULT
        and other.weight >= ENOUGH
        and keyword.words[place : place + len(other.words)] == other.words
        for place, word in enumerate(keyword.words)
        for other in spaced.get(word, ())
    )


def classify(classifier: Classifier, body: Mapping[str, Any]) -> Classification:
    """A request in the inner form (``messages`` or ``prompt``, ``tools``) → its category, with the evidence."""
    if TOOLS in classifier.categories and (body.get("tools") or body.get("functions")):
        return _usable(classifier, Classification(TOOLS, 0.0, (), "the request has tools"))
    matches = tuple(match for turn, text in enumerate(_turns(body)) for match in _search(classifier, text, turn))
    scores = _scores(matches)
    if not scores:
        return _fallback(classifier, 0.0, matches, "too little is said for any" if matches else "no keyword is said")
    best = max(scores.values())
    winners = sorted(name for name, score in scores.items() if score == best)
    if len(winners) > 1:
        return _fallback(classifier, best, matches, f"{' and '.join(winners)} tie at {best:g}")
    (winner,) = winners
    said = dict.fromkeys(match.keyword for match in matches if match.category == winner)
    why = f"{winner} scores {best:g} by {', '.join(map(repr, islice(said, 8)))}"
    return _usable(classifier, Classification(winner, best, matches, why))


def _usable(classifier: Classifier, found: Classification) -> Classification:
    if found.category in classifier.usable or DEFAULT not in classifier.usable:
        return found
    why = f"{found.why}, but none of its endpoints can be used"
    return _fallback(classifier, found.score, found.matches, why)


def _fallback(classifier: Classifier, score: float, matches: tuple[Match, ...], why: str) -> Classification:
    there = DEFAULT in classifier.categories
    why = f"{why}: {DEFAULT}" if there else f"{why}, and there is no {DEFAULT} to fall back on"
    return Classification(DEFAULT if there else "", score, matches, why)


def _scores(matches: tuple[Match, ...]) -> dict[str, float]:
    """Points by category. Summed exactly, so that the order of keywords makes no tie and breaks none."""
    turns: dict[tuple[str, int], list[float]] = defaultdict(list)
    for match in matches:
        turns[match.category, match.turn].append(match.weight)
    points: dict[str, list[float]] = defaultdict(list)
    for (category, turn), weights in turns.items():
        hints = min(fsum(weight for weight in weights if weight < ENOUGH), ENOUGH)
        said = round(fsum(weight for weight in weights if weight >= ENOUGH) + hints, 9)
        if said >= ENOUGH:
            points[category].append(said * FADING**turn)
    return {category: round(fsum(told), 9) for category, told in points.items()}


def _search(classifier: Classifier, text: str, turn: int) -> Iterator[Match]:
    folded = _fold(text)
    words = _words(folded)
    counts: dict[_Keyword, int] = {}
    starts = classifier.by_first_word
    for place in [place for place, word in enumerate(words) if word in starts]:
        for keyword in starts[words[place]]:
            if words[place : place + len(keyword.words)] == keyword.words:
                counts[keyword] = counts.get(keyword, 0) + 1
    if not folded.isascii():
        for sought, keyword in classifier.unspaced:
            if found := folded.count(sought):
                counts[keyword] = found
    for keyword, count in counts.items():
        yield Match(keyword.category, keyword.said, keyword.weight, turn, count)


def _turns(body: Mapping[str, Any]) -> Iterator[str]:
    """What the user said, the last first; turns without text are none."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        messages = [{"role": "user", "content": body.get("prompt")}]
    latest = islice(reversed(messages), LOOK_BACK)
    contents = (said.get("content") for said in latest if isinstance(said, Mapping) and said.get("role") == "user")
    texts = (_text(content) for content in contents)
    return islice((text for text in texts if text), TURNS)


def _text(content: Any) -> str:
    """Text, or a list of text and of parts that may hold some → the beginning and the end of it."""
    if isinstance(content, str):
        return _both_ends(content)
    if not isinstance(content, list):
        return ""
    parts = content if len(content) <= 2 * PARTS else [*content[:PARTS], *content[-PARTS:]]
    texts = (part.get("text") if isinstance(part, Mapping) else part for part in parts)
    return _both_ends("\n".join(_both_ends(text) for text in texts if isinstance(text, str)))


def _both_ends(text: str) -> str:
    """At most ``LONGEST`` characters, cut between words: a question stands before or after what it is about."""
    if len(text) <= LONGEST:
        return text
    head, tail = text[: LONGEST // 2], text[-LONGEST // 2 :]
    return f"{head.rsplit(None, 1)[0]}\n…\n{tail.split(None, 1)[-1]}"


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", bare.casefold())


@lru_cache(maxsize=1 << 14)
def _read(keyword: str) -> tuple[str, list[str]]:
    """Folded, and its words. Kept, because most keywords are the same from generation to generation."""
    folded = _fold(keyword)
    return folded, _words(folded)


def _words(folded: str) -> list[str]:
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)
