"""``/metrics``: the category router's JSON by default, Prometheus' text for Prometheus, one truth for all workers."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.compat.failover import FALLBACK, PRIMARY, assert_same_shape, configuration, failover_gateway, fits, told
from tests.running import RunningGateway, wait_for
from tests.services import DATABASES
from tests.switchboard import Switchboard, completion, reply, whole_stream

pytestmark = pytest.mark.gateway

METRICS = 'curl "http://localhost:8000/metrics"'
CIRCUITS = 'curl "http://localhost:8000/metrics" | jq .circuit_breaker'
RESET = 'curl -X POST "http://localhost:8000/router/reset-stats"'
REPLY = """{"requests": {"total": 100, "success": 98, "failed": 2}, "avg_latency_ms": 1234, "total_cost_usd": 0.45,
  "provider_distribution": {"primary-cerebras": 60, "fallback-openai": 30}, "circuit_breaker": {"open_circuits": {}}}"""
# What Prometheus 3 sends.
SCRAPER = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
DOWN = reply({"error": {"message": "boom"}}, status=500)
ODD = 'odd "name" \\ {x="y"} 名'


@pytest.fixture(scope="module", params=DATABASES)
def gateway(
    request: pytest.FixtureRequest, board: Switchboard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    config = configuration(board, {"limit_requests": 100_000, "limit_window": 3600}, {})
    with failover_gateway(tmp_path_factory.mktemp("metrics"), config, request.param) as running:
        yield running


def ask(gateway: RunningGateway, times: int = 1, **more: object) -> list[int]:
    body = {"model": "llama3.1-8b", "messages": [{"role": "user", "content": "Hi"}], **more}
    with ThreadPoolExecutor(6) as pool:
        return [status for status, _, _ in pool.map(lambda _: gateway.post(body), range(times))]


def scrape(gateway: RunningGateway, path: str = "/metrics/prometheus", accept: str = "*/*") -> dict[str, Metric]:
    """Families by name, read by the official parser."""
    status, headers, body = gateway.get(path, Accept=accept)
    assert status == 200
    is_open = headers["content-type"].startswith("application/openmetrics-text")
    return {family.name: family for family in (parse_openmetrics if is_open else parse_text)(body.decode())}


def value(family: Metric, suffix: str = "_total", **labels: str) -> float:
    """The sum of the samples that have these labels."""
    return sum(
        sample.value
        for sample in family.samples
        if sample.name == family.name + suffix and labels.items() <= sample.labels.items()
    )


def test_by_default_it_is_the_category_routers_json(gateway: RunningGateway, healthy: Switchboard) -> None:
    told(gateway, RESET)
    healthy.plug(PRIMARY, *[reply(completion())] * 6, DOWN, reply(completion()))
    assert ask(gateway, 8) == [200] * 8
    healthy.plug(PRIMARY, reply({"error": {"message": "wrong"}}, status=400))
    assert ask(gateway, 2) == [400] * 2
    answer = told(gateway, METRICS)
    assert_same_shape(json.loads(REPLY) | {"provider_distribution": {FALLBACK: 1, PRIMARY: 9}}, answer)
    assert answer["requests"] == {"total": 10, "success": 8, "failed": 2}
    assert answer["provider_distribution"] == {FALLBACK: 1, PRIMARY: 9}
    assert answer["total_cost_usd"] == pytest.approx(8 * (3 * 1000 + 2 * 2000) / 1e6)
    assert answer["avg_latency_ms"] >= 0
    assert gateway.get("/metrics")[1]["vary"] == "Accept"
    assert told(gateway, CIRCUITS) == {"open_circuits": {}}
    told(gateway, RESET)
    empty = {"requests": {"total": 0, "success": 0, "failed": 0}, "avg_latency_ms": 0, "total_cost_usd": 0.0}
    assert told(gateway, METRICS) == {
        **empty,
        "provider_distribution": {},
        "circuit_breaker": {"open_circuits": {}},
    }


@pytest.mark.parametrize(
    ("path", "accept", "media"),
    [
        ("/metrics", "*/*", "application/json"),
        ("/metrics", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("/metrics", SCRAPER, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("/metrics", "text/plain;version=0.0.4;q=1,*/*;q=0.1", "text/plain; version=0.0.4; charset=utf-8"),
        ("/metrics/prometheus", "*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("/metrics/prometheus", "application/json", "text/plain; version=0.0.4; charset=utf-8"),
        ("/metrics/prometheus", SCRAPER, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_whoever_asks_as_prometheus_does_gets_its_text(
    gateway: RunningGateway, path: str, accept: str, media: str
) -> None:
    assert gateway.get(path, Accept=accept)[1]["content-type"] == media
    if media != "application/json":
        assert scrape(gateway, path, accept)["switchyard_config_generation"]


def test_prometheus_counts_what_all_workers_answered_since_ever(gateway: RunningGateway, healthy: Switchboard) -> None:
    before = scrape(gateway)
    healthy.plug(PRIMARY, *[whole_stream("Hel", "lo")] * 5, DOWN, whole_stream("Hel", "lo"))
    assert ask(gateway, 12, stream=True) == [200] * 12
    told(gateway, RESET)
    after = scrape(gateway)

    def grown(name: str, suffix: str = "_total", **labels: str) -> float:
        return value(after[name], suffix, **labels) - value(before[name], suffix, **labels)

    assert grown("switchyard_requests", outcome="success") == 12
    assert grown("switchyard_requests", outcome="success", endpoint=PRIMARY, provider=PRIMARY, model="*") == 11
    assert grown("switchyard_requests", outcome="success", api_key="first", endpoint=FALLBACK) == 1
    assert grown("switchyard_tokens", kind="prompt") == 36
    assert grown("switchyard_tokens", kind="completion") == 24
    assert grown("switchyard_cost", currency="USD", endpoint=PRIMARY) == pytest.approx(11 * 0.007)
    assert (grown("switchyard_tries", endpoint=PRIMARY), grown("switchyard_tries")) == (12, 13)
    assert grown("switchyard_failed_tries", endpoint=PRIMARY) == grown("switchyard_failovers") == 1
    for name in ("switchyard_request_duration_seconds", "switchyard_first_content_seconds"):
        assert grown(name, "_count", endpoint=PRIMARY) == 11
        assert grown(name, "_bucket", endpoint=PRIMARY, le="+Inf") == 11
        assert grown(name, "_sum", endpoint=PRIMARY) > 0
    window = value(after["switchyard_window_requests"], "", endpoint=PRIMARY)
    assert window - value(before["switchyard_window_requests"], "", endpoint=PRIMARY) == 12
    assert value(after["switchyard_window_limit_requests"], "", endpoint=PRIMARY) == 100_000
    assert value(after["switchyard_config_generation"], "") >= 1


def test_histograms_have_the_same_growing_buckets_everywhere(gateway: RunningGateway, healthy: Switchboard) -> None:
    ask(gateway, 2)
    buckets: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    for sample in scrape(gateway)["switchyard_request_duration_seconds"].samples:
        if sample.name.endswith("_bucket"):
            place = (sample.labels["provider"], sample.labels["endpoint"])
            buckets[place].append((float(sample.labels["le"]), sample.value))
    assert len({tuple(bound for bound, _ in found) for found in buckets.values()}) == 1
    for found in buckets.values():
        assert found == sorted(found)
        assert [count for _, count in found] == sorted(count for _, count in found)


def test_no_counter_falls_when_a_worker_is_killed_under_load(gateway: RunningGateway, healthy: Switchboard) -> None:
    victim, seen = gateway.worker_pids()[0], []
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(lambda: [ask_patiently(gateway) for _ in range(150)])
        wait_for(lambda: len(healthy.seen(PRIMARY)) > 20, "requests are answered")
        os.kill(victim, signal.SIGKILL)
        while not load.done():
            seen.append(scrape_patiently(gateway))
        answered = sum(load.result())
    seen.append(scrape_patiently(gateway))
    assert seen == sorted(seen)
    assert seen[-1] >= answered


def ask_patiently(gateway: RunningGateway) -> bool:
    """Whether a request was answered; a killed worker's are not."""
    try:
        return ask(gateway) == [200]
    except (OSError, http.client.HTTPException):
        return False


def scrape_patiently(gateway: RunningGateway) -> float:
    """All successes since ever."""
    try:
        return value(scrape(gateway)["switchyard_requests"], outcome="success")
    except (OSError, http.client.HTTPException):
        return scrape_patiently(gateway)


def test_an_open_circuit_is_told_by_provider_and_model(gateway: RunningGateway, healthy: Switchboard) -> None:
    healthy.plug(PRIMARY, DOWN)
    for _ in range(3):
        assert ask(gateway) == [200]
    open_circuits = wait_for(lambda: told(gateway, CIRCUITS)["open_circuits"], "it is open")
    fits(told(gateway, METRICS), "Metrics")
    [(name, circuit)] = open_circuits.items()
    assert name == f"{PRIMARY}/m-1"
    assert (circuit["state"], circuit["endpoints"]) == ("open", [PRIMARY])
    assert "boom" in circuit["cause"]
    assert circuit["next_probe_at"] > circuit["opened_at"]
    family = scrape(gateway)["switchyard_circuit_open"]
    assert (value(family, "", endpoint=PRIMARY), value(family, "", endpoint=FALLBACK)) == (1, 0)


def test_names_that_would_break_a_line_are_escaped(
    board: Switchboard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    board.plug(PRIMARY, reply(completion()))
    document = yaml.safe_load(configuration(board, {"limit_requests": 10}, {}))
    document["endpoints"][ODD] = document["endpoints"].pop(PRIMARY)
    document["models"]["*"]["entries"] = [{"endpoint": ODD}]
    with failover_gateway(tmp_path_factory.mktemp("odd"), yaml.safe_dump(document), "sqlite") as gateway:
        assert ask(gateway, 3) == [200] * 3
        for accept in ("text/plain", SCRAPER):
            families = scrape(gateway, "/metrics", accept)
            assert value(families["switchyard_requests"], outcome="success", endpoint=ODD) == 3
            assert value(families["switchyard_window_requests"], "", endpoint=ODD) == 3
