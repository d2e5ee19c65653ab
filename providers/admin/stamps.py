"""Two people who edit the same row: a form carries a digest of what it showed, and is refused once where that changed.

Columns that a form does not show are not in it: saving the form does not touch them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.utils import flatten_fieldsets
from django.db import models
from django.forms.models import _get_foreign_key  # as the admin itself finds it
from django.http import HttpRequest, QueryDict
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from providers.configuration import history

FIELD = "_seen"


def seen(page: Any, request: HttpRequest, row: models.Model) -> str:
    """What the form of ``row`` shows: the newest revision's number, and a digest of its columns and inlines' rows."""
    if request.method == "POST":  # the form has written what was typed into the row
        row = type(row)._default_manager.get(pk=row.pk)
    return f"{history().newest()}.{_digest(page, request, row)}"


def is_stale(page: Any, request: HttpRequest, row: models.Model) -> bool:
    """Whether the posted form showed something else than what ``row`` is now; not where it says nothing of it."""
    posted = str(request.POST.get(FIELD, ""))
    return bool(posted) and posted.partition(".")[2] != _digest(page, request, row)


def told(request: HttpRequest, row: models.Model) -> tuple[str, SafeString]:
    """A sentence on who changed ``row`` meanwhile, and the difference as HTML where revisions have it."""
    number = str(request.POST.get(FIELD, "")).partition(".")[0]
    difference = history().since(row, int(number)) if number.isdecimal() and len(number) < 19 else SafeString("")
    entry = (
        LogEntry.objects.filter(content_type=get_content_type_for_model(row), object_id=str(row.pk))
        .select_related("user")
        .order_by("-action_time")
        .first()
    )
    if entry is None:
        return _("Somebody else changed this since you opened it."), difference
    at = date_format(localtime(entry.action_time), "j M H:i:s")
    who = {"who": entry.user.get_username(), "at": at}
    return _("This was changed since you opened it, last by %(who)s at %(at)s.") % who, difference


def order_seen(queryset: models.QuerySet[Any], field: str) -> str:
    """A digest of the order of all rows."""
    return _hashed(list(queryset.order_by("pk").values_list("pk", field)))


def _digest(page: Any, request: HttpRequest, row: models.Model) -> str:
    shown = {"name", *flatten_fieldsets(page.get_fieldsets(request, row))}
    own = [(column.name, _value(column, row)) for column in row._meta.concrete_fields if column.name in shown]
    return _hashed([own, *_inlines(page, request, row)])


def _inlines(page: Any, request: HttpRequest, row: models.Model) -> Iterator[list[Any]]:
    for inline in page.get_inline_instances(request, row):
        key = _get_foreign_key(type(row), inline.model, fk_name=inline.fk_name)
        rows = inline.model._default_manager.filter(**{key.name: row.pk}).order_by("pk")
        columns = inline.model._meta.concrete_fields
        yield [[_value(column, one) for column in columns] for one in rows]


def _value(column: Any, row: models.Model) -> str:
    return str(column.value_from_object(row))


def _hashed(said: Any) -> str:
    return salted_hmac("providers.admin.stamps", repr(said), algorithm="sha256").hexdigest()


def with_rows_anew(page: Any, request: HttpRequest, row: models.Model) -> QueryDict:
    """The posted form, where rows of inlines that are gone meanwhile are new ones, after those there still are."""
    posted = request.POST.copy()
    for inline in page.get_inline_instances(request, row):
        key = _get_foreign_key(type(row), inline.model, fk_name=inline.fk_name)
        prefix = str(key.remote_field.get_accessor_name(model=inline.model)).replace("+", "")
        there = {
            str(pk) for pk in inline.model._default_manager.filter(**{key.name: row.pk}).values_list("pk", flat=True)
        }
        _sort_rows(posted, prefix, str(inline.model._meta.pk.name), there)
    return posted


def _sort_rows(posted: QueryDict, prefix: str, pk: str, there: set[str]) -> None:
    total = posted.get(f"{prefix}-TOTAL_FORMS", "0")
    forms: list[dict[str, list[Any]]] = []
    for index in range(int(total) if total.isdecimal() and len(total) < 5 else 0):
        start = f"{prefix}-{index}-"
        names = [name for name in posted if name.startswith(start)]
        forms.append({name.removeprefix(start): posted.pop(name) for name in names})
    kept = [form for form in forms if form.get(pk, [""])[-1] in there]
    anew = [{**form, pk: [""]} for form in forms if form.get(pk, [""])[-1] not in there]
    for index, form in enumerate([*kept, *anew]):
        for name, values in form.items():
            posted.setlist(f"{prefix}-{index}-{name}", values)
    posted[f"{prefix}-INITIAL_FORMS"] = str(len(kept))
