"""One's own account: the second factor is set up, renewed and removed; and the page that asks for its code."""

from __future__ import annotations

import logging
from base64 import b32encode
from typing import Any

import segno
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticToken

from gateway_project import pages, second_factor
from gateway_project.address import caller

log = logging.getLogger("switchyard.access")
WRONG = _("This code is not right. Codes change every 30 seconds; after several wrong ones, wait a moment.")


def urls() -> list[URLPattern]:
    """Open to whoever may use the admin at all."""
    return [
        path("account/", admin.site.admin_view(account), name="account"),
        path("code/", admin.site.admin_view(code), name="code"),
    ]


def account(request: HttpRequest) -> HttpResponse:
    """What is set up, and how to set it up."""
    if request.method == "POST":
        return _changed(request)
    return _shown(request)


def _changed(request: HttpRequest) -> HttpResponse:
    user, typed, wanted = request.user, request.POST.get("code", ""), request.POST.get("action")
    if wanted == "confirm":
        codes = second_factor.confirm(user, typed)  # type: ignore[arg-type]  # admin_view lets nobody else in
        if codes:
            second_factor.given(request)
            second_factor.end_others(request)
            log.info("Second factor set up: %s from %s", user.get_username(), caller(request))
            return _shown(request, codes=codes)
    elif wanted in ("renew", "remove") and second_factor.is_right(user, typed):  # type: ignore[arg-type]  # as above
        if wanted == "renew":
            return _shown(request, codes=second_factor.recovery_codes(user))  # type: ignore[arg-type]  # as above
        if settings.REQUIRE_TOTP:
            raise PermissionDenied
        second_factor.remove(user)  # type: ignore[arg-type]  # as above
        log.info("Second factor removed: %s from %s", user.get_username(), caller(request))
        messages.success(request, _("The second factor is removed: the password alone is enough."))
        return HttpResponseRedirect(reverse("admin:account"))
    messages.error(request, WRONG)
    return _shown(request)


def _shown(request: HttpRequest, **context: Any) -> HttpResponse:
    user: Any = request.user
    device = second_factor.device_of(user)
    if device is None:
        fresh = second_factor.begin(user)
        secret = b32encode(fresh.bin_key).decode().rstrip("=")
        context |= {
            "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            "picture": segno.make(fresh.config_url).svg_data_uri(scale=5, border=2, light="#fff"),
        }
    left = StaticToken.objects.filter(device__user=user).count()
    context |= {"device": device, "left": left, "required": settings.REQUIRE_TOTP}
    return pages.render(request, "gateway/account.html", _("Your account"), **context)


def code(request: HttpRequest) -> HttpResponse:
    """Asks who signed in with a password for the app's code."""
    if request.session.get(second_factor.SESSION_KEY) == second_factor.GIVEN:
        return HttpResponseRedirect(reverse("admin:index"))
    user: Any = request.user
    if request.method == "POST":
        if second_factor.is_right(user, request.POST.get("code", "")):
            second_factor.given(request)
            return HttpResponseRedirect(reverse("admin:index"))
        log.warning("Wrong second factor: %s from %s", user.get_username(), caller(request))
        messages.error(request, WRONG)
    return pages.render(request, "gateway/code.html", _("One more step"), sidebar_navigation=[])
