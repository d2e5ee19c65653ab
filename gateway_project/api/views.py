"""The views that answer from the catalog alone; those that ask an upstream are in ``inference``."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request

from gateway_project.api import listing
from gateway_project.api.drf import GatewayView, json_response
from gateway_project.api.errors import ApiError
from routing import catalog


class Models(GatewayView):
    """GET /v1/models and /models: what can be called now."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return json_response(listing.render_list(self.catalog, self.account.grant))


class Model(GatewayView):
    """GET /v1/models/{id}: one of them; an alias answers as its model."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, name: str) -> HttpResponseBase:
        self.account.asked = name
        return json_response(listing.render_one(self.catalog, self.account.grant, name))


class Health(GatewayView):
    """GET /health and /health/live: the process answers."""

    scope = None
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        return json_response({"status": "ok"})


class Ready(GatewayView):
    """GET /health/ready: 200 if the newest configuration is being served, else 503 with the reason."""

    scope = None
    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponseBase:
        status = catalog.status()
        problem = "the newest configuration could not be built" if status.error else None
        body = {
            "status": "ready" if problem is None else "degraded",
            "generation": status.generation,
            "problem": problem,
        }
        return json_response(body, 200 if problem is None else 503)


class UnknownUrl(GatewayView):
    """Everything else: 404 for those who may ask at all."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise ApiError(404, f"Invalid URL ({request.method} {request.path_info})", code="unknown_url")


def refuse_unknown_url(request: HttpRequest) -> HttpResponseBase:
    """For ``handler404``."""
    return UnknownUrl.as_view()(request)
