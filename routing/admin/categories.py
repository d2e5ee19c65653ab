"""The pages of categories: what requests are about, by which words, and who answers them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from routing.admin import show
from routing.admin.entries import CategoryEntryInline
from routing.admin.keywords import KeywordsForm
from routing.admin.lists import Listing
from routing.admin.usage import UNUSED, last_day
from routing.models import Category

FEW = 6  # keywords shown in the list


@admin.register(Category)
class CategoryAdmin(Listing):
    section = "categories"
    explained_as = "category"
    form = KeywordsForm
    inlines = (CategoryEntryInline,)
    list_display = ("shown_name", "words", "shown_strategy", "chain", "requests", "deeds")
    list_filter = ("strategy", "enabled")
    search_fields = ("name", "keywords", "description")
    fieldsets = ((None, {"fields": ("name", "enabled", "strategy", "keywords", "description")}),)

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        super().describe(request, rows)
        usage = last_day("category")
        whole = sum(one.requests for name, one in usage.items() if name)
        for row in rows:
            row.usage, row.whole = usage.get(row.name, UNUSED), whole

    @display(description=_("name"), ordering="name")
    def shown_name(self, row: Category) -> SafeString:
        return show.lines(row.name, "" if row.enabled else _("disabled"))

    @display(description=_("keywords"))
    def words(self, row: Category) -> SafeString:
        count = len(row.keywords)
        some = ", ".join(row.keywords[:FEW])
        return show.lines(
            ngettext("%(n)d keyword", "%(n)d keywords", count) % {"n": count},
            f"{some}, …" if count > FEW else some,
        )

    @display(description=_("share, last 24 h"))
    def requests(self, row: Any) -> SafeString:
        count = row.usage.requests
        if not count:
            return show.NOTHING
        title = ngettext("%(n)d request", "%(n)d requests", count) % {"n": count}
        return show.bar(count, row.whole, show.share(count, row.whole), title)
