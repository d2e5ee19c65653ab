"""Pieces of the pages of routing: moments, durations, chips, bars, and buttons for one row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

KINDS = {"good": "good", "bad": "bad", "warn": "warn", "info": "info"}
NOTHING = SafeString("")


def moment(seconds: float | None) -> str | None:
    """Unix seconds → the reader's own time, to the second: circuits open and close within seconds."""
    return None if seconds is None else when(datetime.fromtimestamp(seconds, UTC))


def when(at: datetime | None) -> str | None:
    """ "21 Nov 14:03:07", with the year where it is another one."""
    if at is None:
        return None
    here = localtime(at)
    return date_format(here, "j M H:i:s" if here.year == localtime().year else "j M Y H:i:s")


def lasting(seconds: float) -> str:
    """A duration in words, in the largest unit that fits: "12 seconds", "3 minutes"."""
    whole = max(1, round(seconds))
    if whole < 120:
        return ngettext("%(n)d second", "%(n)d seconds", whole) % {"n": whole}
    if whole < 7200:
        return ngettext("%(n)d minute", "%(n)d minutes", round(whole / 60)) % {"n": round(whole / 60)}
    return ngettext("%(n)d hour", "%(n)d hours", round(whole / 3600)) % {"n": round(whole / 3600)}


def span(milliseconds: float | None) -> str:
    """ "420 ms", "1.9 s"."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def share(part: float, whole: float) -> str:
    """Per cent, one decimal below ten."""
    if not whole:
        return "–"
    figure = 100 * part / whole
    return f"{figure:.0f} %" if figure >= 10 or figure == 0 else f"{figure:.1f} %"


def count(number: float) -> str:
    """Thousands apart: "12 345"."""
    return f"{number:,.0f}".replace(",", "\u202f")


def money(cost: Mapping[str, Decimal]) -> str:
    """ "1.25 USD, 0.40 EUR"; four decimals below 1."""
    return ", ".join(f"{amount:.4f} {name}" if amount < 1 else f"{amount:.2f} {name}" for name, amount in cost.items())


def chip(kind: str, word: Any, title: Any = "") -> SafeString:
    """A coloured word. ``kind``: good, bad, warn, info, or "" for none."""
    return format_html('<span class="gw-chip {}" title="{}">{}</span>', KINDS.get(kind, ""), title, word)


def bar(part: float, whole: float, text: Any, title: Any = "", *, alarm: bool = False) -> SafeString:
    """A text over a bar that is full where ``part`` reaches ``whole``; ``alarm``: that is near where it is red."""
    filled = min(100.0, 100 * part / whole) if whole else 100.0
    full = " full" if alarm and filled >= 90 else ""
    return format_html(
        '<span class="rt-meter{}" title="{}"><span>{}</span><i style="--filled: {}%"></i></span>',
        full,
        title,
        text,
        f"{filled:.1f}",
    )


def lines(*parts: Any) -> SafeString:
    """One below the other, those that are not empty; all but the first are faint."""
    shown = [part for part in parts if part]
    if not shown:
        return NOTHING
    rest = format_html_join("", '<span class="rt-faint">{}</span>', ((part,) for part in shown[1:]))
    return format_html('<span class="rt-lines"><span>{}</span>{}</span>', shown[0], rest)


def wide(*parts: Any) -> SafeString:
    """``lines`` in a cell that keeps some width for sentences."""
    return format_html('<span class="rt-wide">{}</span>', lines(*parts))


def short(text: str, most: int = 60) -> SafeString:
    """At most ``most`` characters, the whole as a tooltip."""
    if len(text) <= most:
        return format_html("{}", text)
    return format_html('<span title="{}">{}…</span>', text, text[: most - 1])


def hint(text: Any, title: Any) -> SafeString:
    """A word with an explanation for whoever points at it."""
    return format_html('<abbr class="rt-hint" title="{}">{}</abbr>', title, text)


def button(address: str, deed: str, word: Any, icon: str) -> SafeString:
    """A button that does ``deed`` to one row, within the form of a list."""
    return format_html(
        '<button class="rt-icon" type="submit" formaction="{}" name="deed" value="{}" title="{}" aria-label="{}" '
        'formnovalidate><span class="material-symbols-outlined" aria-hidden="true">{}</span></button>',
        address,
        deed,
        word,
        word,
        icon,
    )


def link(address: str, word: Any, icon: str) -> SafeString:
    """A page to go to from a row, beside its buttons."""
    return format_html(
        '<a class="rt-icon" href="{}" title="{}" aria-label="{}"><span class="material-symbols-outlined" '
        'aria-hidden="true">{}</span></a>',
        address,
        word,
        word,
        icon,
    )


def nobody(word: str) -> str:
    """Who made a change: ``word``, or the gateway itself where it is empty."""
    return word or _("the gateway")
