"""Playground: a conversation with any model, or with two side by side, through the real gateway.

The page itself calls ``/v1/chat/completions``, with a token that stands for an API key of its reader's own
(``gateway_project.api.page_tokens``): its limits apply, and its requests are recorded like any other.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from gateway_project.api import page_tokens
from gateway_project.pages import render
from gateway_project.pages.explain import names
from gateway_project.pages.playground_words import strings
from metrics import drain, spool
from metrics.models import AttemptLog, RequestLog
from providers.configuration import one_change
from routing import catalog
from routing.models import ApiKey
from routing.models.access import generate_key

PATIENCE = 0.5  # seconds in one of few threads; the page asks again
LONGEST_KEY_NAME = 100
FIGURES = (
    *("id", "status", "outcome", "provider", "endpoint", "category", "route", "tries", "duration_ms", "first_ms"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "usage_source", "currency"),
    *("finish_reason", "error", "skipped"),
)
TRY = ("number", "endpoint", "provider", "upstream_model", "outcome", "status", "error", "started_ms", "end_ms")


def playground(request: HttpRequest) -> HttpResponseBase:
    """The page. ``model`` and ``second`` in its address are filled in."""
    name = key_name(request.user)
    key = ApiKey.objects.filter(name=name).first()
    link = ""
    if key is not None and request.user.has_perm("routing.view_apikey"):
        link = reverse("admin:routing_apikey_change", args=[key.pk])
    page = {
        "chat": "/v1/chat/completions",
        "token": reverse("admin:playground_token"),
        "record": reverse("admin:playground_record", args=["ID"]),
        "public": request.build_absolute_uri("/v1/chat/completions"),
        "words": strings(),
    }
    asked = {"model": request.GET.get("model", ""), "second": request.GET.get("second", "")}
    given = {"page": page, "names": names(catalog.current()), "key_name": name, "key_link": link, **asked}
    return render(request, "gateway/playground.html", _("Playground"), **given)


@never_cache
@require_POST
def token(request: HttpRequest) -> HttpResponseBase:
    """``{token, seconds, key}``; at the first use the reader's key is made. 403 where it may not be used any more."""
    key = _own_key(request)
    refusal = ""
    if not key.enabled:
        refusal = _("Your API key “%(name)s” is revoked.")
    elif key.expires_at is not None and key.expires_at <= timezone.now():
        refusal = _("Your API key “%(name)s” has expired.")
    if refusal:
        return JsonResponse({"error": refusal % {"name": key.name}}, status=403)
    signed = page_tokens.issue(request.user.pk, key.hash)
    return JsonResponse({"token": signed, "seconds": page_tokens.SECONDS, "key": key.name})


@never_cache
@require_GET
def record(request: HttpRequest, number: str) -> HttpResponseBase:
    """What is recorded of a request: its figures, its tries and a link to it. 202: not yet."""
    if not number.isalnum():
        return JsonResponse({}, status=404)
    drain.catch_up(spool.default_directory(), PATIENCE)
    row = RequestLog.objects.filter(pk=number).first()
    may_view = request.user.has_perm("metrics.view_requestlog")
    if row is None:
        return JsonResponse({}, status=202)
    if row.api_key != key_name(request.user) and not may_view:
        return JsonResponse({}, status=404)
    told: dict[str, Any] = {name: getattr(row, name) for name in FIGURES}
    told["cost"] = None if row.cost is None else f"{row.cost.normalize():f}"
    told["attempts"] = list(AttemptLog.objects.filter(request=row.pk).order_by("number").values(*TRY))
    told["link"] = reverse("admin:metrics_requestlog_change", args=[row.pk]) if may_view else ""
    return JsonResponse(told)


def key_name(user: Any) -> str:
    """The name of the user's own key."""
    name = f"playground-{user.get_username()}"
    return name if len(name) <= LONGEST_KEY_NAME else f"playground-{user.pk}"


def _own_key(request: HttpRequest) -> ApiKey:
    """The reader's own key, made at the first use. Nobody ever sees it: only tokens stand for it."""
    assert isinstance(request.user, User)
    name = key_name(request.user)
    key = ApiKey.objects.filter(name=name).first()
    if key is not None:
        return key
    with one_change(request.user.get_username(), "admin"):
        key = ApiKey.objects.filter(name=name).first()  # again, now that nobody else writes
        if key is not None:
            return key
        key = ApiKey(name=name, description=_("Made by the playground for “%(user)s”.") % {"user": request.user})
        key.set_key(generate_key())
        key.save()
        admin.site.get_model_admin(ApiKey).log_addition(request, key, [{"added": {}}])
    return key
