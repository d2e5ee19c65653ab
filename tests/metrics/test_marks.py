"""Statistics since the last reset, and sums since ever which no reset touches."""

import importlib
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from metrics import marks, record, spool, stats
from metrics.models import RequestLog, UsageHour, UsageTotal
from tests.metrics.records import NOON, made, spooled

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

ACME, ZETA = ("acme", "acme/large"), ("zeta", "zeta/large")


def test_before_any_reset_statistics_are_those_since_ever(tmp_path: Path) -> None:
    spooled(tmp_path, made(), made())
    since = marks.since_reset(tmp_path)
    assert since.at is None
    assert (since.places[ACME].requests, since.places[ZETA].failovers) == (2, 2)
    assert since.places[ACME].cost == {"USD": Decimal("0.00025")}


def test_a_reset_begins_anew_counts_what_was_still_spooled_and_changes_no_record(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path)
    writer.append(record.encode(record.fit(made())))
    at = marks.reset(tmp_path)
    since = marks.since_reset(tmp_path)
    assert since.at == at
    assert {usage.requests + usage.tries + usage.limit_skips for usage in since.places.values()} == {0}
    assert since.places[ACME].cost == {"USD": Decimal(0)}
    assert (RequestLog.objects.count(), stats.totals()[()].requests) == (1, 1)
    writer.append(record.encode(record.fit(made(cost="0.5", duration_ms=7.0))))
    usage = marks.since_reset(tmp_path).places[ACME]
    assert (usage.requests, usage.duration_ms, usage.cost) == (1, 7.0, {"USD": Decimal("0.5")})
    assert marks.reset(tmp_path) > at
    assert marks.since_reset(tmp_path).places[ACME].requests == 0


def test_the_migration_fills_the_totals_from_the_hours(tmp_path: Path) -> None:
    spooled(tmp_path, *(made(at=NOON - 3600 * hours, category=f"c{hours}") for hours in range(5)))
    marks.since_reset(tmp_path)
    expected = {total.endpoint: (total.requests, total.tries, total.cost) for total in UsageTotal.objects.all()}
    UsageTotal.objects.all().delete()
    migration = importlib.import_module("metrics.migrations.0002_totals")
    migration.fill(apps, SimpleNamespace(connection=connection, execute=lambda sql: connection.cursor().execute(sql)))
    filled = {total.endpoint: (total.requests, total.tries, total.cost) for total in UsageTotal.objects.all()}
    assert filled == expected
    assert filled["acme/large"] == (5, 5, Decimal("0.000625"))
    assert UsageHour.objects.filter(endpoint="slow", limit_skips=1).count() == 5
    assert {(total.limit_skips, len(total.latency)) for total in UsageTotal.objects.all()} == {(0, 0)}
