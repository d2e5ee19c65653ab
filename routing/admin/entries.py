"""The ordered lists on the pages of public models and categories, and how a list is shown in one cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from providers.admin.base import ConfigInline, OrderedInline
from routing.admin.standing import Condition, conditions
from routing.models import Alias, Category, Entry, PublicModel

ENTRIES = Prefetch("entries", Entry.objects.select_related("endpoint__provider", "model"))


class EntryInline(OrderedInline):
    model = Entry
    related = ("endpoint", "model")
    fields = ("endpoint", "model", "priority", "weight", "enabled", "position")
    verbose_name_plural = _("entries, in the order in which they are tried")


class ModelEntryInline(EntryInline):
    fk_name = "owner_model"


class CategoryEntryInline(EntryInline):
    fk_name = "owner_category"


class AliasInline(ConfigInline):
    model = Alias
    related = ("model",)
    fields = ("name",)


def states_of(rows: Sequence[PublicModel | Category]) -> dict[int, Condition]:
    """How the endpoints in some lists are, by their ids, in one query. Reads the prefetched ``entries``."""
    found = {entry.endpoint_id: entry.endpoint for row in rows for entry in row.entries.all() if entry.endpoint}
    return conditions(found.values())


def chain_of(row: PublicModel | Category, states: Mapping[int, Condition]) -> SafeString:
    """The entries in order, each with its state as a coloured dot; those that are switched off are struck out."""
    lines = []
    for entry in row.entries.all():
        kind, said = _state(entry, states)
        off = "" if entry.enabled else " off"
        lines.append((kind, off, said, str(entry), said))
    if not lines:
        return format_html('<span class="gw-chip bad">{}</span>', _("no entries"))
    return format_html(
        '<ol class="rt-chain">{}</ol>',
        format_html_join(
            "",
            '<li class="{}{}" title="{}"><span>{}</span><span class="rt-spoken"> ({})</span></li>',
            lines,
        ),
    )


def _state(entry: Entry, states: Mapping[int, Condition]) -> tuple[str, str]:
    """(kind of chip, words) of one entry."""
    if not entry.enabled:
        return "", str(_("this line is disabled"))
    if entry.endpoint_id is None:
        on = entry.model is not None and entry.model.enabled
        return ("info", str(_("a public model"))) if on else ("", str(_("a disabled public model")))
    how = states[entry.endpoint_id]
    return how.kind, how.said


def tell_empty(model_admin: Any, request: HttpRequest, row: PublicModel | Category) -> None:
    """Say so when a list was saved that cannot answer anybody."""
    if not row.entries.filter(enabled=True).exists():
        text = _("“%(name)s” has no entries yet: requests for it are answered 503 until it has one.")
        model_admin.message_user(request, text % {"name": row.name}, messages.WARNING)
