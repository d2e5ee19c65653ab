"""A new key as it is shown this once: to be copied, with a line to try it, and when keys may expire."""

from __future__ import annotations

import json
import shlex
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from routing.models import ApiKey, PublicModel

DAYS = (30, 90, 365)


def shown(request: HttpRequest, key: ApiKey, plain: str) -> SafeString:
    """The key and its curl line."""
    context = {"name": key.name, "id": key.pk, "plain": plain, "curl": curl(request, key, plain)}
    return SafeString(render_to_string("routing/new_key.html", context))


def curl(request: HttpRequest, key: ApiKey, plain: str) -> str:
    """A line for a shell that asks a model which the key may use."""
    allowed = [name for name in key.allowed_models if not name.endswith("*")]
    first = PublicModel.objects.filter(enabled=True).exclude(name="*").values_list("name", flat=True).first()
    body: dict[str, Any] = {
        "model": next(iter(allowed), first or "router"),
        "messages": [{"role": "user", "content": "Hello"}],
    }
    address = request.build_absolute_uri("/v1/chat/completions")
    parts = ["curl", address, "-H", f"Authorization: Bearer {plain}", "-H", "Content-Type: application/json"]
    return shlex.join([*parts, "-d", json.dumps(body, ensure_ascii=False)])


def presets() -> SafeString:
    """Buttons that fill in when a key expires, behind the field's sentence."""
    sentence = _("From then on it is refused. Empty: never.")
    choices = [*((days, _("in %(n)d days") % {"n": days}) for days in DAYS), (0, _("never"))]
    buttons = format_html_join(" ", '<button type="button" class="rt-preset" data-days="{}">{}</button>', choices)
    return format_html('{} <span data-presets="id_expires_at_0 id_expires_at_1">{}</span>', sentence, buttons)
