"""The pages of revisions: who changed what, when and from where; compared, and gone back to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from providers.admin.base import ReadOnlyAdmin
from routing.admin import comparing
from routing.admin.difference import summary
from routing.admin.origins import in_words
from routing.config.diff import change
from routing.models import ConfigRevision, RevisionObject


class ByOrigin(admin.SimpleListFilter):
    """Those that there are, in words."""

    title = _("origin")
    parameter_name = "origin"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        there = ConfigRevision.objects.order_by("origin").values_list("origin", flat=True).distinct()
        return [(origin, in_words(origin)) for origin in there[:100]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConfigRevision]) -> QuerySet[ConfigRevision]:
        return queryset.filter(origin=self.value()) if self.value() else queryset


class ByObject(admin.SimpleListFilter):
    """Revisions of one object, or of a whole section: what is typed, as in “models/turbo”."""

    title = _("object")
    parameter_name = "object"
    template = "routing/revisions/by_object.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        kept = [(name, value) for name, value in changelist.get_filters_params().items() if name != "object"]
        yield {"value": self.value() or "", "kept": [(name, _last(value)) for name, value in kept]}

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConfigRevision]) -> QuerySet[ConfigRevision]:
        sought = (self.value() or "").strip("/")
        return queryset.filter(number__in=touching(sought)) if sought else queryset


def touching(sought: str) -> QuerySet[Any]:
    """Numbers of the revisions about the object at ``sought``, about a section, or about a provider and what it offers.

    Other names may hold slashes, so that what begins alike need not be below.
    """
    own = Q(path=sought)
    if "/" not in sought or sought.startswith("providers/"):
        own |= Q(path__gte=f"{sought}/", path__lt=f"{sought}0")  # 0 follows the slash
    return RevisionObject.objects.filter(own).order_by().values("revision")


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, list) else value


@admin.register(ConfigRevision)
class ConfigRevisionAdmin(ReadOnlyAdmin):
    list_display = ("shown_number", "when", "actor", "shown_origin", "message", "summary", "ways")
    list_display_links = ("shown_number",)
    list_filter = (ByOrigin, "actor", ("at", admin.DateFieldListFilter), ByObject)  # a date hierarchy reads all rows
    search_fields = ("actor", "message")
    list_per_page = 50
    show_full_result_count = False
    actions = ("compare_chosen",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("document")  # the whole configuration in each row

    def get_urls(self) -> list[URLPattern]:
        def place(route: str, view: Any, name: str) -> URLPattern:
            def run(request: HttpRequest, **arguments: Any) -> Any:
                return view(self, request, **arguments)

            return path(route, self.admin_site.admin_view(run), name=f"routing_configrevision_{name}")

        return [
            place("compare/", comparing.compare_view, "compare"),
            place("<int:number>/change/", comparing.detail_view, "change"),
            place("<int:number>/rollback/", comparing.rollback_view, "rollback"),
            *super().get_urls(),
        ]

    @action(description=_("Compare the two that are ticked"), permissions=["view"])
    def compare_chosen(self, request: HttpRequest, queryset: QuerySet[ConfigRevision]) -> HttpResponse | None:
        numbers = sorted(queryset.order_by("number").values_list("number", flat=True)[:3])
        if len(numbers) != 2:
            self.message_user(request, _("Tick exactly two revisions to compare them."), messages.WARNING)
            return None
        url = reverse("admin:routing_configrevision_compare")
        return HttpResponseRedirect(f"{url}?first={numbers[0]}&second={numbers[1]}")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if comparing.may_go_back(request) else self.list_display[:-1]

    @display(description=_("revision"), ordering="number")
    def shown_number(self, row: ConfigRevision) -> str:
        return f"#{row.number}"

    @display(description=_("at"), ordering="at")
    def when(self, row: ConfigRevision) -> SafeString:
        return format_html('<span class="gw-unbroken">{}</span>', moment(row))

    @display(description=_("origin"), ordering="origin")
    def shown_origin(self, row: ConfigRevision) -> str:
        return in_words(row.origin)

    @display(description=_("changes"))
    def summary(self, row: ConfigRevision) -> SafeString:
        lines = summary(change(stored) for stored in row.diff)
        said = format_html_join(SafeString("<br>"), "{}", ((short(line),) for line in lines))
        return format_html('<div class="gw-told">{}</div>', said)

    @display(description="")
    def ways(self, row: ConfigRevision) -> SafeString:
        url = reverse("admin:routing_configrevision_rollback", args=[row.number])
        return format_html('<a class="gw-link gw-unbroken" href="{}">{}</a>', url, _("Roll back to it"))


def moment(row: ConfigRevision) -> str:
    """ "21 Nov 2026 14:03:07" in the reader's own time."""
    return date_format(localtime(row.at), "j M Y H:i:s")


def short(line: str) -> str:
    """At most 140 characters."""
    return line if len(line) <= 140 else f"{line[:139]}…"
