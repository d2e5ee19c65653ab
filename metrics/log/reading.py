"""A page of requests, found by walking along an index from a known row: no counting, no offset into the result.

Of the filters that have an index, the one whose rows lie farthest apart is walked along, piece by piece, newest first;
each piece is a bounded number of its rows, as many as there is time for by what the piece before took, and the other
filters are tried on them. So a page takes its time from the piece, not from the table. A search that finds little stops
after ``BUDGET`` seconds, says how far it came, and goes on from there when it is asked to.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet

from metrics.log.filters import Asked
from metrics.models import RequestLog

SIZE = 50
FIRST_PIECE = 500
LARGEST_PIECE = 4_000
BUDGET = 0.12
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = "~"  # sorts after every id
CURSOR = re.compile(r"([0-9]{1,16})-([0-9A-Za-z~_-]{0,32})")

Clock = Callable[[], float]


class Place(NamedTuple):
    """Between two rows: just before or behind (``at``, ``id``), whichever way one goes."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Page:
    """``rows``, newest first. ``older``, ``newer``: the neighbours' addresses (``place_of``), "" where there is none.
    ``searched_to``: how far the search came before its time was up, None where it came to its end."""

    rows: list[RequestLog]
    older: str = ""
    newer: str = ""
    searched_to: datetime | None = None


def text_of(place: Place) -> str:
    """A place as a word of an address."""
    return f"{(place.at - EPOCH) // timedelta(microseconds=1)}-{place.id}"


def place_of(text: str) -> Place | None:
    """The place that ``text_of`` wrote; None for anything else."""
    found = CURSOR.fullmatch(text)
    if found is None:
        return None
    return Place(EPOCH + timedelta(microseconds=int(found[1])), found[2])


def read(asked: Asked, older: Place | None = None, newer: Place | None = None, clock: Clock = time.monotonic) -> Page:
    """The newest page, the one ``older`` than a place, or the one ``newer`` than it."""
    if asked.wrong:
        return Page([])
    if newer is None:
        rows, more, stopped = _Walk(asked, True, clock).run(older)
        last = _place(rows[-1]) if more else None
        if stopped is not None:
            last = Place(stopped, "")
        first = _place(rows[0]) if rows else older
        return Page(rows, _text(last), _text(first) if older is not None else "", stopped)
    rows, more, stopped = _Walk(asked, False, clock).run(newer)
    if stopped is None and not more and len(rows) < SIZE:
        return read(asked, clock=clock)  # the newest page is a whole one
    rows.reverse()
    ahead = Place(stopped, LAST) if stopped is not None else _place(rows[0]) if more else None
    return Page(rows, _text(_place(rows[-1]) if rows else newer), _text(ahead), stopped)


def _place(row: RequestLog) -> Place:
    return Place(row.at, row.id)


def _text(place: Place | None) -> str:
    return text_of(place) if place is not None else ""


class _Walk:
    """``run`` once. ``back``: from new to old."""

    def __init__(self, asked: Asked, back: bool, clock: Clock) -> None:
        rows = RequestLog.objects.defer("skipped", "dropped_params")
        rows = rows.filter(at__gte=asked.since) if asked.since else rows
        self._rows = rows.filter(at__lt=asked.until) if asked.until else rows
        self._tests = [condition.test for condition in asked.conditions]
        self._paths = [condition.walks for condition in asked.conditions if condition.walks] or [(Q(),)]
        self._back = back
        self._clock = clock

    def run(self, place: Place | None) -> tuple[list[RequestLog], bool, datetime | None]:
        """Rows in walking order, whether there are more, and where the search stopped because its time was up."""
        deadline = self._clock() + BUDGET
        found: list[RequestLog] = []
        piece = FIRST_PIECE
        path, edge = self._sparsest(place, piece)
        while True:
            begun = self._clock()
            found += self._piece(path, place, edge)[: SIZE + 1 - len(found)]
            if len(found) > SIZE:
                return found[:SIZE], True, None
            if edge is None:
                return found, False, None
            now = self._clock()
            if now > deadline:
                return found, False, edge
            place = Place(edge, "" if self._back else LAST)
            in_time = int(piece * (deadline - now) / (now - begun)) if now > begun else LARGEST_PIECE
            piece = min(piece * 3, LARGEST_PIECE, max(in_time, FIRST_PIECE))
            edge = self._edge(path, place, piece)

    def _sparsest(self, place: Place | None, piece: int) -> tuple[tuple[Q, ...], datetime | None]:
        """The path of which ``piece`` rows reach farthest; None where they reach its end."""
        reached = [(path, self._edge(path, place, piece)) for path in self._paths]
        for path, edge in reached:
            if edge is None:
                return path, None
        ends = [(path, edge) for path, edge in reached if edge is not None]
        choose = min if self._back else max
        return choose(ends, key=lambda end: end[1])

    def _edge(self, path: tuple[Q, ...], place: Place | None, piece: int) -> datetime | None:
        """The time of the row ``piece`` rows away, on whichever walk it is nearest."""
        order = "-at" if self._back else "at"
        edges = [
            edge
            for walk in path
            for edge in self._from(place).filter(walk).order_by(order).values_list("at", flat=True)[piece : piece + 1]
        ]
        return (max if self._back else min)(edges) if edges else None

    def _piece(self, path: tuple[Q, ...], place: Place | None, edge: datetime | None) -> list[RequestLog]:
        rows = self._from(place).filter(*self._tests)
        if edge is not None:
            rows = rows.filter(at__gte=edge) if self._back else rows.filter(at__lte=edge)
        order = ("-at", "-id") if self._back else ("at", "id")
        if len(path) == 1:
            return list(rows.filter(path[0]).order_by(*order)[: SIZE + 1])
        merged = {row.id: row for walk in path for row in rows.filter(walk).order_by(*order)[: SIZE + 1]}
        return sorted(merged.values(), key=_place, reverse=self._back)

    def _from(self, place: Place | None) -> QuerySet[RequestLog]:
        if place is None:
            return self._rows
        if self._back:
            return self._rows.filter(at__lte=place.at).exclude(at=place.at, id__gte=place.id)
        return self._rows.filter(at__gte=place.at).exclude(at=place.at, id__lte=place.id)
