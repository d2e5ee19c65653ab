"""The site of the admin: the theme's, with our own pages beside those of rows.

The pages are loaded when the site's addresses are first asked for, or its checks: commands and a start's first steps do
without the theme, which is most of what they would otherwise wait for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin
from django.core.checks import CheckMessage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    def __init__(self, name: str = "admin") -> None:
        from gateway_project.signing_in import SignInForm  # forms need the apps, which are not loaded yet

        self.login_form = SignInForm
        super().__init__(name)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With a way to sign in elsewhere, where there is one."""
        name = settings.OIDC.name if settings.OIDC else ""
        answer: HttpResponse = super().login(request, {**(extra_context or {}), "elsewhere": name})
        return answer

    def get_urls(self) -> list[URLPattern]:
        admin.autodiscover()
        urls: list[URLPattern] = super().get_urls()
        return urls

    def check(self, app_configs: Iterable[AppConfig] | None) -> list[CheckMessage]:
        admin.autodiscover()
        found: list[CheckMessage] = super().check(app_configs)
        return found

    def extra_urls(self) -> list[URLPattern]:
        from gateway_project import pages
        from gateway_project.pages import account  # pages know the site's address book, and it is this one

        return [*account.urls(), *pages.urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """The first page: how it goes, in place of a list of tables."""
        from gateway_project.pages import dashboard

        request.current_app = self.name
        return dashboard.dashboard(request)
