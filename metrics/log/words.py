"""Figures and whole requests in words, for people."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from metrics.models import AttemptLog, RequestLog

GOOD, BAD, WARNING, INFO = "good", "bad", "warn", "info"
LIMITED = 429
# Control characters, and those that turn the direction of the text around them.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text of others for a page: what could hide or rearrange it is shown as “�”."""
    return UNSEEN.sub("�", text)


def milliseconds(value: float | None) -> str:
    """A duration for people: three digits, "–" for unknown."""
    if value is None:
        return "–"
    if value >= 60_000:
        minutes, seconds = divmod(round(value / 1000), 60)
        return f"{minutes} min {seconds} s"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.3g} ms"


def moment(at: datetime) -> str:
    """``21 Nov 14:03:07``, with the year where it is another one."""
    local = timezone.localtime(at)
    return date_format(local, "j M H:i:s" if local.year == timezone.localtime().year else "j M Y H:i:s")


def money(cost: Decimal | None, currency: str) -> str:
    """``0.0012 USD``; unknown is "–", never 0."""
    if cost is None:
        return "–"
    figure = f"{cost:.2f}" if cost >= 100 else f"{cost:.6f}".rstrip("0")
    return f"{figure.rstrip('.')} {currency}".strip()


def tokens(row: RequestLog) -> str:
    """Of the prompt, and of the answer."""
    if row.prompt_tokens is None and row.completion_tokens is None:
        return "–"
    return f"{row.prompt_tokens or 0} + {row.completion_tokens or 0}"


def tone(outcome: str, status: int | None) -> str:
    """The class of an outcome's chip."""
    if outcome == "success":
        return GOOD
    if outcome == "cancelled":
        return INFO
    return WARNING if outcome in ("rate_limited", "skipped") or status == LIMITED else BAD


def summary(row: RequestLog, attempts: list[AttemptLog]) -> str:
    """One request in a sentence or two."""
    said = _ending(row, attempts)
    failed = [attempt for attempt in attempts if attempt.outcome not in ("success", "cancelled")]
    names = list(dict.fromkeys(attempt.endpoint for attempt in failed if attempt.endpoint != row.endpoint))
    if failed and row.outcome == "success":
        said = _("Answered by %(endpoint)s, after %(failed)s failed.") % {
            "endpoint": row.endpoint,
            "failed": ", ".join(names) or _("an earlier try there"),
        }
    details = [milliseconds(row.duration_ms)]
    if row.cost is not None:
        details.append(money(row.cost, row.currency))
    return f"{said} {'; '.join(details)}."


def _ending(row: RequestLog, attempts: list[AttemptLog]) -> str:
    told: dict[str, Any] = {"endpoint": row.endpoint, "status": row.status, "number": len(attempts)}
    if row.outcome == "success":
        return _("Answered by %(endpoint)s.") % told
    if row.outcome == "cancelled":
        return _("The caller left before the answer was whole.")
    if not attempts:
        return _("Refused with status %(status)s; no endpoint was tried.") % told
    if row.status < 400:
        return _("The answer of %(endpoint)s was cut off, and the caller was told so.") % told
    return _("Nobody answered: the caller got status %(status)s after %(number)s tries.") % told
