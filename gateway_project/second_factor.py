"""The second factor: an app's code after the password, for who set it up, or for everybody (GATEWAY_REQUIRE_TOTP).

A session that began with a password says what it still owes; sessions are the server's, so it cannot be argued with.
Who signs in elsewhere (OpenID Connect) brings the second factor from there.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as SESSION_KEY_OF_USER
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

SESSION_KEY = "second_factor"
OWED, GIVEN = "owed", "given"
RECOVERY_CODES = 10
# What opens although the code is owed, and what opens although nothing was set up yet.
ALWAYS = ("/admin/code/", "/admin/logout/", "/admin/login/", "/admin/language/", "/admin/jsi18n/")
ENROLLING = (*ALWAYS, "/admin/account/")


def signed_in(sender: Any, request: HttpRequest | None, user: Any, **_more: Any) -> None:
    """Receiver of ``user_logged_in``: who has set it up owes a code."""
    if request is None:
        return
    elsewhere = getattr(user, "backend", "").startswith("gateway_project.oidc")
    if elsewhere:
        request.session[SESSION_KEY] = GIVEN
    elif device_of(user) is not None:
        request.session[SESSION_KEY] = OWED


def device_of(user: AbstractBaseUser) -> TOTPDevice | None:
    """The app that was set up, if any."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def detour(request: HttpRequest) -> HttpResponse | None:
    """Where somebody has to go first; None where the way is free."""
    user = getattr(request, "user", None)
    if not request.path_info.startswith("/admin/") or user is None or request.path_info.startswith(ALWAYS):
        return None
    if not user.is_authenticated:
        return None
    state = request.session.get(SESSION_KEY)
    if state == GIVEN or (state is None and not settings.REQUIRE_TOTP):
        return None
    if state == OWED or device_of(user) is not None:
        return HttpResponseRedirect(f"{reverse('admin:code')}")
    return None if request.path_info.startswith(ENROLLING) else HttpResponseRedirect(reverse("admin:account"))


def given(request: HttpRequest) -> None:
    """The code was right: nothing is owed any longer, by this session under a new name."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = GIVEN


def end_others(request: HttpRequest) -> None:
    """Sessions of the same person that began with the password alone are over: whoever has one may be another."""
    user = str(request.user.pk)
    for session in Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=request.session.session_key):
        if session.get_decoded().get(SESSION_KEY_OF_USER) == user:
            session.delete()


def is_right(user: AbstractBaseUser, code: str) -> bool:
    """Whether ``code`` is the app's, or a recovery code, which is used up. Each failure makes the next try wait."""
    code = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        for table in (TOTPDevice, StaticDevice):
            for device in table.objects.select_for_update().filter(user=user, confirmed=True):
                allowed, _why = device.verify_is_allowed()
                if allowed and device.verify_token(code):
                    return True
    return False


def begin(user: AbstractBaseUser) -> TOTPDevice:
    """The app that is being set up: its secret stays the same until a code confirms it."""
    name = user.get_username()
    device, _made = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": name})
    return device


def confirm(user: AbstractBaseUser, code: str) -> list[str]:
    """The recovery codes, once, if ``code`` shows that the app has the secret; [] if not."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
        if device is None or not device.verify_is_allowed()[0] or not device.verify_token("".join(code.split())):
            return []
        device.confirmed = True
        device.save()
        return recovery_codes(user)


def recovery_codes(user: AbstractBaseUser) -> list[str]:
    """New ones instead of those there were."""
    with transaction.atomic():
        device, _made = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery"})
        device.token_set.all().delete()
        codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
        return codes


def remove(user: AbstractBaseUser) -> None:
    """The password alone is enough again."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
