"""A revision's own page, any two compared, and the way back: what it would change first, then one transaction."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.admin.difference import render
from routing.admin.origins import in_words
from routing.admin.rehearsing import ChangedMeanwhile, rehearsed, same_still
from routing.config.diff import change, diff, lost_secrets
from routing.config.document import DocumentError
from routing.config.revisions import NOTHING, revision, snapshot
from routing.config.rollback import rollback
from routing.models import ConfigRevision

NOW = "now"


def may_go_back(request: HttpRequest) -> bool:
    """Whether whoever asks may roll back and import."""
    return bool(request.user.has_perm("routing.add_configrevision"))


def detail_view(page: Any, request: HttpRequest, number: int) -> HttpResponse:
    """One revision: who, when, from where, and what it changed."""
    _may_look(page, request)
    row = get_object_or_404(ConfigRevision, pk=number)
    around = ConfigRevision.objects.order_by("number").values_list("number", flat=True)
    before = ConfigRevision.objects.filter(number=number - 1).first()
    documents = (before.canonical() if before else NOTHING, row.canonical()) if before or number == 1 else ()
    return _page(
        page,
        request,
        "routing/revisions/detail.html",
        _("Revision #%(number)s") % {"number": number},
        row=row,
        at=date_format(localtime(row.at), "j M Y H:i:s"),
        origin=in_words(row.origin),
        difference=render([change(stored) for stored in row.diff], *documents),
        earlier=around.filter(number__lt=number).last(),
        later=around.filter(number__gt=number).first(),
    )


def compare_view(page: Any, request: HttpRequest) -> HttpResponse:
    """Two revisions, or one and what is in force now: ``?first=3&second=now``."""
    _may_look(page, request)
    newest = ConfigRevision.objects.values_list("number", flat=True).first() or 0
    sides = [request.GET.get("first") or str(max(1, newest - 1)), request.GET.get("second") or NOW]
    problem, difference = "", SafeString("")
    try:
        before, after = (_document(side) for side in sides)
        difference = render(diff(before, after), before, after)
    except Http404 as error:
        problem = str(error)
    context = {"first": sides[0], "second": sides[1], "problem": problem, "difference": difference, "newest": newest}
    return _page(page, request, "routing/revisions/compare.html", _("Compare revisions"), **context)


class RollbackForm(forms.Form):
    """What is said when it is confirmed; ``stamp``: of the configuration that was looked at."""

    message = forms.CharField(max_length=240, required=False)
    stamp = forms.CharField(widget=forms.HiddenInput)
    drop_secrets = forms.BooleanField(required=False)


def rollback_view(page: Any, request: HttpRequest, number: int) -> HttpResponse:
    """What going back would change; confirmed, it is done in one transaction, unless something changed meanwhile."""
    if not may_go_back(request):
        raise PermissionDenied
    row = get_object_or_404(ConfigRevision, pk=number)
    if request.method == "POST":
        form = RollbackForm(request.POST)
        if form.is_valid():
            try:
                return _gone_back(request, row, form)
            except ChangedMeanwhile:
                told = _("Somebody changed the configuration meanwhile. This is what going back would change now.")
                messages.error(request, told)
            except DocumentError:
                pass  # said below, from the same check
    drop = "drop_secrets" in request.POST or "drop_secrets" in request.GET
    return _page(
        page,
        request,
        "routing/revisions/rollback.html",
        _("Roll back to revision #%(number)s") % {"number": number},
        row=row,
        way=rehearsed(lambda: rollback(number, "", drop_secrets=drop)),
        drop=drop,
        at=date_format(localtime(row.at), "j M Y H:i:s"),
        message=request.POST.get("message", ""),
        back=reverse("admin:routing_configrevision_change", args=[number]),
    )


def _gone_back(request: HttpRequest, row: ConfigRevision, form: RollbackForm) -> HttpResponse:
    said = form.cleaned_data["message"].strip()
    message = f"Back to revision {row.number}" + (f": {said}" if said else "")
    user = request.user
    with revision(user.get_username(), "rollback", message) as opened:
        same_still(opened, form.cleaned_data["stamp"])
        changes = rollback(row.number, user.get_username(), drop_secrets=form.cleaned_data["drop_secrets"])
        lost = len(lost_secrets(changes))
        LogEntry.objects.create(
            user_id=int(user.pk or 0),
            content_type=get_content_type_for_model(row),
            object_id=str(row.pk),
            object_repr=str(row)[:200],
            action_flag=CHANGE,
            change_message=message,
        )
    if opened.number is None:
        messages.warning(request, _("Nothing differs from revision #%(number)s.") % {"number": row.number})
        return HttpResponseRedirect(reverse("admin:routing_configrevision_change", args=[row.number]))
    messages.success(request, _("The configuration is that of revision #%(number)s again.") % {"number": row.number})
    if lost:
        told = ngettext("%(n)d stored secret went with it.", "%(n)d stored secrets went with it.", lost) % {"n": lost}
        messages.warning(request, told)
    return HttpResponseRedirect(reverse("admin:routing_configrevision_change", args=[opened.number]))


def _document(side: str) -> dict[str, Any]:
    """Raises Http404, with a sentence."""
    if side == NOW:
        return snapshot().document
    row = ConfigRevision.objects.filter(number=side).first() if side.isdecimal() and len(side) < 19 else None
    if row is None:
        raise Http404(_("There is no revision %(number)s.") % {"number": side[:40]})
    return row.canonical()


def _may_look(page: Any, request: HttpRequest) -> None:
    if not page.has_view_permission(request):
        raise PermissionDenied


def _page(page: Any, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    shared = {**page.admin_site.each_context(request), "title": title}
    return TemplateResponse(request, template, {**shared, "may_go_back": may_go_back(request), **context})
