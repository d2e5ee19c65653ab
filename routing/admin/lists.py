"""The pages of public models: what applications ask for, and where that leads."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from providers.admin.base import Switchable
from routing import words
from routing.admin import show
from routing.admin.acting import OneRow
from routing.admin.copying import copy_list
from routing.admin.entries import ENTRIES, AliasInline, ModelEntryInline, chain_of, states_of, tell_empty
from routing.admin.exporting import Exporting
from routing.admin.usage import UNUSED, Used, last_day
from routing.models import Category, PublicModel

DEEDS = {
    True: ("switch_off", _("Disable"), "toggle_on"),
    False: ("switch_on", _("Enable"), "toggle_off"),
}


class Listing(Exporting, OneRow, Switchable):
    """What the pages of public models and categories share: their chain, its state, and copies of them."""

    actions = (*Switchable.actions, "clone", "export")
    change_form_outer_before_template = "routing/clone.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related(ENTRIES)

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        states = states_of(rows)
        for row in rows:
            row.states = states

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None and "clone" in self.get_actions(request):
            context["clone_at"] = self.address(obj.pk)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        tell_empty(self, request, form.instance)

    @action(description=_("Clone, with its entries"), permissions=["add"])
    def clone(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        made: list[PublicModel | Category] = []
        for row in queryset:
            made.append(copy_list(row))
            self.log_addition(request, made[-1], [{"added": {}}])
            told = _("“%(copy)s” is a copy of “%(name)s”, disabled until you enable it.")
            self.message_user(request, told % {"copy": made[-1].name, "name": row.name})
        if len(made) != 1:
            return None
        where = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(where, args=[made[0].pk]))

    @display(description=_("tried in this order"))
    def chain(self, row: Any) -> SafeString:
        return chain_of(row, row.states)

    @display(description=_("strategy"), ordering="strategy")
    def shown_strategy(self, row: Any) -> SafeString:
        return show.hint(*words.strategy_words(row.strategy))

    @display(description=_("do"))
    def deeds(self, row: Any) -> SafeString:
        return self.buttons(row, (DEEDS[row.enabled], ("clone", _("Clone"), "content_copy")))


@admin.register(PublicModel)
class PublicModelAdmin(Listing):
    section = "models"
    explained_as = "model"
    inlines = (ModelEntryInline, AliasInline)
    list_display = ("shown_name", "shown_type", "shown_strategy", "chain", "other_names", "requests", "deeds")
    list_filter = ("type", "strategy", "enabled")
    search_fields = ("name", "aliases__name", "description")
    fieldsets = ((None, {"fields": ("name", "enabled", "type", "strategy", "mid_stream", "owned_by", "description")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublicModel]:
        return super().get_queryset(request).prefetch_related("aliases")

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        super().describe(request, rows)
        usage = last_day("model", [row.name for row in rows])
        for row in rows:
            row.usage = usage.get(row.name, UNUSED)

    @display(description=_("name"), ordering="name")
    def shown_name(self, row: PublicModel) -> SafeString:
        return show.lines(row.name, "" if row.enabled else _("disabled"))

    @display(description=_("type"), ordering="type")
    def shown_type(self, row: PublicModel) -> SafeString:
        return show.hint(words.type_word(row.type), row.type)

    @display(description=_("aliases"))
    def other_names(self, row: PublicModel) -> str:
        return ", ".join(alias.name for alias in row.aliases.all())

    @display(description=_("last 24 h"))
    def requests(self, row: Any) -> SafeString:
        usage: Used = row.usage
        if not usage.requests:
            return show.NOTHING
        failed = _("%(share)s failed") % {"share": show.share(usage.failed, usage.requests)} if usage.failed else ""
        return show.lines(_("%(n)s requests") % {"n": show.count(usage.requests)}, failed)
