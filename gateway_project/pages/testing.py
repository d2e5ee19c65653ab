"""The page that tries an endpoint, a provider or a model with one small real call, and shows all that came back.

The upstream is asked while the response is being streamed, outside the native threads of browser requests: whoever
waits for a slow vendor holds a socket and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext as _

from gateway_project.pages import render
from gateway_project.pages.test_words import Verdict, verdict
from metrics import native
from providers import upstream
from providers.models import Provider
from routing import catalog
from routing.checking.questions import estimate
from routing.checking.report import money
from routing.checking.single import Tried, places, question_of, try_one
from routing.models import Endpoint
from routing.types import Candidate, Catalog

TEMPLATE = "gateway/test.html"
WHAT = ("endpoint", "provider", "model")


def test(request: HttpRequest, what: str, name: str) -> HttpResponseBase:
    """GET: what would be asked, and of whom. POST: it is asked, and the answer is shown."""
    if what not in WHAT:
        raise Http404
    served = catalog.current()
    found = places(served, what, name)
    if not found and not _exists(what, name):
        raise Http404
    asked = request.POST or request.GET
    model = asked.get("model", "")
    model = model if model in found else next(iter(found), "")
    stream = asked.get("stream", "") == "on"
    context = {**_context(what, name, found, model), "stream": stream}
    title = _("Test %(name)s") % {"name": name}
    if request.method != "POST" or not found:
        return render(request, TEMPLATE, title, **context)
    get_token(request)  # before the response begins: the cookie goes with its headers
    list(messages.get_messages(request))
    _log(request, what, name, model)
    candidate = found[model]

    def body() -> Iterator[bytes]:
        close_old_connections()  # none of them waits with us
        tried = try_one(served, candidate, stream, upstream.send)

        def rendered() -> bytes:
            page = render(request, TEMPLATE, title, **context, **_result(served, tried))
            return page.render().content

        yield native.run_request(rendered)

    return StreamingHttpResponse(body(), headers={"cache-control": "no-store"})


def _exists(what: str, name: str) -> bool:
    """A provider without models has a page all the same: it says what is missing."""
    return what == "provider" and Provider.objects.filter(name=name).exists()


def _context(what: str, name: str, found: dict[str, Candidate], model: str) -> dict[str, Any]:
    provider = found[model].target.provider if found else name
    row = Provider.objects.filter(name=provider).first()
    candidate = found.get(model)
    guess = estimate([question_of(candidate, False)], time.time()) if candidate else None
    return {
        "what": what,
        "name": name,
        "found": list(found),
        "model": model,
        "chats": candidate is not None and question_of(candidate, True).stream,
        "address": candidate.target.base_url if candidate else (row.base_url if row else ""),
        "provider": provider,
        "provider_url": reverse("admin:providers_provider_change", args=[row.pk]) if row else "",
        "own_list_url": reverse("admin:providers_provider_own_list", args=[row.pk]) if row else "",
        "at_most": money(guess.amounts) if guess and guess.amounts else "",
        "off": candidate is not None and candidate.skip_code == "disabled",
    }


def _result(served: Catalog, tried: Tried) -> dict[str, Any]:
    finding = tried.finding
    said: Verdict = verdict(tried, served.providers[tried.candidate.target.provider])
    return {
        "verdict": said,
        "finding": finding,
        "cost": _cost(tried),
        "exchanges": tried.exchanges,
        "took": _duration(finding.seconds if finding else None),
        "first": _duration(finding.first_seconds if finding else None),
        "usage": _usage(tried),
        "rejected": finding.rejected if finding is not None and not finding.keyless else (),
        "asked_stream": tried.stream,
    }


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"


def _cost(tried: Tried) -> str:
    finding = tried.finding
    if finding is None or finding.amount is None:
        return ""
    return money({finding.currency: finding.amount})


def _usage(tried: Tried) -> tuple[Any, Any] | None:
    usage = tried.finding.usage if tried.finding else {}
    return (usage.get("prompt_tokens"), usage.get("completion_tokens")) if "prompt_tokens" in usage else None


def _log(request: HttpRequest, what: str, name: str, model: str) -> None:
    """Who sent it: a test costs a little."""
    rows: Any = Endpoint.objects.filter(name=name)
    if what != "endpoint":
        rows = Provider.objects.filter(name=name.partition("/")[0])
    told = _("Tested with the model %(model)s.") % {"model": model}
    LogEntry.objects.log_actions(str(request.user.pk), rows[:1], CHANGE, told)
