"""Which endpoints the failover router's endpoints speak of, and what its figures mean."""

from __future__ import annotations

import pytest

from gateway_project.api.accepts import preferred
from routing import services
from tests.core.test_resolve import NO_KEY, catalog, provider

PROVIDERS = {
    "one": provider(1, "m", kind="cerebras"),
    "locked": provider(2, "m", kind="mistral", **NO_KEY),
    "off": provider(3, "m", enabled=False),
}


def endpoints(**more):
    said = {name: {"provider": "one", "upstream_model": name} for name in ("a", "b", "c", "d")}
    said["keyless"] = {"provider": "locked", "upstream_model": "x"}
    said["waiting"] = {"provider": "locked", "upstream_model": "y"}
    said["off"] = {"provider": "off", "upstream_model": "x"}
    said["out"] = {"provider": "one", "upstream_model": "out", "enabled": False}
    return said | more


def entries(*said):
    return [{"endpoint": name, **more} for name, more in said]


def found(**sections):
    served = catalog(**{"providers": PROVIDERS, "endpoints": endpoints(), "categories": {}, "models": {}, **sections})
    return services.services(served)


def test_services_are_those_of_the_wildcard_by_priority_then_the_others_by_name() -> None:
    star = {"entries": entries(("d", {"priority": 10}), ("keyless", {"priority": 20}), ("b", {"priority": 0}))}
    told = [(service.name, service.priority) for service in found(models={"*": star})]
    assert told == [("b", 0), ("d", 10), ("keyless", 20), ("a", 21), ("c", 21)]


def test_a_disabled_entry_or_wildcard_only_changes_the_order() -> None:
    star = {"entries": entries(("d", {"enabled": False}), ("c", {}), ("off", {}), ("out", {}))}
    assert [service.name for service in found(models={"*": star})] == ["c", "a", "b", "d"]
    assert [service.name for service in found(models={"*": {**star, "enabled": False}})] == ["a", "b", "c", "d"]


def test_a_service_has_its_own_window_and_not_its_providers() -> None:
    limited = {"one": {**PROVIDERS["one"], "limit_requests": 5}}
    places = {"a": {"provider": "one", "upstream_model": "a", "limit_requests": 7, "limit_window": 30}}
    a, b, *_ = found(providers=PROVIDERS | limited, endpoints=endpoints(**places))
    assert a.window is not None
    assert (a.window.requests, a.window.seconds) == (7, 30)
    assert b.window is None


@pytest.mark.parametrize(
    ("count", "use_router", "single"),
    [(0, None, True), (1, None, True), (1, True, True), (2, None, False), (2, True, False), (2, False, True)],
)
def test_one_service_or_none_or_a_setting_makes_single_service(
    count: int, use_router: bool | None, single: bool
) -> None:
    assert services.single(found()[:count], use_router) is single


@pytest.mark.parametrize(
    ("part", "whole", "rate"),
    [(3, 25, 12.0), (8, 25, 32.0), (0, 0, 0.0), (0, 9, 0.0), (1, 3, 33.3), (2, 3, 66.7), (7, 5, 140.0)],
)
def test_rates_are_per_cent_with_one_decimal(part: int, whole: int, rate: float) -> None:
    assert services.rate(part, whole) == rate
    assert isinstance(services.rate(part, whole), float)


@pytest.mark.parametrize(
    ("circuit_open", "failure_rate", "status"),
    [
        (False, 0.0, "healthy"),
        (False, 9.9, "healthy"),
        (False, 10.0, "degraded"),
        (False, 49.9, "degraded"),
        (False, 50.0, "unhealthy"),
        (True, 0.0, "unhealthy"),
    ],
)
def test_a_services_status_follows_its_circuit_and_its_failure_rate(
    circuit_open: bool, failure_rate: float, status: str
) -> None:
    assert services.status(circuit_open, failure_rate) == status


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        (["unhealthy", "healthy"], "healthy"),
        (["unhealthy", "degraded"], "degraded"),
        (["unhealthy"], "unhealthy"),
        ([], "unhealthy"),
    ],
)
def test_all_together_are_as_the_best(statuses: list[str], overall: str) -> None:
    assert services.overall(statuses) == overall


JSON, TEXT, OPEN = "application/json", "text/plain", "application/openmetrics-text"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("application/json", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("application/json, text/plain, */*", JSON),
        ("image/png", JSON),
        (PROMETHEUS, OPEN),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
        ("text/plain", TEXT),
        ("Text/Plain ; Q=0.5 , application/json;q=0.4", TEXT),
        ("text/*", TEXT),
        ("application/json;q=0, */*", TEXT),
        ("text/plain;q=high, application/json;q=0.1", JSON),
        ("application/openmetrics-text;version=nonsense", OPEN),
    ],
)
def test_the_accept_header_chooses_between_json_and_prometheus(accept: str, media: str) -> None:
    assert preferred(accept, [JSON, TEXT, OPEN]) == media
