"""Statistics since the last reset: the totals less what they were then. A reset moves a mark and changes no record."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any

from django.db import transaction

from metrics import drain
from metrics.models import StatsMark
from metrics.stats import COUNTS, Usage, totals

THE_MARK = 1
PATIENCE = 1.0  # seconds that a reader spends on records which are not yet in the sums

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SinceReset:
    """``at``: Unix seconds of the last reset, None: there was none. ``places``: usage by (provider, endpoint)."""

    at: float | None
    places: Mapping[Place, Usage] = field(default_factory=dict)

    @property
    def whole(self) -> Usage:
        """Everything."""
        return reduce(Usage.plus, self.places.values(), Usage())

    def by_provider(self) -> dict[str, Usage]:
        """Usage of each provider; "" for what none had a part in."""
        return self._by(0)

    def by_endpoint(self) -> dict[str, Usage]:
        """Usage of each endpoint; "" for what none had a part in."""
        return self._by(1)

    def _by(self, part: int) -> dict[str, Usage]:
        found: dict[str, Usage] = {}
        for place, usage in self.places.items():
            found[place[part]] = found.get(place[part], Usage()).plus(usage)
        return found


def since_reset(spool: Path) -> SinceReset:
    """What was counted since the last reset, records in ``spool`` included. Raises ``django.db.DatabaseError``."""
    drain.catch_up(spool, PATIENCE)
    mark = StatsMark.objects.filter(pk=THE_MARK).first()  # before the totals: they may only have grown since
    baseline = _read(mark.baseline) if mark is not None else {}
    places = {place: usage.minus(baseline.get(place, Usage())) for place, usage in _totals().items()}
    return SinceReset(mark.at if mark is not None else None, places)


def reset(spool: Path) -> float:
    """Move the mark to now, which is returned in Unix seconds. Raises ``django.db.DatabaseError``."""
    drain.catch_up(spool, PATIENCE)
    with transaction.atomic():
        drain.wait_for_others()
        now = time.time()
        StatsMark.objects.update_or_create(pk=THE_MARK, defaults={"at": now, "baseline": _written(_totals())})
    return now


def _totals() -> dict[Place, Usage]:
    return {(provider, endpoint): usage for (provider, endpoint), usage in totals(("provider", "endpoint")).items()}


def _written(places: Mapping[Place, Usage]) -> list[dict[str, Any]]:
    return [
        {
            "provider": provider,
            "endpoint": endpoint,
            **{name: getattr(usage, name) for name in COUNTS},
            "cost": {currency: str(amount) for currency, amount in usage.cost.items()},
        }
        for (provider, endpoint), usage in places.items()
    ]


def _read(baseline: list[dict[str, Any]]) -> dict[Place, Usage]:
    return {
        (row["provider"], row["endpoint"]): Usage(
            **{name: row.get(name, 0) for name in COUNTS},
            cost={currency: Decimal(amount) for currency, amount in row["cost"].items()},
        )
        for row in baseline
    }
