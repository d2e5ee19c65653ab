"""The form that people sign in with, and the lines of the log that tell of it.

Who signed in, failed to or signed out is in the text log, not among the admin's actions: those belong to a person, and
anybody on the network could fill a table with failures.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm

from gateway_project import throttle
from gateway_project.address import caller

log = logging.getLogger("switchyard.access")


class SignInForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        """Who has to wait is told for how long, whether there is such a person or not."""
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return dict(super().clean())
        address = caller(self.request)
        wait = throttle.admit(name, address)
        if wait:
            log.warning("Signing in refused for %d s: too many tries from %s", wait, address)
            raise ValidationError(waiting(wait), code="wait")
        cleaned = dict(super().clean())
        throttle.succeeded(name, address)
        return cleaned


def waiting(seconds: int) -> str:
    """What somebody who has to wait is told."""
    if seconds < 120:
        text = ngettext(
            "Too many attempts to sign in. Try again in %(n)d second.",
            "Too many attempts to sign in. Try again in %(n)d seconds.",
            seconds,
        )
        return text % {"n": seconds}
    minutes = -(-seconds // 60)
    text = ngettext(
        "Too many attempts to sign in. Try again in %(n)d minute.",
        "Too many attempts to sign in. Try again in %(n)d minutes.",
        minutes,
    )
    return text % {"n": minutes}


def signed_in(sender: Any, request: HttpRequest | None, user: Any, **_more: Any) -> None:
    """Receiver of ``user_logged_in``."""
    if request is not None:
        log.info("Signed in: %s from %s", user.get_username(), caller(request))


def signed_out(sender: Any, request: HttpRequest | None, user: Any, **_more: Any) -> None:
    """Receiver of ``user_logged_out``."""
    if request is not None and user is not None:
        log.info("Signed out: %s from %s", user.get_username(), caller(request))


def failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    """Receiver of ``user_login_failed``. A name is written only where there is such a person: it may be a password."""
    if request is None:
        return
    name = str(credentials.get("username", ""))
    known = get_user_model()._default_manager.filter(username=name).exists()
    log.warning("Signing in failed: %s from %s", name if known else "an unknown name", caller(request))
