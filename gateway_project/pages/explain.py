"""Explain: what would happen to a request, now and with a proposed configuration. Nothing is sent, nothing written.

GET with ``model`` or ``category`` explains at once; ``request=<id of a request>`` fills in what its record tells. POST
takes the form, or from elsewhere in the admin ``model`` and ``proposed``: the text of a whole configuration.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from gateway_project.api.dialects.base import InvalidRequest
from gateway_project.api.errors import ApiError
from gateway_project.api.explaining import Supposed, explained
from gateway_project.pages import explain_words, highlight, render
from gateway_project.pages.explain_form import OPERATIONS, Question, body_of, headers_of, named_first
from metrics.models import RequestContent, RequestLog
from routing import catalog
from routing.config.diff import diff
from routing.config.diff import render as rendered
from routing.config.document import PART, VERSION, DocumentError, Problem
from routing.config.selection import is_part, merged
from routing.config.text import load
from routing.resolve import ROUTER_NAMES, NotFound
from routing.state import STATE
from routing.types import Catalog, Grant

MOST_NAMES = 5000
MOST_CHANGES = 200
TINTS = 6  # colours of categories, in explain.css
SEEDS = 2**32


@dataclass(slots=True)
class Side:
    """One explanation as it is shown, or ``refused``: what the request would be answered with."""

    told: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    tried: list[explain_words.Row] = field(default_factory=list)
    left_out: list[explain_words.Row] = field(default_factory=list)
    in_words: str = ""
    order: str = ""


def explain(request: HttpRequest) -> HttpResponseBase:
    """The page, with an answer where something was asked."""
    STATE.poll()
    served = catalog.current()
    grants = _grants(request, served)
    given, past = _given(request, grants)
    asked = bool(given.get("model") or given.get("category"))
    files = request.FILES if request.method == "POST" else None
    form = Question(served, grants, given, files) if asked or request.method == "POST" else Question(served, grants)
    context: dict[str, Any] = {"form": form, "names": names(served), "may_name_keys": bool(grants), "past": past}
    if form.is_bound and form.is_valid():
        context |= _answer(request, form.cleaned_data, served, grants.get(form.cleaned_data.get("key", "")))
    return render(request, "gateway/explain.html", _("Explain a route"), **context)


def names(served: Catalog) -> list[str]:
    """Every name that resolves, for completion: the models first."""
    listed = [*served.routes, *served.aliases, "router", *(f"router/{name}" for name in served.categories)]
    offered = [f"{entry.name}/{model}" for entry in served.providers.values() for model in entry.models]
    return (sorted(listed) + sorted(offered))[:MOST_NAMES]


def _grants(request: HttpRequest, served: Catalog) -> dict[str, Grant]:
    """API keys by name, for those who may know them."""
    if not request.user.has_perm("routing.view_apikey"):
        return {}
    return {grant.name: grant for grant in sorted(served.grants.values(), key=lambda grant: grant.name)}


def _given(request: HttpRequest, grants: Mapping[str, Grant]) -> tuple[Mapping[str, Any], dict[str, Any] | None]:
    """What was asked, and the record of the request that it was taken from, if any."""
    if request.method == "POST":
        return request.POST, None
    number = request.GET.get("request", "")
    if not number:
        return request.GET, None
    if not request.user.has_perm("metrics.view_requestlog") or not number.isprintable():
        return request.GET, {"missing": number}
    row = RequestLog.objects.filter(pk=number).first() or RequestLog.objects.filter(request_id=number).first()
    if row is None:
        return request.GET, {"missing": number}
    given = {
        "model": row.requested_model,
        "key": row.api_key if row.api_key in grants else "",
        "operation": row.operation if row.operation in OPERATIONS else "",
        "prompt_tokens": "" if row.prompt_tokens is None else str(row.prompt_tokens),
    }
    if row.category and row.requested_model in ROUTER_NAMES:
        given["category"] = row.category  # what it was about is not known any more
    may_read = request.user.has_perm("metrics.view_requestcontent")
    return {**given, **request.GET.dict()}, {
        "row": row,
        "at": date_format(timezone.localtime(row.at), "j M H:i:s"),
        "by_category": "category" in given,
        "any_key": bool(row.api_key) and not given["key"],
        "kept": may_read and RequestContent.objects.filter(pk=row.pk).exists(),
        "link": reverse("admin:metrics_requestlog_change", args=[row.pk]),
    }


def _answer(request: HttpRequest, said: Mapping[str, Any], served: Catalog, grant: Grant | None) -> dict[str, Any]:
    seed = random.randrange(SEEDS)  # noqa: S311 - both sides draw alike
    now = _side(said, served, grant, seed)
    context: dict[str, Any] = {"now": now, "grant": grant, "prompt": _marked_prompt(said, now)}
    if grant is not None and now.told:
        context["key_limits"] = explain_words.limits(now.told["api_key"]["limits"])
        context["key_wait"] = explain_words.again(now.told["api_key"]["refused_for"])
    if said["proposed"].strip():
        context |= _comparison(request, said, now, grant, seed)
    return context


def _comparison(
    request: HttpRequest, said: Mapping[str, Any], now: Side, grant: Grant | None, seed: int
) -> dict[str, Any]:
    """The same request with the proposed configuration, and what differs; or what is wrong with the document."""
    try:
        stored = catalog.stored()
        document = _document(said, stored)
        proposed = catalog.proposed(document)
    except DocumentError as error:
        return {"problems": error.problems}
    except (KeyError, ValueError) as error:
        return {"problems": [Problem("", str(error))]}
    then = _side(said, proposed, grant, seed)
    differences = None
    if now.told and then.told:
        differences = explain_words.compare((now.tried, now.left_out), (then.tried, then.left_out))
        differences += explain_words.changed_facts(now.told, then.told, then.tried)
    elif now.refused != then.refused:
        differences = 1
    changes = diff(stored, document)
    shown = rendered(changes[:MOST_CHANGES]) if request.user.has_perm("routing.view_configrevision") else []
    return {"then": then, "differences": differences, "changes": shown, "change_count": len(changes)}


def _document(said: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The whole document that is proposed; of a part, as importing it would make it. Raises DocumentError."""
    text = said["proposed"]
    if said["scope"] == "part" and not text.lstrip().startswith("version:"):
        text = f"version: {VERSION}\n{text}"
    document = load(text)
    if is_part(document) or said["scope"] == "part":
        return merged(stored, document)
    return {name: rows for name, rows in document.items() if name != PART}


def _side(said: Mapping[str, Any], using: Catalog, grant: Grant | None, seed: int) -> Side:
    supposed = Supposed(said["prompt_tokens"], seed)
    try:
        told = explained(body_of(said), using, grant, headers_of(said), supposed)
    except (InvalidRequest, NotFound, ApiError) as error:
        return Side(refused=str(getattr(error, "message", error)))
    tried, left_out = explain_words.rows(told, named_first(said))
    found = told["resolution"]
    return Side(told, "", tried, left_out, explain_words.in_words(found), explain_words.order(found))


def _marked_prompt(said: Mapping[str, Any], side: Side) -> dict[str, Any] | None:
    """The prompt in pieces, with the words that spoke for a category in its colour; and the points of each."""
    found = side.told.get("resolution", {}).get("classification")
    if found is None:
        return None
    keywords = {match["keyword"]: match["category"] for match in found["matches"]}
    tints = {name: f"tint{place % TINTS}" for place, name in enumerate(sorted(set(keywords.values())))}
    marked = highlight.pieces(said["prompt"] or "Hello", keywords)
    return {
        "pieces": [(piece, name, tints.get(name, "")) for piece, name in marked],
        "matches": [{**match, "tint": tints[match["category"]]} for match in found["matches"]],
        "category": found["category"],
        "score": f"{found['score']:g}",
        "why": found["why"],
    }
