"""What drained records tell: when a key was last used, how an endpoint fares."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.signals import drained
from routing.models import EndpointStats, KeyState

pytestmark = pytest.mark.django_db


def attempt(outcome: str, end_ms: float, **more: Any) -> dict[str, Any]:
    return {"endpoint": "acme/m", "outcome": outcome, "started_ms": 10.0, "first_ms": 60.0, "end_ms": end_ms, **more}


def record(at: float, *attempts: dict[str, Any], api_key: str = "app") -> dict[str, Any]:
    return {"api_key": api_key, "at": at, "attempts": list(attempts)}


def test_last_used_is_the_latest_moment_and_never_goes_back() -> None:
    drained.send(sender=None, records=[record(1_700_000_100.0), record(1_700_000_000.0), record(5.0, api_key="")])
    drained.send(sender=None, records=[record(1_700_000_050.0)])
    (row,) = KeyState.objects.all()
    assert row.identity == "api:app"
    assert row.last_used_at is not None
    assert row.last_used_at.timestamp() == 1_700_000_100.0


def test_endpoints_have_counts_a_moving_average_and_their_last_error() -> None:
    failed = attempt("server_failed", 20.0, error="HTTP 503")
    drained.send(
        sender=None, records=[record(1.0, failed, attempt("success", 110.0)), record(2.0, attempt("success", 210.0))]
    )
    drained.send(sender=None, records=[record(3.0, attempt("cancelled", 15.0))])
    row = EndpointStats.objects.get(identity="acme/m")
    assert (row.tries, row.failures, row.last_error) == (4, 1, "HTTP 503")
    assert row.total_ms == pytest.approx(110.0)  # 100, then a tenth of the way to 200
    assert row.first_content_ms == pytest.approx(50.0)


@pytest.mark.parametrize(
    "outcome",
    ["request_rejected", "content_filtered", "context_too_long", "payload_too_large", "unsupported_parameter"],
)
def test_what_the_caller_is_to_blame_for_is_no_failure_of_the_endpoint(outcome: str) -> None:
    drained.send(sender=None, records=[record(1.0, attempt(outcome, 20.0, error="No such picture."))])
    row = EndpointStats.objects.get(identity="acme/m")
    assert (row.tries, row.failures, row.last_error, row.last_error_at) == (1, 0, "", None)
