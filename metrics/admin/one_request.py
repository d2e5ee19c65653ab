"""The page of one request: what happened in words, its tries on an axis of time, and where to go from here."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from metrics.log import timeline, words
from metrics.models import AttemptLog, RequestContent, RequestLog

# What a page elsewhere in the admin is called → the permission that opens it.
PLACES = {
    "routing_endpoint": "routing.view_endpoint",
    "routing_publicmodel": "routing.view_publicmodel",
    "routing_category": "routing.view_category",
    "routing_apikey": "routing.view_apikey",
    "providers_provider": "providers.view_provider",
}
Fact = tuple[str, Any, str]


def page(
    admin: ModelAdmin[RequestLog], request: HttpRequest, row: RequestLog, content: RequestContent | None = None
) -> HttpResponse:
    """The whole page, for whoever may see requests; with its ``content`` where that was asked for."""
    attempts = list(AttemptLog.objects.filter(request=row.pk).order_by("number"))
    older, newer = _neighbours(row)
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Request of %(moment)s") % {"moment": words.moment(row.at)},
        "row": row,
        "summary": words.plain(words.summary(row, attempts)),
        "error": words.plain(row.error),
        "tone": words.tone(row.outcome, row.status),
        "bars": [
            {"bar": bar, "link": place(request, "routing_endpoint", bar.attempt.endpoint)}
            for bar in timeline.bars(row, attempts)
        ],
        "marks": timeline.marks(row, attempts),
        "skipped": [_skipped(request, skip) for skip in row.skipped if isinstance(skip, dict)],
        "way": _way(request, row),
        "usage": _usage(row),
        "identity": _identity(row),
        "explain": _explain(request, row),
        "kept": _is_kept(request, row),
        "content": _shown(content) if content is not None else None,
        "may_forget": request.user.has_perm("metrics.delete_requestcontent"),
        "older": older,
        "newer": newer,
    }
    return TemplateResponse(request, "metrics/request_detail.html", context)


def _is_kept(request: HttpRequest, row: RequestLog) -> bool:
    """Whether there is content, for those who may read it."""
    may = request.user.has_perm("metrics.view_requestcontent")
    return may and RequestContent.objects.filter(pk=row.pk).exists()


def _shown(content: RequestContent) -> dict[str, Any]:
    return {
        "prompt": words.plain(_indented(content.prompt)),
        "answer": words.plain(_indented(content.answer)),
        "row": content,
    }


def _indented(text: str) -> str:
    """JSON for reading."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def place(request: HttpRequest, name: str, value: str) -> str:
    """The list of ``name``, searched for ``value``; "" where nobody may go there, or there is no such page."""
    if not value or not request.user.has_perm(PLACES[name]):
        return ""
    try:
        return f"{reverse(f'admin:{name}_changelist')}?{urlencode({'q': value})}"
    except NoReverseMatch:
        return ""


def _explain(request: HttpRequest, row: RequestLog) -> str:
    if not request.user.has_perm("routing.view_publicmodel"):
        return ""
    try:
        return f"{reverse('admin:explain')}?{urlencode({'request': row.pk})}"
    except NoReverseMatch:
        return ""


def _neighbours(row: RequestLog) -> tuple[str, str]:
    """The requests of the same key before and after this one, "" where there is none."""
    same = RequestLog.objects.filter(api_key=row.api_key)
    older = same.filter(at__lte=row.at).exclude(at=row.at, id__gte=row.id).order_by("-at", "-id")
    newer = same.filter(at__gte=row.at).exclude(at=row.at, id__lte=row.id).order_by("at", "id")
    return tuple(rows.values_list("id", flat=True).first() or "" for rows in (older, newer))  # type: ignore[return-value]  # two of them


def _skipped(request: HttpRequest, skip: dict[str, Any]) -> dict[str, str]:
    endpoint = str(skip.get("endpoint", ""))
    return {
        "endpoint": words.plain(endpoint),
        "reason": words.plain(str(skip.get("reason", ""))),
        "link": place(request, "routing_endpoint", endpoint),
    }


def _way(request: HttpRequest, row: RequestLog) -> list[Fact]:
    """Label, value, link: how the name that was asked for led to an endpoint."""
    facts = [
        (_("Asked for"), row.requested_model, ""),
        (_("which is"), timeline.HOW.get(row.how or "", row.how), ""),
        (_("Routed as"), row.route, place(request, "routing_publicmodel", row.route)),
        (_("Category"), row.category, place(request, "routing_category", row.category)),
        (_("Strategy"), row.strategy, ""),
        (_("Provider"), row.provider, place(request, "providers_provider", row.provider)),
        (_("Endpoint"), row.endpoint, place(request, "routing_endpoint", row.endpoint)),
        (_("Model asked for there"), row.upstream_model, ""),
        (_("Model that answered"), row.answered_model, ""),
        (_("Finish reason"), row.finish_reason, ""),
        (_("Parameters left out"), ", ".join(map(str, row.dropped_params)), ""),
        (_("API key"), row.api_key, place(request, "routing_apikey", row.api_key)),
    ]
    return [(label, words.plain(str(value or "")), link) for label, value, link in facts]


def _usage(row: RequestLog) -> list[Fact]:
    sources = {"vendor": _("counted by the vendor"), "estimated": _("estimated by the gateway")}
    details = (
        (_("Prompt tokens"), row.prompt_tokens),
        (_("of them from a cache"), row.cached_tokens),
        (_("written to a cache"), row.cache_write_tokens),
        (_("Answer tokens"), row.completion_tokens),
        (_("of them reasoning"), row.reasoning_tokens),
    )
    cost = words.money(row.cost, row.currency) if row.cost is not None else _("unknown")
    return [
        *((label, value, "") for label, value in details if value is not None),
        (_("Tokens are"), sources.get(row.usage_source, _("not known")), ""),
        (_("Cost"), cost, ""),
        (_("First content after"), words.milliseconds(row.first_ms), ""),
        (_("Whole duration"), words.milliseconds(row.duration_ms), ""),
        (_("of it in the gateway"), words.milliseconds(row.overhead_ms), ""),
    ]


def _identity(row: RequestLog) -> list[Fact]:
    return [
        (_("Request id"), words.plain(row.request_id), ""),
        (_("Our id"), row.id, ""),
        (_("At"), row.at.isoformat(timespec="milliseconds"), ""),
        (_("Operation"), row.operation, ""),
        (_("Format"), row.dialect, ""),
        (_("Streamed"), _("yes") if row.stream else _("no"), ""),
        (_("Configuration"), _("generation %(number)s") % {"number": row.generation}, ""),
    ]
