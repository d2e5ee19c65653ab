"""The failover router's own endpoints, in its words: services, their statistics, health and rate limits."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.request import Request

from gateway_project.api import statistics
from gateway_project.api.auth import ANY_KEY
from gateway_project.api.drf import GatewayView, json_response
from gateway_project.api.statistics import Figures
from gateway_project.version import VERSION
from metrics import marks, spool
from metrics.stats import Usage
from routing import services
from routing.limits import Window
from routing.services import Service, rate

Body = dict[str, Any]


class Home(GatewayView):
    """GET /: what this is, and what is behind it."""

    scope = ANY_KEY
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        found = services.services(self.catalog)
        body: Body = {
            "message": "LLM Router - OpenAI API compatible endpoint",
            "version": VERSION,
            "docs": "/docs",
            **_mode(found),
        }
        if body["mode"] == "single_service":
            body["backend"] = _primary(found)
        else:
            body["services_count"] = len(found)
            body["services"] = [{"name": one.name, "type": one.kind, "priority": one.priority} for one in found]
        body["primary_backend"] = _primary(found)
        return json_response(body)


class BackendInfo(GatewayView):
    """GET /backend/info: the services as they are configured."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        found = services.services(self.catalog)
        told = [_configured(service) for service in found]
        return json_response({**_mode(found), "primary_backend": _primary(found), "services": told})


class RouterStats(GatewayView):
    """GET /router/stats: what happened since the last reset."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        found = services.services(self.catalog)
        return json_response(stats(found, statistics.figures(found)))


class RouterHealth(GatewayView):
    """GET /router/health: how each service is."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        found = services.services(self.catalog)
        figures = statistics.figures(found)
        statistics.look_at_circuits()
        return json_response(health(found, figures))


class RouterRateLimits(GatewayView):
    """GET /router/rate-limits: the services' windows now."""

    scope = "metrics"
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        found = services.services(self.catalog)
        figures = statistics.figures(found)
        whole = stats(found, figures)
        told = {name: whole[name] for name in ("rate_limiting", "total_rate_limit_skips", "rate_limit_skip_rate")}
        return json_response({**told, "current_time": round(time.time(), 3)})


class ResetStats(GatewayView):
    """POST /router/reset-stats: statistics count from now on. No record changes."""

    scope = "admin"
    http_method_names = ["post"]

    def post(self, request: Request) -> HttpResponseBase:
        at = statistics.read(marks.reset, spool.default_directory())
        return json_response({"message": "Router statistics have been reset.", "reset_at": round(at, 3)})


def stats(found: tuple[Service, ...], figures: Figures) -> Body:
    """The body of ``/router/stats``."""
    places, whole = figures.since.by_endpoint(), figures.since.whole
    used = {service.name: places.get(service.name, Usage()) for service in found}
    skips = sum(usage.limit_skips for usage in used.values())
    return {
        "total_requests": whole.requests,
        "total_failovers": whole.failovers,
        "total_rate_limit_skips": skips,
        "failover_rate": rate(whole.failovers, whole.requests),
        "rate_limit_skip_rate": rate(skips, whole.requests),
        "configured_services": len(found),
        "service_stats": {
            name: {"requests": usage.tries, "failures": usage.failed_tries, "rate_limited": usage.limit_skips}
            for name, usage in used.items()
        },
        "service_order": [service.name for service in found],
        "rate_limiting": {service.name: _window(service, figures) for service in found},
    }


def health(found: tuple[Service, ...], figures: Figures) -> Body:
    """The body of ``/router/health``."""
    places = figures.since.by_endpoint()
    told = {service.name: _health(service, places.get(service.name, Usage()), figures) for service in found}
    return {"overall_status": services.overall(one["status"] for one in told.values()), "services": told}


def _health(service: Service, usage: Usage, figures: Figures) -> Body:
    failure_rate = rate(usage.failed_tries, usage.tries)
    return {
        "status": services.status(statistics.is_open(service.candidate.identity), failure_rate),
        "backend_type": service.kind,
        "base_url": service.candidate.target.base_url,
        "has_api_key": service.has_key,
        "requests": usage.tries,
        "failures": usage.failed_tries,
        "failure_rate": failure_rate,
        "rate_limited_events": usage.limit_skips,
        "is_currently_rate_limited": _window(service, figures)["is_rate_limited"],
        "rate_limit_config": _limit_config(service.window),
    }


def _window(service: Service, figures: Figures) -> Body:
    """A service's window now. Nothing is counted where nothing limits; nulls where the store cannot say."""
    window = service.window
    told: Body = {"rate_limit": _limit(window)}
    if window is None:
        counted = {"current_requests": 0, "remaining_quota": None, "is_rate_limited": False, "window_reset_in": 0.0}
        return told | counted
    reading = figures.readings.get(window.key)
    if reading is None:
        return told | dict.fromkeys(("current_requests", "remaining_quota", "is_rate_limited", "window_reset_in"))
    return told | {
        "current_requests": reading.current_requests,
        "remaining_quota": reading.remaining_quota,
        "is_rate_limited": reading.is_rate_limited,
        "window_reset_in": round(reading.window_reset_in, 1),
    }


def _limit(window: Window | None) -> str | None:
    """``100/60s``; None without a limit of requests."""
    return None if window is None or window.requests is None else f"{window.requests}/{window.seconds:g}s"


def _limit_config(window: Window | None) -> Body | None:
    if window is None or window.requests is None:
        return None
    return {"max_requests": window.requests, "window_seconds": _whole(window.seconds)}


def _configured(service: Service) -> Body:
    candidate = service.candidate
    return {
        "name": service.name,
        "type": service.kind,
        "model": candidate.target.upstream_model,
        "base_url": candidate.target.base_url,
        "priority": service.priority,
        "timeout": _whole(candidate.limits.headers),
        "has_api_key": service.has_key,
        "rate_limit": _limit(service.window),
    }


def _mode(found: tuple[Service, ...]) -> Body:
    return {"mode": "single_service" if services.single(found, settings.USE_ROUTER) else "router"}


def _primary(found: tuple[Service, ...]) -> str | None:
    return found[0].kind if found else None


def _whole(seconds: float) -> float:
    """60 rather than 60.0, as the failover router writes it."""
    return int(seconds) if seconds == int(seconds) else seconds
