from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from metrics import drain, stats
from metrics.models import RequestLog
from tests.metrics.records import NOON, made, spooled

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MOMENT = datetime.fromtimestamp(NOON, UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _drained(tmp_path: Path) -> None:
    spooled(
        tmp_path,
        made(duration_ms=100.0),
        made(duration_ms=200.0, api_key="lab", currency="EUR", cost="2.5"),
        made(at=NOON - 3600, outcome="cancelled", cost=None, currency="", first_ms=None),
        made(at=NOON - 7200, outcome="timeout", provider="zeta", endpoint="zeta/large", route="smart", attempts=[]),
    )
    drain.drain(tmp_path)
    RequestLog.objects.all().delete()


def test_sums_of_a_period_come_from_the_hours_alone() -> None:
    total = stats.usage(MOMENT - 5 * HOUR, MOMENT + HOUR)[()]
    assert (total.requests, total.succeeded, total.cancelled, total.failed) == (4, 2, 1, 1)
    assert (total.tries, total.failed_tries, total.failovers, total.limit_skips) == (6, 3, 3, 4)
    assert total.cost == {"USD": Decimal("0.00025"), "EUR": Decimal("2.5")}
    assert (total.unpriced, total.success_rate) == (1, pytest.approx(2 / 3))


def test_groups_and_narrowing() -> None:
    start, end = MOMENT - 5 * HOUR, MOMENT + HOUR
    by_key = stats.usage(start, end, by=("api_key",))
    assert {group: usage.requests for group, usage in by_key.items()} == {("shop",): 3, ("lab",): 1}
    by_model = stats.usage(start, end, by=("model", "endpoint"), only={"api_key": "shop"})
    assert by_model["smart", "zeta/large"].failed == 1
    assert stats.usage(start, MOMENT - 3 * HOUR) == {}


def test_percentiles_are_of_the_groups_own_requests() -> None:
    found = stats.percentiles(MOMENT - HOUR / 2, MOMENT + HOUR, by=("api_key",))
    assert found["shop",].latency == pytest.approx((100, 100, 100), rel=0.05)
    assert found["lab",].latency == pytest.approx((200, 200, 200), rel=0.05)
    assert found["lab",].first_content == pytest.approx((90, 90, 90), rel=0.05)


def test_the_last_hours_are_all_there_in_order() -> None:
    hours = stats.last_hours(4, MOMENT)
    assert [usage.requests for _, usage in hours] == [0, 1, 1, 2]
    assert hours[-1][0] == MOMENT - HOUR / 2
