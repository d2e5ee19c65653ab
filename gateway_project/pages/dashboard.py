"""The admin's first page: how it goes in a period, and what needs attention now.

``period`` (24h, 7d, 30d, 90d, 12m), ``by`` (a dimension of the breakdown) and ``all`` are in the address;
``fragment=1`` gives only what the page's script puts in place of what is there, each quarter of a minute.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from gateway_project import greeting, listening
from gateway_project.pages import attention, dashboard_figures, render
from metrics import drain, fill, periods, spans, spool
from routing import catalog

log = logging.getLogger("switchyard.admin")

PATIENCE = 0.05  # seconds, and a batch, for records that are not yet counted
DIMENSIONS = ("model", "provider", "api_key", "category", "endpoint")
MOST_ROWS = 10


def dashboard(request: HttpRequest) -> HttpResponseBase:
    """The page, or its live part. Without ``metrics.view_requestlog`` only a welcome."""
    title = _("Dashboard")
    if not request.user.has_perm("metrics.view_requestlog"):
        return render(request, "gateway/welcome.html", title)
    now = datetime.now(UTC)
    fragment = "fragment" in request.GET
    try:
        context = _context(request, now)
    except DatabaseError as error:
        log.warning("the dashboard cannot be read: %s", error)
        context = {"unreadable": True}
    context["at"] = date_format(localtime(now), "H:i:s")
    if fragment:
        response: HttpResponseBase = TemplateResponse(request, "gateway/dashboard_live.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response
    return render(request, "gateway/dashboard.html", title, **context)


def _context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    _catch_up()
    if not periods.anything() and fill.back_to() is None:
        return {"start": _start(request), **_attention(request, now)}
    period = periods.period(request.GET.get("period", ""), now)
    by = request.GET.get("by", "")
    by = by if by in DIMENSIONS else DIMENSIONS[0]
    current = periods.whole(period.start, period.open_end)
    return {
        "period": period.name,
        "choices": _choices(request, period.name),
        "tiles": dashboard_figures.tiles(period, current, periods.whole(*period.before)),
        "chart": dashboard_figures.chart(period, periods.series(period)),
        "tabs": _tabs(request, by),
        **_breakdown(request, period, by, current),
        **_attention(request, now),
        "incomplete": _incomplete(period),
        "since": date_format(period.start, "j M Y, H:i"),
    }


def _catch_up() -> None:
    """What has just happened counts; where the database is busy, it will the next time."""
    try:
        drain.catch_up(spool.default_directory(), PATIENCE)
    except DatabaseError as error:
        log.info("the dashboard shows what has been counted until now: %s", error)


def _breakdown(request: HttpRequest, period: periods.Period, by: str, current: periods.Figures) -> dict[str, Any]:
    found = periods.by_name(by, period.start, period.open_end)
    rows = dashboard_figures.rows(period, by, found, current.usage.requests)
    everything = "all" in request.GET
    return {
        "rows": rows if everything else rows[:MOST_ROWS],
        "by": by,
        "heading": str(dashboard_figures.NAMES[by]),
        "more": 0 if everything else max(0, len(rows) - MOST_ROWS),
        "all_url": _address(request, all="1"),
        "fewer_url": _address(request, all="") if everything and len(rows) > MOST_ROWS else "",
    }


def _address(request: HttpRequest, **changed: str) -> str:
    """This page with other choices."""
    kept = {name: request.GET[name] for name in ("period", "by", "all") if name in request.GET}
    chosen = {name: value for name, value in {**kept, **changed}.items() if value}
    return reverse("admin:index") + (f"?{urlencode(chosen)}" if chosen else "")


def _choices(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    return [
        {"title": dashboard_figures.PERIODS[name], "url": _address(request, period=name), "current": name == current}
        for name in periods.PERIODS
    ]


def _tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    return [
        {
            "title": dashboard_figures.BY[name],
            "url": _address(request, by=name, all=""),
            "current": name == current,
        }
        for name in DIMENSIONS
    ]


def _incomplete(period: periods.Period) -> str:
    """From when on the figures are whole, while earlier hours are still being taken over; else ""."""
    back_to = fill.back_to()
    if back_to is None or back_to <= period.before[0]:
        return ""
    return date_format(min(back_to, spans.after(spans.HOUR, period.end)), "j M Y, H:i")


def _attention(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """``items``, and whether all is well but for remarks."""
    found = attention.items(request, now)
    return {"items": found, "well": all(item.level == attention.INFO for item in found)}


def _start(request: HttpRequest) -> dict[str, Any]:
    """The first steps: whether each has been done, where it is done, and a request that works as pasted."""
    try:
        served = catalog.current()
    except catalog.CatalogUnavailable:
        return {"steps": []}
    model = greeting.first_model(served, greeting.categories_are_own())
    key = next((f"{name.prefix}…" for name in served.grants.values() if name.enabled), "")
    url = listening.base_url(settings.HOST, settings.PORT, settings.PUBLIC_URL)
    keyed = any(entry.configured for entry in served.providers.values())
    may = request.user.has_perm

    def page(permission: str, name: str) -> str:
        return reverse(f"admin:{name}") if may(permission) else ""

    return {
        "keyed": keyed,
        "provider_url": page("providers.view_provider", "providers_provider_changelist"),
        "model": model or "",
        "endpoint_url": page("routing.view_endpoint", "routing_endpoint_changelist"),
        "model_url": page("routing.view_publicmodel", "routing_publicmodel_changelist"),
        "key": key,
        "key_url": page("routing.view_apikey", "routing_apikey_changelist"),
        "curl": greeting.curl(url, "$GATEWAY_API_KEY" if settings.AUTH_REQUIRED else None, model),
    }
