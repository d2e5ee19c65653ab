"""The page that shows a provider's own list of models beside what is configured, and adds what is ticked.

The list is read while the response is being streamed: outside the native threads of browser requests, outside any
transaction, with nothing held but the socket. What is added is what was shown: the facts travel in the form, signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldBooleanWidget

from metrics import native
from providers.adapters.listings import ListedUpstreamModel
from providers.catalogue import plain
from providers.configuration import one_change
from providers.errors import UpstreamError
from providers.model_lists import list_models
from providers.models import ModelType, Provider
from providers.offers import NoKey, Offer, add, compare, place_of
from providers.words import in_words

TEMPLATE = "admin/providers/provider/own_list.html"
SALT = "providers.own-list"
VALID_SECONDS = 4 * 3600
NEEDED = ("providers.add_providermodel", "providers.add_price")
SECTIONS = (
    ("new", gettext_lazy("New")),
    ("known", gettext_lazy("Configured already")),
    ("gone", gettext_lazy("Configured, but not in the list")),
    ("other", gettext_lazy("Of a type that the gateway does not serve")),
)
COLUMNS = {"gone": 2, "other": 1}  # how many of them say something


def show(page: Any, request: HttpRequest, provider: Provider) -> HttpResponseBase:
    """The page, read from the provider as it is sent. ``page``: the ModelAdmin of providers."""
    get_token(request)  # before the response begins: the cookie goes with its headers
    list(messages.get_messages(request))  # and those that are shown are dropped with its cookies
    try:
        target, credentials = place_of(provider)
    except NoKey as error:
        return HttpResponse(_rendered(page, request, provider, ([], in_words(error))))

    def body() -> Iterator[str]:
        close_old_connections()  # none of them waits with us
        listed: list[ListedUpstreamModel] = []
        problem = ""
        try:
            listed = list_models(target, credentials)
        except UpstreamError as error:
            problem = in_words(error)
        yield native.run_request(_rendered, page, request, provider, (listed, problem))

    return StreamingHttpResponse(body())


def add_chosen(page: Any, request: HttpRequest, provider: Provider) -> HttpResponseBase:
    """Add the ticked models as one revision; PermissionDenied for those who may not add models and prices."""
    if not request.user.has_perms(NEEDED):
        raise PermissionDenied
    back = HttpResponseRedirect(reverse("admin:providers_provider_change", args=[provider.pk]))
    try:
        shown = _opened(request.POST.get("shown", ""), provider)
    except signing.BadSignature:
        page.message_user(request, _("What was shown is too old or of another provider: read the list again."), "error")
        return back
    chosen = set(request.POST.getlist("chosen"))
    offers = [offer for offer in shown if offer.name in chosen]
    if not offers:
        page.message_user(request, _("No model was ticked, so that nothing was added."), messages.WARNING)
        return HttpResponseRedirect(request.path)
    try:
        with one_change(request.user.get_username(), "admin"):
            added = add(provider, offers)
    except ValidationError as refusal:
        page.message_user(request, " ".join(refusal.messages), messages.ERROR)
        return back
    page.log_change(request, provider, [{"added": {"name": "provider model", "object": name}} for name in added])
    page.message_user(request, _told(provider, added), messages.SUCCESS if added else messages.WARNING)
    models = reverse("admin:providers_providermodel_changelist")
    return HttpResponseRedirect(f"{models}?provider__id__exact={provider.pk}")


def _told(provider: Provider, added: list[str]) -> str:
    if not added:
        return _("Nothing was added: what was ticked is configured already.")
    told = ngettext("%(n)d model of %(provider)s added.", "%(n)d models of %(provider)s added.", len(added))
    if provider.enabled:
        called = ngettext("It can be called now as %(name)s.", "They can be called now as %(name)s, …", len(added))
    else:
        called = _("The provider is disabled; once it is enabled, call %(name)s.")
    return f"{told} {called}" % {"n": len(added), "provider": provider.name, "name": f"{provider.name}/{added[0]}"}


def _rendered(page: Any, request: HttpRequest, provider: Provider, read: tuple[list[ListedUpstreamModel], str]) -> str:
    listed, problem = read
    offers = [] if problem else compare(provider, listed)
    new = [offer for offer in offers if offer.state == "new"]
    may_add = bool(new) and request.user.has_perms(NEEDED)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "original": provider,
        "title": _("Models that %(provider)s lists") % {"provider": provider.name},
        "problem": problem,
        "listed": len(listed),
        "sections": [
            {"title": f"{title} ({len(found)})", "table": _table(found, ticks=state == "new" and may_add)}
            for state, title in SECTIONS
            if (found := [offer for offer in offers if offer.state == state])
        ],
        "may_add": may_add,
        "all_box": _all_box(),
        "shown": _sealed(new, provider) if may_add else "",
        "back": reverse("admin:providers_provider_change", args=[provider.pk]),
    }
    return render_to_string(TEMPLATE, context, request)


def _table(offers: list[Offer], *, ticks: bool) -> dict[str, Any]:
    """For unfold's table component."""
    headers = [
        _("model"),
        _("type"),
        _("context window"),
        _("max. output tokens"),
        _("price in/out per 1M"),
        _("capabilities"),
    ]
    columns = COLUMNS.get(offers[0].state, len(headers))
    return {
        "headers": [*([""] if ticks else []), *headers[:columns]],
        "rows": [
            {
                "cols": [*([_tick(offer)] if ticks else []), *_cells(offer)[:columns]],
                "attrs": {
                    "data-name": offer.name.lower(),
                    "x-show": "$el.dataset.name.includes(sought.toLowerCase())",
                },
            }
            for offer in offers
        ],
    }


def _tick(offer: Offer) -> SafeString:
    attributes = {"aria-label": _("Add %(name)s") % {"name": offer.name}}
    return UnfoldBooleanWidget(attrs=attributes, check_test=lambda _value: False).render("chosen", offer.name)


def _all_box() -> SafeString:
    """Ticks what the search has left, and nothing that it hides."""
    tick_all = "document.querySelectorAll('[name=chosen]').forEach(box => { if (box.closest('tbody').style.display !== 'none') box.checked = $event.target.checked })"  # noqa: E501 - one line of JavaScript
    return UnfoldBooleanWidget(attrs={"x-on:change": tick_all}).render("", None)


def _cells(offer: Offer) -> list[str]:
    return [
        offer.name,
        str(ModelType(offer.type).label),
        _count(offer.max_input_tokens),
        _count(offer.max_output_tokens),
        _price(offer),
        ", ".join(word.replace("_", " ") for word in offer.capabilities),
    ]


def _count(tokens: int | None) -> str:
    return _("unknown") if tokens is None else f"{tokens:,}".replace(",", " ")


def _price(offer: Offer) -> str:
    figures = dict(offer.figures)
    if not figures:
        return _("unknown")
    sides = (plain(figures[side]) if side in figures else "–" for side in ("input", "output"))
    return format_html('<span title="{}">{} USD</span>', offer.source, " / ".join(sides))


def _sealed(offers: list[Offer], provider: Provider) -> str:
    rows = [{**asdict(offer), "figures": [(name, str(figure)) for name, figure in offer.figures]} for offer in offers]
    return signing.dumps([provider.pk, provider.base_url, rows], salt=SALT, compress=True)


def _opened(sealed: str, provider: Provider) -> list[Offer]:
    """What ``_sealed`` was made from. BadSignature for anything else, for what is too old, for another provider."""
    pk, base_url, rows = signing.loads(sealed, salt=SALT, max_age=VALID_SECONDS)
    if (pk, base_url) != (provider.pk, provider.base_url):
        raise signing.BadSignature("another provider's list")
    return [_offer(row) for row in rows]


def _offer(row: dict[str, Any]) -> Offer:
    figures = tuple((name, Decimal(figure)) for name, figure in row["figures"])
    return Offer(**{**row, "capabilities": tuple(row["capabilities"]), "figures": figures})
