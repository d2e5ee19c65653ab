"""The log of requests: a list by keyset, and a page for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from metrics.admin import one_request
from metrics.admin.base import ReadOnlyAdmin
from metrics.log import filters, reading, words
from metrics.models import RequestContent, RequestLog

NEWEST = 500
OFFERED = {
    "model": "requested_model",
    "endpoint": "endpoint",
    "provider": "provider",
    "key": "api_key",
    "category": "category",
    "operation": "operation",
    "outcome": "outcome",
}
FIRST_ROW = ("period", "model", "endpoint", "key", "outcome", "status")
SECOND_ROW = (
    *("provider", "category", "operation", "since", "until", "duration_min", "duration_max", "cost_min", "cost_max"),
    *("error", "q"),
)
EXAMPLES = {"duration_min": "2000", "duration_max": "10000", "cost_min": "0.01", "cost_max": "1"}


@dataclass(frozen=True, slots=True)
class Field:
    """One filter as the page shows it. ``choices``: all there are (a select), else ``offered``: those seen lately."""

    name: str
    label: Any
    value: str
    wrong: Any
    choices: tuple[tuple[str, Any], ...] = ()
    offered: tuple[str, ...] = ()
    example: str = ""


@admin.register(RequestLog)
class RequestLogAdmin(ReadOnlyAdmin):
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = filters.asked(request.GET, timezone.now())
        older, newer = (reading.place_of(request.GET.get(name, "")) for name in ("older", "newer"))
        page = reading.read(asked, older, None if older else newer)
        offered = _offered()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Requests"),
            "opts": None,
            "page": page,
            "rows": [_shown(row) for row in page.rows],
            "first_fields": [_field(name, asked, offered) for name in FIRST_ROW],
            "more_fields": [_field(name, asked, offered) for name in SECOND_ROW],
            "more_open": any(name in asked.given for name in SECOND_ROW),
            "wrong": bool(asked.wrong),
            "chips": [_chip(name, asked, request) for name in asked.given],
            "searched_to": words.moment(page.searched_to) if page.searched_to else "",
            "links": _links(request, page, older or newer),
        }
        return TemplateResponse(request, "metrics/request_log.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method != "GET" or not self.has_view_permission(request, row):
            raise PermissionDenied
        return one_request.page(self, request, row)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<str:number>/content/", wrap(self.show_content), name="metrics_requestlog_content"),
            path("<str:number>/content/delete/", wrap(self.delete_content), name="metrics_requestlog_forget"),
            *super().get_urls(),
        ]

    def show_content(self, request: HttpRequest, number: str) -> HttpResponse:
        """The page with the prompt and the answer. Each time somebody looks is written down, so it takes a POST."""
        row = RequestLog.objects.filter(pk=number).first()
        content = RequestContent.objects.filter(pk=number).first()
        if request.method != "POST" or row is None or content is None:
            return redirect("admin:metrics_requestlog_change", number)
        if not (self.has_view_permission(request) and request.user.has_perm("metrics.view_requestcontent")):
            raise PermissionDenied
        self.log_change(request, content, str(_("The prompt and the answer were looked at.")))
        return one_request.page(self, request, row, content)

    def delete_content(self, request: HttpRequest, number: str) -> HttpResponse:
        """Delete the prompt and the answer now."""
        if request.method != "POST" or not request.user.has_perm("metrics.delete_requestcontent"):
            raise PermissionDenied
        content = RequestContent.objects.filter(pk=number).first()
        if content is not None:
            self.log_deletions(request, RequestContent.objects.filter(pk=number))
            content.delete()
            self.message_user(request, _("The prompt and the answer are deleted."))
        return redirect("admin:metrics_requestlog_change", number)


def _offered() -> dict[str, tuple[str, ...]]:
    """Values that the newest requests had: a list of all would mean reading the whole table."""
    rows = RequestLog.objects.order_by("-at").values_list(*OFFERED.values())[:NEWEST]
    columns = zip(*rows, strict=True)
    return {
        name: tuple(sorted(value for value in {*column} - {""} if words.plain(value) == value))
        for name, column in zip(OFFERED, columns, strict=False)
    }


def _field(name: str, asked: filters.Asked, offered: Mapping[str, tuple[str, ...]]) -> Field:
    value = asked.given.get(name, "")
    return Field(
        name,
        filters.LABELS[name],
        value,
        asked.wrong.get(name),
        tuple(_choices(name, value, offered)),
        offered.get(name, ()),
        EXAMPLES.get(name, ""),
    )


def _choices(name: str, value: str, offered: Mapping[str, tuple[str, ...]]) -> Iterable[tuple[str, Any]]:
    """What a select offers beside "any"; whatever the address says is among it."""
    choices: dict[str, Any] = {}
    if name == "period":
        choices = {word: label for word, (_length, label) in filters.PERIODS.items()}
    elif name == "status":
        choices = {"2xx": "2xx", "4xx": "4xx", "429": "429", "5xx": "5xx", "none": _("none")}
    elif name == "outcome":
        known = {"success": _("success"), "failed": _("failed (all)"), "cancelled": _("cancelled")}
        choices = known | {word: word for word in offered.get(name, ()) if word not in known}
    elif name == "operation":
        choices = {word: word for word in offered.get(name, ())}
    return (choices | ({value: value} if value and value not in choices else {})).items() if choices else ()


def _chip(name: str, asked: filters.Asked, request: HttpRequest) -> dict[str, Any]:
    value = asked.given[name]
    shown = filters.PERIODS[value][1] if name == "period" and value in filters.PERIODS else value
    return {"label": filters.LABELS[name], "value": shown, "without": _address(request, without=(name,))}


def _links(request: HttpRequest, page: reading.Page, moved: Any) -> dict[str, str]:
    return {
        "older": _address(request, older=page.older) if page.older else "",
        "newer": _address(request, newer=page.newer) if page.newer else "",
        "newest": _address(request) if moved else "",
    }


def _address(request: HttpRequest, without: tuple[str, ...] = (), **changed: str) -> str:
    """This address with other parameters, and on its first page unless they say otherwise."""
    parameters = request.GET.copy()
    for name in ("older", "newer", *without):
        parameters.pop(name, None)
    for name, value in changed.items():
        parameters[name] = value
    return f"?{parameters.urlencode()}"


def _shown(row: RequestLog) -> dict[str, Any]:
    return {
        "row": row,
        "model": words.plain(row.requested_model),
        "endpoint": words.plain(row.endpoint),
        "error": words.plain(row.error),
        "moment": words.moment(row.at),
        "iso": row.at.isoformat(timespec="milliseconds"),
        "tone": words.tone(row.outcome, row.status),
        "duration": words.milliseconds(row.duration_ms),
        "first": words.milliseconds(row.first_ms),
        "tokens": words.tokens(row),
        "cost": words.money(row.cost, row.currency),
    }
