"""Records → sums by hour and names, and since ever by names. Pure.

A request counts at the endpoint that ended it; tries, failed tries and failovers count at the endpoint that was tried,
skips for its own limit at the one that was skipped (not those for its provider's limit, nor while it rests because the
vendor said "later"). All in the hour in which the request began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, NamedTuple

from metrics import histogram

SUCCESS = "success"
CANCELLED = "cancelled"
OVER_LIMIT = "over_limit"  # a skip for the endpoint's own window
HOUR = 3600
LONGEST_KEY = 2600  # bytes: PostgreSQL refuses an index entry of more than 2,704
SHORTENED = 100


class Key(NamedTuple):
    """What makes a row of UsageHour. ``hour`` in Unix seconds."""

    hour: int
    model: str
    category: str
    api_key: str
    provider: str
    endpoint: str
    currency: str


class Total(NamedTuple):
    """What makes a row of UsageTotal. A category's requests are those of the route of its name: names are unique."""

    model: str
    api_key: str
    provider: str
    endpoint: str
    currency: str


@dataclass(slots=True)
class Sums:
    """The counted columns of UsageHour and UsageTotal; they add up (``plus``)."""

    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    tries: int = 0
    failed_tries: int = 0
    failovers: int = 0
    limit_skips: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    duration_ms: float = 0.0
    latency: histogram.Histogram = field(default_factory=dict)
    first_content: histogram.Histogram = field(default_factory=dict)

    def plus(self, other: Sums) -> Sums:
        """A new sum of both."""
        added = {name: getattr(self, name) + getattr(other, name) for name in NUMBERS}
        return Sums(
            **added,
            latency=histogram.merge(self.latency, other.latency),
            first_content=histogram.merge(self.first_content, other.first_content),
        )


COLUMNS = tuple(column.name for column in fields(Sums))
HISTOGRAMS = ("latency", "first_content")
NUMBERS = tuple(name for name in COLUMNS if name not in HISTOGRAMS)


@dataclass(slots=True)
class _Tally:
    """Sums in the making: histograms are made once, at the end."""

    sums: Sums = field(default_factory=Sums)
    latency: list[float] = field(default_factory=list)
    first_content: list[float] = field(default_factory=list)

    def closed(self) -> Sums:
        self.sums.latency = histogram.of(self.latency)
        self.sums.first_content = histogram.of(self.first_content)
        return self.sums


def sums(records: Iterable[Mapping[str, Any]]) -> dict[Key, Sums]:
    """What these records (``metrics.record.fit``'s form) add to each row of UsageHour."""
    tallies: dict[Key, _Tally] = {}
    for record in records:
        _count_request(tallies.setdefault(_key(record), _Tally()), record)
        attempts = record["attempts"]
        for number, attempt in enumerate(attempts, 1):
            failed = attempt["outcome"] not in (SUCCESS, CANCELLED)
            tally = tallies.setdefault(_key(record, attempt), _Tally()).sums
            tally.tries += 1
            tally.failed_tries += failed
            tally.failovers += failed and number < len(attempts)
        for skip in record["skipped"]:
            if isinstance(skip, Mapping) and skip.get("code") == OVER_LIMIT:
                tallies.setdefault(_key(record, skip), _Tally()).sums.limit_skips += 1
    return {key: tally.closed() for key, tally in tallies.items()}


def totals(hours: Mapping[Key, Sums]) -> dict[Total, Sums]:
    """What sums by hour add to each row of UsageTotal."""
    added: dict[Total, Sums] = {}
    for key, sums in hours.items():
        total = Total(key.model, key.api_key, key.provider, key.endpoint, key.currency)
        added[total] = added[total].plus(sums) if total in added else sums
    return added


def _count_request(tally: _Tally, record: Mapping[str, Any]) -> None:
    total, outcome = tally.sums, record["outcome"]
    total.requests += 1
    total.succeeded += outcome == SUCCESS
    total.cancelled += outcome == CANCELLED
    total.failed += outcome not in (SUCCESS, CANCELLED)
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"):
        setattr(total, name, getattr(total, name) + (record[name] or 0))
    if record["cost"] is None:
        total.unpriced += 1
    else:
        total.cost += Decimal(record["cost"])
    total.duration_ms += record["duration_ms"]
    tally.latency.append(record["duration_ms"])
    if record["first_ms"] is not None:
        tally.first_content.append(record["first_ms"])


def _key(record: Mapping[str, Any], place: Mapping[str, Any] | None = None) -> Key:
    """The row for the request itself, or for something that happened to it at another place."""
    endpoint = record["endpoint"] if place is None else str(place.get("endpoint") or "")
    here = endpoint == record["endpoint"]
    provider = record["provider"] if here or place is None else str(place.get("provider") or "")
    key = Key(
        int(record["at"] // HOUR * HOUR),
        record["route"],
        record["category"],
        record["api_key"],
        provider,
        endpoint,
        record["currency"] if here else "",
    )
    if sum(len(name.encode()) for name in key[1:]) > LONGEST_KEY:
        return Key(key.hour, *(name[:SHORTENED] for name in key[1:]))
    return key
