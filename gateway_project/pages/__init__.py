"""The admin's pages that are no list of rows: each a line of ``PAGES``, with the permission that opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Page:
    """``route`` below /admin/, ``name`` as in ``reverse("admin:name")``, ``permission`` as "routing.view_endpoint".

    ``view``: "module.function" below this package, which pages import from, or the function itself.
    """

    route: str
    name: str
    permission: str
    view: View | str


SEND = "metrics.add_requestlog"

PAGES: tuple[Page, ...] = (
    Page("import/", "import", "routing.add_configrevision", "importing.importing"),
    Page("export/", "export", "routing.view_configrevision", "exporting.exporting"),
    Page("explain/", "explain", "routing.view_publicmodel", "explain.explain"),
    Page("playground/", "playground", SEND, "playground.playground"),
    Page("playground/token/", "playground_token", SEND, "playground.token"),
    Page("playground/record/<str:number>/", "playground_record", SEND, "playground.record"),
    Page(
        "export/selection/<str:section>/",
        "export_selection",
        "routing.view_configrevision",
        "exporting_rows.export_selection",
    ),
    Page("test/<str:what>/<path:name>", "test", SEND, "testing.test"),
)


def urls() -> list[URLPattern]:
    """The addresses of all pages, for the site of the admin."""
    return [path(page.route, admin.site.admin_view(_guarded(page)), name=page.name) for page in PAGES]


def allowed(request: HttpRequest, name: str) -> bool:
    """Whether whoever asks may open the page ``name``."""
    return any(page.name == name and request.user.has_perm(page.permission) for page in PAGES)


def render(request: HttpRequest, template: str, title: Any, **context: Any) -> TemplateResponse:
    """A page in the admin's frame: ``template`` extends ``gateway/page.html`` and fills its ``content``."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def _guarded(page: Page) -> View:
    found: View = import_string(f"{__name__}.{page.view}") if isinstance(page.view, str) else page.view

    @wraps(found)
    def view(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        if not request.user.has_perm(page.permission):
            raise PermissionDenied
        return found(request, *arguments, **named)

    return view
