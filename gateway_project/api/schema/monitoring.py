"""Statistics, health and limits in the failover router's and the category router's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.views import APIView

from gateway_project.api import failover_router, monitoring
from gateway_project.api.schema import errors
from gateway_project.api.schema.operations import READ, Operation, answer
from gateway_project.api.schema.words import (
    Schema,
    array,
    count,
    maybe,
    number,
    one_of,
    record,
    ref,
    switch,
    table,
    text,
    whole,
)

TAG = "Monitoring"
ABOUT = "What happened and how things stand, on all workers together. Reading needs a key with the scope `metrics`."
_UNTIL_NOW = "Up to the last answer of any worker, since the last reset."
_TEXT = {"schema": text("Metrics since ever."), "example": "# TYPE switchyard_tries_total counter\n"}
_SCRAPED: dict[str, Any] = {"text/plain": _TEXT, "application/openmetrics-text": _TEXT}


def _read(name: str, path: str, summary: str, about: str, schema: str) -> Operation:
    return Operation(name, path, TAG, summary, about, {"200": answer("The figures.", schema)}, f"{READ} 503")


DESCRIBED: Mapping[tuple[type[APIView], str], Operation] = {
    (monitoring.Metrics, "GET"): Operation(
        "getMetrics", "/metrics", TAG, "Requests, cost and open circuits",
        f"{_UNTIL_NOW} As JSON, unless the Accept header asks for `text/plain` or `application/openmetrics-text`, as "
        "Prometheus does: those are counters since ever.",
        {"200": answer("The figures.", "Metrics", **_SCRAPED)}, f"{READ} 503",
    ),
    (monitoring.Prometheus, "GET"): Operation(
        "getPrometheusMetrics", "/metrics/prometheus", TAG, "Everything for Prometheus",
        "Counters and histograms since ever, gauges of circuits and windows.",
        {"200": {"description": "The metrics.", "headers": errors.headers(), "content": _SCRAPED}},
        f"{READ} 503",
    ),
    (failover_router.Home, "GET"): Operation(
        "getRoot", "/", TAG, "What this is, and what is behind it",
        "Any key will do. A browser, which accepts `text/html`, is sent to the admin.",
        {
            "200": answer("The gateway.", "Root"),
            "302": {"description": "To the admin.", "headers": {"Location": errors.header("/admin/", text())}},
        },
    ),
    (failover_router.BackendInfo, "GET"): Operation(
        "getBackendInfo", "/backend/info", TAG, "The services as they are configured",
        "A service is an enabled endpoint: those of the public model `*` by priority, then the others by name.",
        {"200": answer("The services.", "BackendInfo")},
    ),
    (failover_router.RouterStats, "GET"): _read(
        "getRouterStats", "/router/stats", "Failovers and limits, service by service", _UNTIL_NOW, "RouterStats"
    ),
    (failover_router.RouterHealth, "GET"): _read(
        "getRouterHealth", "/router/health", "How each service is",
        "unhealthy: its circuit is open, or half of its tries failed; degraded: a tenth did. The whole is as the best.",
        "RouterHealth",
    ),
    (failover_router.RouterRateLimits, "GET"): _read(
        "getRouterRateLimits", "/router/rate-limits", "The services' windows now", "Reading takes no place in them.",
        "RouterRateLimits",
    ),
    (failover_router.ResetStats, "POST"): Operation(
        "resetRouterStats", "/router/reset-stats", TAG, "Statistics begin anew",
        "They count from now on; no record changes, and counters for Prometheus go on. Needs the scope `admin`.",
        {"200": answer("Done.", "StatsReset")}, f"{READ} 503", curl="-X POST",
    ),
}  # fmt: skip

_SKIPS = count("Times that services were passed over because their own limits were used up.")
_WINDOWS = table("By service.", ref("ServiceWindow"))
_MODE = one_of("Whether there is one service.", "single_service", "router")
_RATE = number("Per cent of all requests.", minimum=0)
COMPONENTS: Mapping[str, Schema] = {
    "Metrics": record(
        "The category router's figures.",
        {
            "requests": record(
                "Those of callers. One whose caller left is neither.",
                {"total": count(), "success": count(), "failed": count()},
                "total success failed",
            ),
            "avg_latency_ms": count("Of whole requests."),
            "total_cost_usd": number("Of those whose price is known, in US dollars.", minimum=0),
            "provider_distribution": table("Requests by the provider that ended them.", count()),
            "circuit_breaker": record(
                "", {"open_circuits": table("By provider/model.", ref("OpenCircuit"))}, "open_circuits"
            ),
        },
        "requests avg_latency_ms total_cost_usd provider_distribution circuit_breaker",
    ),
    "OpenCircuit": record(
        "An upstream model that is left alone for a while.",
        {
            "state": one_of("half_open: one request is trying it.", "open", "half_open"),
            "cause": text("What failed last."),
            "opened_at": maybe(number("Unix seconds.")),
            "next_probe_at": maybe(number("Unix seconds; null: when an operator closes it.")),
            "endpoints": array(text(), "The endpoints of this name whose circuits are not closed."),
        },
        "state cause opened_at next_probe_at endpoints",
    ),
    "Root": record(
        "What this is.",
        {
            "message": text(),
            "version": text("The gateway's."),
            "docs": text("Where the API is described."),
            "mode": _MODE,
            "primary_backend": maybe(text("The kind of the first service.")),
            "backend": maybe(text("The same, where there is one service.")),
            "services_count": count("Where there are several."),
            "services": array(
                record(
                    "",
                    {
                        "name": text("The endpoint's."),
                        "type": text("The kind of its provider."),
                        "priority": whole("Lower comes first."),
                    },
                    "name type priority",
                ),
                "Where there are several.",
            ),
        },
        "message version docs mode primary_backend",
    ),
    "BackendInfo": record(
        "What is behind the gateway.",
        {
            "mode": _MODE,
            "primary_backend": maybe(text("The kind of the first service.")),
            "services": array(
                record(
                    "",
                    {
                        "name": text("The endpoint's."),
                        "type": text("The kind of its provider."),
                        "model": text("The name that is sent; `*`: the caller's."),
                        "base_url": text(),
                        "priority": whole("Lower comes first."),
                        "timeout": number(
                            "Seconds until an answer begins, or the whole is there if it is not streamed."
                        ),
                        "has_api_key": switch(),
                        "rate_limit": maybe(text("Requests per window, such as 100/60s.")),
                    },
                    "name type model base_url priority timeout has_api_key rate_limit",
                )
            ),
        },
        "mode primary_backend services",
    ),
    "ServiceWindow": record(
        "A service's own sliding window. All but rate_limit are null where the store of windows does not answer.",
        {
            "rate_limit": maybe(text("Such as 100/60s; null: there is no limit of requests.")),
            "current_requests": maybe(count("0 where nothing limits them: they are not counted.")),
            "remaining_quota": maybe(count("Null without a limit.")),
            "is_rate_limited": maybe(switch()),
            "window_reset_in": maybe(number("Seconds until its oldest request leaves.", minimum=0)),
        },
        "rate_limit current_requests remaining_quota is_rate_limited window_reset_in",
    ),
    "RouterStats": record(
        "What happened since the last reset.",
        {
            "total_requests": count("Those of callers."),
            "total_failovers": count("Failed tries that were followed by another."),
            "total_rate_limit_skips": _SKIPS,
            "failover_rate": _RATE,
            "rate_limit_skip_rate": _RATE,
            "configured_services": count(),
            "service_stats": table(
                "By service.",
                record(
                    "",
                    {
                        "requests": count("Tries."),
                        "failures": count("Failed ones."),
                        "rate_limited": count("Times passed over because its own limit was used up."),
                    },
                    "requests failures rate_limited",
                ),
            ),
            "service_order": array(text()),
            "rate_limiting": _WINDOWS,
        },
        "total_requests total_failovers total_rate_limit_skips failover_rate rate_limit_skip_rate configured_services "
        "service_stats service_order rate_limiting",
    ),
    "RouterHealth": record(
        "How services are.",
        {
            "overall_status": one_of("As the best of them.", "healthy", "degraded", "unhealthy"),
            "services": table("By name.", ref("ServiceHealth")),
        },
        "overall_status services",
    ),
    "ServiceHealth": record(
        "How one service is.",
        {
            "status": one_of("", "healthy", "degraded", "unhealthy"),
            "backend_type": text("The kind of its provider."),
            "base_url": text(),
            "has_api_key": switch(),
            "requests": count("Tries since the last reset."),
            "failures": count("Failed ones."),
            "failure_rate": number("Per cent.", minimum=0),
            "rate_limited_events": count("Times passed over because its own limit was used up."),
            "is_currently_rate_limited": maybe(switch()),
            "rate_limit_config": maybe(
                record("", {"max_requests": count(), "window_seconds": number()}, "max_requests window_seconds")
            ),
        },
        "status backend_type base_url has_api_key requests failures failure_rate rate_limited_events "
        "is_currently_rate_limited rate_limit_config",
    ),
    "RouterRateLimits": record(
        "Windows now.",
        {
            "rate_limiting": _WINDOWS,
            "total_rate_limit_skips": _SKIPS,
            "rate_limit_skip_rate": _RATE,
            "current_time": number("Unix seconds."),
        },
        "rate_limiting total_rate_limit_skips rate_limit_skip_rate current_time",
    ),
    "StatsReset": record("Done.", {"message": text(), "reset_at": number("Unix seconds.")}, "message reset_at"),
}
