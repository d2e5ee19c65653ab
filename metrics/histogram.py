"""Histograms of durations that can be added: bucket number → count. Pure.

Buckets grow by 10 %, from 0.1 ms to 1 h, so that a bucket's figure is within 5 % of every duration in it (the idea of
DDSketch, https://arxiv.org/abs/1908.10693). Keys are text because the histograms are kept as JSON. Durations in ms.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

Histogram = dict[str, int]

LOWEST = 0.1
HIGHEST = 3_600_000.0
GROWTH = 1.1
BOUNDS = range(37, 184, 7)
_LOG = math.log(GROWTH)


def bucket(duration: float) -> str:
    """The bucket of a duration; those outside 0.1 ms … 1 h go to the first or last one."""
    inside = min(max(duration, LOWEST), HIGHEST)
    return str(math.ceil(math.log(inside / LOWEST) / _LOG - 1e-9))


def of(durations: Iterable[float]) -> Histogram:
    """The histogram of some durations."""
    return dict(Counter(map(bucket, durations)))


def add(histogram: Mapping[str, int], duration: float, count: int = 1) -> Histogram:
    """A histogram with one more duration, or ``count`` equal ones."""
    key = bucket(duration)
    return {**histogram, key: histogram.get(key, 0) + count}


def merge(*histograms: Mapping[str, int]) -> Histogram:
    """The histogram of everything that is in ``histograms``."""
    total: Counter[str] = Counter()
    for histogram in histograms:
        total.update(histogram)
    return dict(total)


def quantile(histogram: Mapping[str, int], fraction: float) -> float | None:
    """The duration that ``fraction`` (0 … 1) of all don't exceed, by nearest rank, within 5 %; None when empty."""
    total = sum(histogram.values())
    if total == 0:
        return None
    rank = max(1, math.ceil(fraction * total))
    seen = 0
    for key in sorted(histogram, key=int):
        seen += histogram[key]
        if seen >= rank:
            return _figure(int(key))
    return _figure(max(map(int, histogram)))


def cumulative(histogram: Mapping[str, int]) -> list[tuple[float, int]]:
    """How many durations don't exceed each of some bounds (ms), exactly: the bounds are ends of buckets, from 3 ms on
    each almost twice the one before."""
    return [
        (LOWEST * GROWTH**bound, sum(count for key, count in histogram.items() if int(key) <= bound))
        for bound in BOUNDS
    ]


def total(histogram: Mapping[str, int]) -> float:
    """The sum of all durations, within 5 %."""
    return sum(_figure(int(key)) * count for key, count in histogram.items())


def _figure(number: int) -> float:
    """The middle of a bucket in the sense that its both ends are equally far away, relatively."""
    return LOWEST if number == 0 else LOWEST * GROWTH**number * 2 / (GROWTH + 1)
