"""The page of revisions: who changed what, when and from where. Read only; ``manage.py config rollback`` goes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from providers.admin.base import ReadOnlyAdmin
from routing.config.diff import ABSENT, Change, change, render
from routing.models import ConfigRevision

SUMMARY_LINES = 3
COLOURS = {
    "+": "bg-green-100 text-green-800 dark:bg-green-500/20 dark:text-green-400",
    "-": "bg-red-100 text-red-800 dark:bg-red-500/20 dark:text-red-400",
    "@": "font-semibold text-font-important-light dark:text-font-important-dark pt-3",
    "~": "text-font-subtle-light dark:text-font-subtle-dark",
}


@admin.register(ConfigRevision)
class ConfigRevisionAdmin(ReadOnlyAdmin):
    list_display = ("shown_number", "at", "actor", "origin", "message", "summary")
    list_display_links = ("shown_number",)
    list_filter = ("origin", "actor")
    search_fields = ("actor", "message")
    date_hierarchy = "at"
    fields = ("shown_number", "at", "actor", "origin", "message", "fingerprint", "changes")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("document")  # the whole configuration in each row

    @display(description=_("revision"), ordering="number")
    def shown_number(self, row: ConfigRevision) -> str:
        return f"#{row.number}"

    @display(description=_("changes"))
    def summary(self, row: ConfigRevision) -> SafeString:
        first = render(change(stored) for stored in row.diff[:SUMMARY_LINES])
        rest = len(row.diff) - SUMMARY_LINES
        lines = [*first, _("and %(n)d more") % {"n": rest}] if rest > 0 else first
        return format_html_join(SafeString("<br>"), "{}", ((short(str(line)),) for line in lines))

    @display(description=_("changes"))
    def changes(self, row: ConfigRevision) -> SafeString:
        lines = (line for stored in row.diff for line in lines_of(change(stored)))
        body = format_html_join(
            "",
            '<div class="px-2 whitespace-pre-wrap break-all {}">{}</div>',
            ((COLOURS[mark], text if mark == "@" else f"{mark} {text}") for mark, text in lines),
        )
        return format_html(
            '<div class="diff text-xs" style="font-family: ui-monospace, monospace; width: 100%">{}</div>', body
        )


def lines_of(one: Change) -> Iterator[tuple[str, str]]:
    """(mark, text) of a change: "@" its path, then "-" and "+" lines of YAML, "~" where only the fact is known."""
    yield "@", one.path
    if one.before is ABSENT and one.after is ABSENT:
        yield "~", str(_("a secret changed"))
    for mark, side in (("-", one.before), ("+", one.after)):
        if side is not ABSENT:
            text = yaml.safe_dump(side, allow_unicode=True, sort_keys=False, width=110, default_flow_style=False)
            for line in text.removesuffix("...\n").splitlines():
                yield mark, line


def short(line: str) -> str:
    """At most 120 characters."""
    return line if len(line) <= 120 else f"{line[:119]}…"
