"""``/metrics``: the category router's JSON, or Prometheus' text for whoever asks for that."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from gateway_project.api import exposition, statistics
from gateway_project.api.accepts import preferred
from gateway_project.api.drf import GatewayView, json_response
from metrics import exposition as counters
from metrics import native, spool
from metrics.marks import SinceReset
from routing import services
from routing.types import Catalog

JSON = "application/json"


class Metrics(GatewayView):
    """GET /metrics: what happened since the last reset; in Prometheus' words since ever, as counters must."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        wanted = preferred(request.META.get("HTTP_ACCEPT", "*/*"), [JSON, *exposition.FORMATS])
        if wanted == JSON:
            since = statistics.figures().since
            statistics.look_at_circuits()
            response: HttpResponseBase = json_response(told(since, self.catalog))
        else:
            response = scraped(self.catalog, wanted)
        response.headers["Vary"] = "Accept"
        return response


class Prometheus(GatewayView):
    """GET /metrics/prometheus: the same for scrapers that don't say what they want."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return scraped(self.catalog, preferred(request.META.get("HTTP_ACCEPT", "*/*"), [*exposition.FORMATS]))


def told(since: SinceReset, catalog: Catalog) -> dict[str, Any]:
    """The category router's figures."""
    whole = since.whole
    distribution = {name: usage.requests for name, usage in sorted(since.by_provider().items())}
    return {
        "requests": {"total": whole.requests, "success": whole.succeeded, "failed": whole.failed},
        "avg_latency_ms": round(whole.mean_ms or 0),
        "total_cost_usd": float(whole.cost.get("USD", 0)),
        "provider_distribution": {name: count for name, count in distribution.items() if name and count},
        "circuit_breaker": {"open_circuits": open_circuits(catalog)},
    }


def open_circuits(catalog: Catalog) -> dict[str, Any]:
    """By ``provider/model``, as the category router names them; endpoints that share the name are told together."""
    found: dict[str, Any] = {}
    for candidate, circuit in statistics.open_circuits(catalog):
        name = f"{candidate.target.provider}/{candidate.target.upstream_model}"
        said: dict[str, Any] = {
            "state": circuit.phase,
            "cause": circuit.cause,
            "opened_at": circuit.opened_at,
            "next_probe_at": circuit.next_probe_at,
            "endpoints": [],
        }
        found.setdefault(name, said)["endpoints"].append(candidate.endpoint)
    return found


def scraped(catalog: Catalog, media: str) -> HttpResponse:
    """Everything in Prometheus' text format, or in OpenMetrics'."""
    rows = statistics.read(counters.read, spool.default_directory())
    found = services.services(catalog)
    readings = statistics.readings(found)
    statistics.look_at_circuits()
    gauges = exposition.gauges(found, readings, catalog.generation)
    render, content_type = exposition.FORMATS[media]
    body = native.run_in_thread("exposition", lambda: render(exposition.Families([*counters.families(rows), *gauges])))
    return HttpResponse(body, content_type=content_type)
