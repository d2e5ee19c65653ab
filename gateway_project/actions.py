"""The page "Actions": everything that somebody did in the admin, for reading only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from providers.admin.base import ReadOnlyAdmin


class Kind(admin.SimpleListFilter):
    """What the action did."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("added")), ("2", _("changed")), ("3", _("deleted"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action_flag=self.value()) if self.value() in ("1", "2", "3") else queryset


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "row", "what")
    list_display_links = ("when",)
    list_filter = (Kind, ("user", admin.RelatedOnlyFieldListFilter), ("content_type", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", "content_type")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("user__username", "object_repr", "change_message")
    date_hierarchy = "action_time"
    fields = ("when", "who", "row", "what")
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return super().changelist_view(request, {**(extra_context or {}), "title": _("Actions")})
        except OverflowError as error:
            raise SuspiciousOperation("a date that is none") from error

    @display(description=_("when"), ordering="action_time")
    def when(self, entry: LogEntry) -> str:
        return date_format(localtime(entry.action_time), "j M Y, H:i:s")

    @display(description=_("who"), ordering="user__username")
    def who(self, entry: LogEntry) -> str:
        return entry.user.get_username()

    @display(description=_("what of"))
    def row(self, entry: LogEntry) -> str:
        kind = entry.content_type.name if entry.content_type else ""
        url = None if entry.action_flag == DELETION else entry.get_admin_url()
        if url is None:
            return format_html("{} “{}”", kind, entry.object_repr)
        return format_html(
            '{} <a class="text-primary-600 dark:text-primary-500" href="{}">“{}”</a>', kind, url, entry.object_repr
        )

    @display(description=_("what"))
    def what(self, entry: LogEntry) -> str:
        return str(_("Deleted.") if entry.action_flag == DELETION else entry.get_change_message())
