"""What the pages of configuration ask of its history: what a change would do, who changed a row, and when.

It is the ``History`` of ``providers.configuration``: pages below this app use it without naming it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.paginator import Paginator
from django.db import models
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from providers.configuration import Look
from providers.models import ProviderModel
from routing.admin.difference import groups, render, rendered
from routing.admin.origins import in_words
from routing.config import text
from routing.config.diff import Change, change
from routing.config.objects import TABLES, taken_apart
from routing.config.revisions import Revision, newest_number, rehearsal
from routing.config.serialize import serialize
from routing.models import ConfigRevision, RevisionObject

PER_PAGE = 20
MOST_SINCE = 10
newest = newest_number


@contextmanager
def rehearse() -> Iterator[Callable[[], Look]]:
    """All writes within are undone at the end; what is yielded looks at them."""
    with rehearsal() as opened:
        yield lambda: look_at(opened)


def look_at(opened: Revision) -> Look:
    """What has been changed so far."""
    changes = opened.changes()
    before, after = opened.before.document, serialize()
    return Look(render(changes, before, after), len(changes), digest(changes), text.dump(after), notes(before, after))


def digest(changes: Iterable[Change]) -> str:
    """The same for the same changes."""
    said = json.dumps([one.as_json() for one in changes], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def notes(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """The lists that would be left without an entry."""
    told = []
    for section, sentence in (
        ("models", _("The public model “%(name)s” would have no entries left: requests for it would fail.")),
        ("categories", _("The category “%(name)s” would have no entries left: requests for it would fail.")),
    ):
        for name, said in after.get(section, {}).items():
            if before.get(section, {}).get(name, {}).get("entries") and not said.get("entries"):
                told.append(sentence % {"name": name})
    return tuple(told)


def path_of(row: models.Model) -> str | None:
    """The path of ``row`` in the document; None where it has none (API keys)."""
    if isinstance(row, ProviderModel):
        return f"providers/{row.provider.name}/models/{row.name}"
    for section, table in TABLES.items():
        if isinstance(row, table):
            return f"{section}/{row.name}"  # type: ignore[attr-defined]  # all of them have one
    return None


def since(row: models.Model, number: int) -> SafeString:
    """Who changed ``row`` after revision ``number``, and what; empty where no revision says so."""
    path = path_of(row)
    if path is None:
        return SafeString("")
    found = _about(path).filter(number__gt=number).order_by("number")[:MOST_SINCE]
    return _rendered(path, found) if found else SafeString("")


def of(row: models.Model, page: int) -> SafeString:
    """The revisions about ``row``, newest first, as HTML."""
    path = path_of(row)
    if path is None:
        return SafeString("")
    shown = Paginator(_about(path).order_by("-number"), PER_PAGE).get_page(page)
    return _rendered(path, shown.object_list, page=shown)


def _about(path: str) -> models.QuerySet[ConfigRevision]:
    touching = RevisionObject.objects.filter(path=path).values("revision")
    return ConfigRevision.objects.filter(number__in=touching).defer("document")


def _rendered(path: str, found: Iterable[ConfigRevision], **context: Any) -> SafeString:
    rows = []
    for row in found:
        difference = rendered(groups(_of_object(path, row.diff)))
        rows.append({"row": row, "origin": in_words(row.origin), "difference": difference})
    return render_to_string("routing/revisions/of_object.html", {"rows": rows, "path": path, **context})


def _of_object(path: str, stored: Iterable[dict[str, Any]]) -> Iterator[Change]:
    """What a revision changed of this object alone."""
    for one in map(change, stored):
        owner = taken_apart(one)[0]
        if owner == path:
            yield one
        elif path.startswith(f"{owner}/models/") or owner.startswith(f"{path}/models/"):
            yield from _offered(path, owner, one)


def _offered(path: str, owner: str, one: Change) -> Iterator[Change]:
    """A provider model that came or went with its provider, or a provider's own models."""
    if owner.startswith(f"{path}/models/"):
        return
    name = path.removeprefix(f"{owner}/models/")
    inner = [side.get("models", side) if isinstance(side, dict) else {} for side in (one.before, one.after)]
    sides = {key: said[name] for key, said in zip(("before", "after"), inner, strict=True) if name in said}
    if sides:
        yield Change(path, **sides)
