"""The site of the admin: the theme's, with our own pages beside those of rows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
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

    def extra_urls(self) -> list[URLPattern]:
        from gateway_project import pages
        from gateway_project.pages import account  # pages know the site's address book, and it is this one

        return [*account.urls(), *pages.urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """The first page: how it goes, in place of a list of tables."""
        from gateway_project.pages import dashboard

        request.current_app = self.name
        return dashboard.dashboard(request)
