"""Import: files or pasted text, what they would change, and then exactly that, in one transaction.

Between the two steps the content travels in the form itself, compressed and encrypted with the gateway's own key for
ten minutes: it may hold keys, which so reach neither the disk nor the session nor, legibly, the page. Only a text that
is refused comes back into the field where it was pasted, to be mended there.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from gateway_project.pages import render
from providers.secrets import seal, unseal
from routing.admin.rehearsing import ChangedMeanwhile, Rehearsed, rehearsed, same_still
from routing.config.amend import Outcome
from routing.config.document import DocumentError, Problem
from routing.config.importers import FORMATS, import_sources, recognise
from routing.config.importers.source import Source
from routing.config.revisions import revision
from routing.config.text import MAX_BYTES
from routing.models import ConfigRevision

ORIGIN = "import"
MOST_FILES = 20
VALID_SECONDS = 600
TEMPLATE = "gateway/importing.html"


def importing(request: HttpRequest) -> HttpResponse:
    """The form; with content, what it would change; confirmed, the change."""
    if request.method != "POST":
        return _form(request)
    try:
        sources = _kept(request) if request.POST.get("kept") else list(_given(request))
    except DocumentError as error:
        return _form(request, [str(problem) for problem in error.problems])
    if not sources:
        return _form(request, [_("Choose a file, or paste a text.")])
    drop = "drop_secrets" in request.POST
    if "confirm" in request.POST:
        try:
            return _imported(request, sources, drop)
        except ChangedMeanwhile:
            told = _("Somebody changed the configuration meanwhile. This is what the import would change now.")
            messages.error(request, told)
        except DocumentError:
            pass  # said below, from the same check
        except DatabaseError:
            messages.error(request, _("The database did not answer in time: nothing was imported. Try again."))
    return _shown(request, sources, drop)


def _shown(request: HttpRequest, sources: Sequence[Source], drop: bool) -> HttpResponse:
    """What was recognised, what would change, and what is wrong or left out."""
    way = rehearsed(lambda: import_sources(sources, request.user.get_username(), ORIGIN, drop_secrets=drop))
    context = {
        "recognised": [(source.name, _label(source)) for source in sources],
        "way": way,
        "drop": drop,
        "total": _total(way),
        "kept": _sealed(request, sources),
        "minutes": VALID_SECONDS // 60,
        **_pasted(request),
    }
    return render(request, TEMPLATE, _("Import"), **context)


def _total(way: Rehearsed) -> int:
    outcome: Outcome | None = way.outcome
    return len(outcome.changes) + len(outcome.others) if outcome else 0


def _imported(request: HttpRequest, sources: Sequence[Source], drop: bool) -> HttpResponse:
    names = ", ".join(source.name for source in sources)
    user = request.user
    with revision(user.get_username(), ORIGIN, names[:300]) as opened:
        same_still(opened, request.POST.get("stamp", ""))
        outcome = import_sources(sources, user.get_username(), ORIGIN, drop_secrets=drop)
        LogEntry.objects.create(
            user_id=int(user.pk or 0),
            content_type=ContentType.objects.get_for_model(ConfigRevision),
            object_repr=names[:200],
            action_flag=CHANGE,
            change_message=f"Imported {names}",
        )
    told = _("Imported: %(names)s.") % {"names": names}
    messages.success(request, " ".join([told, *outcome.others]))
    if opened.number is None:
        return HttpResponseRedirect(reverse("admin:import"))
    return HttpResponseRedirect(reverse("admin:routing_configrevision_change", args=[opened.number]))


def _form(request: HttpRequest, problems: Sequence[str] = ()) -> HttpResponse:
    formats = [(form.label, form.sign) for form in FORMATS]
    return render(request, TEMPLATE, _("Import"), formats=formats, refused=problems, **_pasted(request))


def _pasted(request: HttpRequest) -> dict[str, Any]:
    """What the form says again, so that a text is mended where it was pasted."""
    said = {field: request.POST.get(field, "") for field in ("text", "name")}
    return {"megabytes": MAX_BYTES // 1024 // 1024, **said}


def _given(request: HttpRequest) -> Iterator[Source]:
    """The uploaded files and the pasted text. Raises DocumentError where they are too many or too large."""
    files = request.FILES.getlist("files")
    if len(files) > MOST_FILES:
        raise DocumentError([Problem("", _("At most %(n)d files at once.") % {"n": MOST_FILES})])
    pasted = request.POST.get("text", "")
    size = sum(file.size or 0 for file in files) + len(pasted)
    if size > MAX_BYTES:
        said = _("This is larger than %(n)d MB.") % {"n": MAX_BYTES // 1024 // 1024}
        raise DocumentError([Problem("", said)])
    for file in files:
        yield Source(str(file.name), file.read(MAX_BYTES + 1))
    if pasted.strip():
        name = request.POST.get("name", "").strip()[:100] or _("pasted text")
        yield Source(name, pasted.encode(errors="replace"))


def _label(source: Source) -> str:
    try:
        return recognise(source).label
    except DocumentError:
        return ""


def _sealed(request: HttpRequest, sources: Sequence[Source]) -> str:
    said = [request.user.pk, [[source.name, b64encode(source.data).decode()] for source in sources]]
    return seal(zlib.compress(json.dumps(said).encode()))


def _kept(request: HttpRequest) -> list[Source]:
    """What ``_sealed`` was made from. Raises DocumentError for anything else, and for what is too old."""
    content = unseal(request.POST["kept"], VALID_SECONDS)
    if content is not None:
        user, sources = json.loads(zlib.decompress(content))
        if user == request.user.pk:
            return [Source(name, b64decode(data)) for name, data in sources]
    raise DocumentError([Problem("", _("What you looked at is no longer kept: choose the files again."))])
