"""What a form or a deletion would change, shown before it does: it is done, looked at, and undone.

A secret that was just typed is not written into the page, so such a form can be looked at, and is then filled in again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from providers.configuration import Look, history

from .fields import HIDDEN, SecretField

BUTTON, EDIT, SAVE = "_preview", "_edit", "_save"
NOT_POSTED_AGAIN = ("csrfmiddlewaretoken", BUTTON, EDIT, SAVE, "_continue", "_addanother", "_saveasnew")
PASSWORD = re.compile(r"://[^/\s]*:(?P<password>[^/\s]*)@")


def previewed(page: Any, request: HttpRequest, save: Callable[[], HttpResponse]) -> HttpResponse:
    """The page that shows what ``save()`` changes, or the form with its errors. Raises what ``save`` raises."""
    with without_messages(request), history().rehearse() as look:
        response = save()
        if response.status_code != 302:
            return response
        seen = look()
    typed: set[str] = getattr(request, "secrets_typed", set())
    posted = [pair for pair in _posted(request) if pair[0] not in NOT_POSTED_AGAIN and pair[0] not in typed]
    context = {
        **page.admin_site.each_context(request),
        "title": _("What saving this would change"),
        "look": seen,
        "typed": typed,
        "posted": posted,
        "explain": _explain(request),
        "asked": _asked(page, request),
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/providers/preview.html", context)


def note_secrets(request: HttpRequest, forms: Iterable[Any]) -> None:
    """Remember the fields of the filled-in ``forms`` that bring a secret."""
    request.secrets_typed = {name for form in forms for name in _secrets(form)}  # type: ignore[attr-defined]


def deletion(delete: Callable[[], Any]) -> Look:
    """What ``delete()`` would change; it is undone."""
    with history().rehearse() as look:
        delete()
        return look()


@contextmanager
def without_messages(request: HttpRequest) -> Iterator[Any]:
    """What is told to the user within is not shown; the storage that is yielded has it."""
    kept = messages.get_messages(request)
    held = CookieStorage(request)
    request._messages = held  # type: ignore[attr-defined]  # where the framework keeps them
    try:
        yield held
    finally:
        request._messages = kept  # type: ignore[attr-defined]


def tell(request: HttpRequest, held: Any) -> None:
    """Show what was held back."""
    for message in held._queued_messages:
        messages.add_message(request, message.level, message.message, message.extra_tags or "")


def _secrets(form: Any) -> Iterator[str]:
    for name, field in form.fields.items():
        posted = form.add_prefix(name)
        value = form.data.get(posted) or ""
        found = PASSWORD.search(value) if isinstance(value, str) else None
        if (isinstance(field, SecretField) and value) or (found and found["password"] != HIDDEN):
            yield posted


def _posted(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in request.POST.lists() for value in values]


def _asked(page: Any, request: HttpRequest) -> list[tuple[str, str]]:
    """What is explained first: the row itself, where its page says what it is asked for as."""
    field, name = getattr(page, "explained_as", ""), request.POST.get("name", "")
    return [(field, name)] if field and name else []


def _explain(request: HttpRequest) -> str:
    if not request.user.has_perm("routing.view_publicmodel"):
        return ""
    try:
        return reverse("admin:explain")
    except NoReverseMatch:
        return ""


def in_words(error: Exception) -> ValidationError:
    """What a database refuses, as a refusal of the form."""
    if isinstance(error, ValidationError):
        return error
    if isinstance(error, OverflowError) or type(error).__name__ == "DataError":
        return ValidationError(_("A number or a text is larger than the database can hold: nothing was saved."))
    return ValidationError(
        _("This does not fit with what somebody else has just saved, so nothing was saved. Look again, and try again.")
    )
