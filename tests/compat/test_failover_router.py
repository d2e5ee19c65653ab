"""The failover router's endpoints: its document's curl lines as written, its replies field by field, its figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.limited import new_key
from tests.compat.failover import (
    FALLBACK,
    PRIMARY,
    assert_same_shape,
    configuration,
    failover_gateway,
    fits,
    told,
)
from tests.compat.shell import run_shell
from tests.running import RunningGateway, wait_for
from tests.services import DATABASES
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.gateway

ROOT = 'curl "http://localhost:8000/"'
INFO = 'curl "http://localhost:8000/backend/info"'
STATS = 'curl "http://localhost:8000/router/stats"'
HEALTH = 'curl "http://localhost:8000/router/health"'
RATE_LIMITS = 'curl "http://localhost:8000/router/rate-limits"'
RESET = 'curl -X POST "http://localhost:8000/router/reset-stats"'
FIVE_REQUESTS = """
for i in {1..5}; do
  curl -X POST "http://localhost:8000/v1/chat/completions" \\
    -H "Content-Type: application/json" \\
    -d '{
      "model": "llama3.1-8b",
      "messages": [{"role": "user", "content": "Test '$i'"}],
      "max_tokens": 10
    }' && echo ""
done
"""
EIGHT_REQUESTS = """
for i in {1..8}; do
  echo "Request $i:"
  curl -s -X POST "http://localhost:8000/v1/chat/completions" \\
    -H "Content-Type: application/json" \\
    -d '{
      "model": "llama3.1-8b",
      "messages": [{"role": "user", "content": "Test '$i'"}],
      "max_tokens": 5
    }' | jq '.error.message // "Success"'
done
"""

SINGLE_REPLY = """{"message": "LLM Router - OpenAI API compatible endpoint", "version": "1.0.0", "docs": "/docs",
  "mode": "single_service", "backend": "cerebras", "primary_backend": "cerebras"}"""
ROUTER_REPLY = """{"message": "LLM Router - OpenAI API compatible endpoint", "version": "1.0.0", "docs": "/docs",
  "mode": "router", "services_count": 2, "services": [
    {"name": "primary-cerebras", "type": "cerebras", "priority": 0},
    {"name": "fallback-openai", "type": "openai", "priority": 1}], "primary_backend": "cerebras"}"""
STATS_REPLY = """{"total_requests": 25, "total_failovers": 3, "total_rate_limit_skips": 8, "failover_rate": 12.0,
  "rate_limit_skip_rate": 32.0, "configured_services": 2, "service_stats": {
    "primary-cerebras": {"requests": 15, "failures": 3, "rate_limited": 8},
    "fallback-openai": {"requests": 10, "failures": 0, "rate_limited": 2}},
  "service_order": ["primary-cerebras", "fallback-openai"],
  "rate_limiting": {
    "primary-cerebras": {"rate_limit": "100/60s", "current_requests": 15, "remaining_quota": 85,
      "is_rate_limited": false, "window_reset_in": 42.1},
    "fallback-openai": {"rate_limit": "50/60s", "current_requests": 50, "remaining_quota": 0,
      "is_rate_limited": true, "window_reset_in": 18.7}}}"""
HEALTH_REPLY = """{"overall_status": "healthy", "services": {
    "primary-cerebras": {"status": "degraded", "backend_type": "cerebras", "base_url": "https://api.cerebras.ai/v1",
      "has_api_key": true, "requests": 15, "failures": 3, "failure_rate": 20.0, "rate_limited_events": 8,
      "is_currently_rate_limited": false, "rate_limit_config": {"max_requests": 100, "window_seconds": 60}},
    "fallback-openai": {"status": "healthy", "backend_type": "openai", "base_url": "https://api.openai.com/v1",
      "has_api_key": true, "requests": 10, "failures": 0, "failure_rate": 0.0, "rate_limited_events": 2,
      "is_currently_rate_limited": true, "rate_limit_config": {"max_requests": 50, "window_seconds": 60}}}}"""
RATE_LIMITS_REPLY = """{"rate_limiting": {
    "primary-cerebras": {"rate_limit": "100/60s", "current_requests": 95, "remaining_quota": 5,
      "is_rate_limited": false, "window_reset_in": 12.3},
    "fallback-openai": {"rate_limit": "50/60s", "current_requests": 50, "remaining_quota": 0,
      "is_rate_limited": true, "window_reset_in": 45.2}},
  "total_rate_limit_skips": 15, "rate_limit_skip_rate": 23.1, "current_time": 1703123456.789}"""


@pytest.fixture(scope="module", params=DATABASES)
def gateway(
    request: pytest.FixtureRequest, board: Switchboard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    hour = {"limit_window": 60}
    # Failures of several workers within one poll count in a row, whatever succeeded between them elsewhere.
    primary = {"limit_requests": 100, "circuit_failures": 10, **hour}
    config = configuration(board, primary, {"limit_requests": 50, "headers_timeout": 45, **hour})
    with failover_gateway(tmp_path_factory.mktemp("failover"), config, request.param) as running:
        yield running


@pytest.fixture(scope="module", params=[*DATABASES, "redis"])
def limited(
    request: pytest.FixtureRequest, board: Switchboard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """The document's own limits for testing, in windows that outlast the test."""
    primary, fallback = ({"limit_requests": most, "limit_window": 600} for most in (3, 2))
    config = configuration(board, primary, fallback)
    with failover_gateway(tmp_path_factory.mktemp("limited"), config, request.param) as running:
        yield running


def ask(gateway: RunningGateway, times: int = 1) -> list[int]:
    body = {"model": "llama3.1-8b", "messages": [{"role": "user", "content": "Test"}]}
    return [gateway.post(body)[0] for _ in range(times)]


def close_circuits(gateway: RunningGateway) -> None:
    """An operator's "well again", with nothing counted so far; the workers learn of it with their next poll."""
    told(gateway, 'curl -X POST "http://localhost:8000/circuit-breaker/reset-all"')
    told(gateway, RESET)
    wait_for(
        lambda: all(told(gateway, HEALTH)["services"][PRIMARY]["status"] != "unhealthy" for _ in range(24)),
        "every worker knows",
    )


def test_the_root_says_what_is_behind_it_and_sends_browsers_to_the_admin(gateway: RunningGateway) -> None:
    answer, document = told(gateway, ROOT), json.loads(ROUTER_REPLY)
    assert {**answer, "version": document["version"]} == document
    assert_same_shape(document, answer)
    headers = run_shell(f"{ROOT} -H 'Accept: text/html' -o /dev/null -D -", gateway.url)
    assert "location: /admin/" in headers.lower()


def test_backend_info_tells_how_services_are_configured_and_no_key(gateway: RunningGateway) -> None:
    answer = told(gateway, INFO)
    fits(answer, "BackendInfo")
    assert (answer["mode"], answer["primary_backend"]) == ("router", "cerebras")
    primary, fallback = answer["services"]
    assert primary == {
        "name": PRIMARY,
        "type": "cerebras",
        "model": "m-1",
        "base_url": primary["base_url"],
        "priority": 0,
        "timeout": 600,
        "has_api_key": True,
        "rate_limit": "100/60s",
    }
    assert primary["base_url"].endswith(f"/{PRIMARY}/v1")
    assert (fallback["name"], fallback["rate_limit"], fallback["timeout"]) == (FALLBACK, "50/60s", 45)
    assert "sk-0123" not in json.dumps(answer)


def test_failovers_are_counted_over_all_workers_as_soon_as_they_are_answered(
    gateway: RunningGateway, healthy: Switchboard
) -> None:
    told(gateway, RESET)
    before = told(gateway, RATE_LIMITS)["rate_limiting"]
    down, well = reply({"error": {"message": "boom"}}, status=500), reply(completion())
    healthy.plug(PRIMARY, *([well] * 3 + [down]) * 3, well)
    answers = run_shell(FIVE_REQUESTS, gateway.url)
    assert answers.count('"chat.completion"') == 5
    with ThreadPoolExecutor(5) as pool:
        assert {status for found in pool.map(lambda _: ask(gateway, 2), range(5)) for status in found} == {200}
    answer, document = told(gateway, STATS), json.loads(STATS_REPLY)
    assert_same_shape(document, answer)
    fits(answer, "RouterStats")
    assert (answer["total_requests"], answer["total_failovers"], answer["failover_rate"]) == (15, 3, 20.0)
    assert (answer["total_rate_limit_skips"], answer["rate_limit_skip_rate"]) == (0, 0.0)
    assert answer["service_stats"] == {
        PRIMARY: {"requests": 15, "failures": 3, "rate_limited": 0},
        FALLBACK: {"requests": 3, "failures": 0, "rate_limited": 0},
    }
    assert answer["service_order"] == [PRIMARY, FALLBACK]
    window = answer["rate_limiting"][PRIMARY]
    assert window["current_requests"] == before[PRIMARY]["current_requests"] + 15
    assert (window["rate_limit"], window["remaining_quota"]) == ("100/60s", 100 - window["current_requests"])
    assert 0 < window["window_reset_in"] <= 60
    health = told(gateway, HEALTH)
    assert_same_shape(json.loads(HEALTH_REPLY), health)
    fits(health, "RouterHealth")
    primary, fallback = health["services"][PRIMARY], health["services"][FALLBACK]
    assert (primary["status"], primary["failure_rate"], primary["requests"]) == ("degraded", 20.0, 15)
    assert (fallback["status"], fallback["failure_rate"], health["overall_status"]) == ("healthy", 0.0, "healthy")
    assert primary["rate_limit_config"] == {"max_requests": 100, "window_seconds": 60}


def test_an_open_circuit_makes_a_service_unhealthy_and_all_of_them_the_whole(
    gateway: RunningGateway, healthy: Switchboard
) -> None:
    ask(gateway, 3)
    told(gateway, RESET)
    down = reply({"error": {"message": "boom"}}, status=500)
    healthy.plug(PRIMARY, down)
    assert ask(gateway, 10) == [200] * 10
    health = wait_for(
        lambda: (found := told(gateway, HEALTH))["services"][PRIMARY]["status"] == "unhealthy" and found, "it is open"
    )
    assert (health["overall_status"], health["services"][FALLBACK]["status"]) == ("healthy", "healthy")
    told(gateway, RESET)
    assert told(gateway, HEALTH)["services"][PRIMARY] | {"base_url": ""} == {
        "status": "unhealthy",
        "backend_type": "cerebras",
        "base_url": "",
        "has_api_key": True,
        "requests": 0,
        "failures": 0,
        "failure_rate": 0.0,
        "rate_limited_events": 0,
        "is_currently_rate_limited": False,
        "rate_limit_config": {"max_requests": 100, "window_seconds": 60},
    }
    healthy.plug(FALLBACK, down)
    assert ask(gateway) == [503]
    assert told(gateway, HEALTH)["overall_status"] == "unhealthy"
    close_circuits(gateway)


def test_a_reset_begins_anew_and_changes_no_record(gateway: RunningGateway, healthy: Switchboard) -> None:
    ask(gateway, 2)
    scraped = gateway.get("/metrics/prometheus")[2].decode()
    ever = [line for line in scraped.splitlines() if line.startswith("switchyard_requests_total")]
    answer = told(gateway, RESET)
    assert list(answer) == ["message", "reset_at"]
    fits(answer, "StatsReset")
    assert told(gateway, RATE_LIMITS)["current_time"] >= answer["reset_at"]
    stats = told(gateway, STATS)
    assert (stats["total_requests"], stats["failover_rate"]) == (0, 0.0)
    assert {count for one in stats["service_stats"].values() for count in one.values()} == {0}
    assert stats["rate_limiting"][PRIMARY]["current_requests"] >= 2, "windows are no statistics"
    again = gateway.get("/metrics/prometheus")[2].decode()
    assert [line for line in again.splitlines() if line.startswith("switchyard_requests_total")] == ever
    ask(gateway)
    assert told(gateway, STATS)["total_requests"] == 1


def test_rate_limits_are_counted_where_a_service_was_passed_over_for_its_own_window(
    limited: RunningGateway, healthy: Switchboard
) -> None:
    answers = run_shell(EIGHT_REQUESTS, limited.url)
    said = [line for line in answers.splitlines() if not line.startswith("Request")]
    assert said == ['"Success"'] * 5 + ['"All configured services are rate limited"'] * 3
    stats = told(limited, STATS)
    assert (stats["total_requests"], stats["total_failovers"], stats["total_rate_limit_skips"]) == (8, 0, 8)
    assert stats["rate_limit_skip_rate"] == 100.0
    assert stats["service_stats"] == {
        PRIMARY: {"requests": 3, "failures": 0, "rate_limited": 5},
        FALLBACK: {"requests": 2, "failures": 0, "rate_limited": 3},
    }
    answer = told(limited, RATE_LIMITS)
    assert_same_shape(json.loads(RATE_LIMITS_REPLY), answer)
    fits(answer, "RouterRateLimits")
    assert (answer["total_rate_limit_skips"], answer["rate_limit_skip_rate"]) == (8, 100.0)
    for name, most in ((PRIMARY, 3), (FALLBACK, 2)):
        window = answer["rate_limiting"][name]
        assert 500 < window.pop("window_reset_in") <= 600
        assert window == {
            "rate_limit": f"{most}/600s",
            "current_requests": most,
            "remaining_quota": 0,
            "is_rate_limited": True,
        }
    piped = run_shell("curl -s \"http://localhost:8000/router/stats\" | jq '.rate_limiting'", limited.url)
    assert json.loads(piped).keys() == answer["rate_limiting"].keys()
    assert told(limited, HEALTH)["services"][FALLBACK]["is_currently_rate_limited"] is True


def test_a_vendors_own_429_is_a_failure_and_its_rest_no_skip_for_the_window(
    gateway: RunningGateway, healthy: Switchboard
) -> None:
    told(gateway, RESET)
    healthy.plug(PRIMARY, reply({"error": {"message": "later"}}, status=429, Retry_After="600"))
    assert ask(gateway, 3) == [200] * 3
    stats = told(gateway, STATS)["service_stats"]
    assert stats[PRIMARY]["rate_limited"] == 0
    assert 1 <= stats[PRIMARY]["failures"] <= 3
    assert stats[FALLBACK] == {"requests": 3, "failures": 0, "rate_limited": 0}


@pytest.fixture(scope="module")
def keyed(board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Keys are asked for, nothing is limited, and USE_ROUTER says that there is one service."""
    settings = {"GATEWAY_AUTH": "required", "USE_ROUTER": "false"}
    with failover_gateway(
        tmp_path_factory.mktemp("keyed"), configuration(board, {}, {}), "sqlite", **settings
    ) as running:
        yield running


def test_without_the_router_the_root_names_the_one_backend(keyed: RunningGateway) -> None:
    answer = json.loads(keyed.get("/")[2])
    document = json.loads(SINGLE_REPLY)
    assert {**answer, "version": document["version"]} == document
    assert list(answer) == list(document)
    assert json.loads(keyed.get("/backend/info")[2])["mode"] == "single_service"


def test_a_service_without_a_limit_has_none(keyed: RunningGateway) -> None:
    none = {
        "rate_limit": None,
        "current_requests": 0,
        "remaining_quota": None,
        "is_rate_limited": False,
        "window_reset_in": 0.0,
    }
    assert json.loads(keyed.get("/router/stats")[2])["rate_limiting"] == {PRIMARY: none, FALLBACK: none}
    service = json.loads(keyed.get("/router/health")[2])["services"][PRIMARY]
    assert (service["rate_limit_config"], service["is_currently_rate_limited"]) == (None, False)


def test_reading_needs_the_scope_metrics_resetting_admin_and_the_root_any_key(keyed: RunningGateway) -> None:
    plain, reader = new_key(keyed, "plain"), new_key(keyed, "reader", scopes="metrics")
    paths = ("/", "/router/stats", "/router/health", "/router/rate-limits", "/backend/info", "/metrics")
    paths = (*paths, "/metrics/prometheus")

    def statuses(key: str) -> list[int]:
        headers = {"Authorization": f"Bearer {key}"} if key else {"Authorization": ""}
        return [keyed.get(path, **headers)[0] for path in paths] + [keyed.post({}, "/router/reset-stats", **headers)[0]]

    wait_for(lambda: not any(401 in statuses(reader) for _ in range(3)), "every worker knows the key")
    assert statuses("") == [401] * 8
    assert statuses(plain) == [200] + [403] * 7
    assert statuses(reader) == [200] * 7 + [403]
    assert statuses(keyed.key) == [200] * 8


def test_other_methods_are_refused(keyed: RunningGateway) -> None:
    assert keyed.get("/router/reset-stats")[0] == 405
    assert keyed.post({}, "/router/stats")[0] == 405
