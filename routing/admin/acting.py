"""What the actions of a list do to chosen rows, done to one row: from its line, and from its own page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from providers.configuration import one_change
from routing.admin import show


class OneRow(ModelAdmin):
    """A page whose list actions can be done to one row too, by POST: ``deed`` is the action's name."""

    tested = ""  # what the page of tests calls these rows

    class Media:
        css = {"all": ("routing/admin.css",)}
        js = ("routing/admin.js",)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/", self.admin_site.admin_view(self.do), name=name), *super().get_urls()]

    def do(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """One action for one row, allowed to whoever may do it from the list; one revision."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        deed = request.POST.get("deed", "")
        actions = self.get_actions(request)
        if deed not in actions:
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        rows = self.get_queryset(request).filter(pk=row.pk)
        try:
            with one_change(request.user.get_username(), "admin"):
                answer: HttpResponseBase | None = actions[deed][0](self, request, rows)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            answer = None
        return answer or HttpResponseRedirect(self.whence(request))

    def whence(self, request: HttpRequest) -> str:
        """The page that the button was on, or the list."""
        came = request.META.get("HTTP_REFERER", "")
        if came and url_has_allowed_host_and_scheme(came, {request.get_host()}, request.is_secure()):
            return str(came)
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def address(self, pk: Any) -> str:
        """Where the deeds of a row are posted to."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_do", args=[quote(pk)])

    def test_address(self, request: HttpRequest, row: Any) -> str:
        """The page that tries this row with a real call; "" where there is none for whoever asks."""
        if not self.tested or not request.user.has_perm("metrics.add_requestlog"):
            return ""
        return reverse("admin:test", args=[self.tested, row.name])

    def buttons(self, row: Any, deeds: tuple[tuple[str, Any, str], ...]) -> SafeString:
        """Buttons for a row of the list: (action, word, icon) each."""
        allowed = getattr(row, "allowed", ())
        shown = [show.button(self.address(row.pk), *deed) for deed in deeds if deed[0] in allowed]
        if getattr(row, "test_at", ""):
            shown.insert(0, show.link(row.test_at, _("Test with a real call"), "science"))
        if not shown:
            return show.NOTHING
        return format_html('<span class="rt-icons">{}</span>', format_html_join("", "{}", ((one,) for one in shown)))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, each of whose rows knows what whoever asks may do to it, and what ``describe`` adds."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        allowed = frozenset(self.get_actions(request))
        for row in rows:
            row.allowed = allowed
            row.test_at = self.test_address(request, row)
        self.describe(request, rows)
        found.result_list = rows
        return found

    def describe(self, request: HttpRequest, rows: list[Any]) -> None:
        """Give the rows of one page what their columns show, in as many queries however many there are."""
