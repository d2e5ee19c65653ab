"""The dashboard's figures as people read them: tiles, rows of the breakdown, the data of its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from gateway_project.pages.amounts import count, milliseconds, money, percent, short
from metrics import periods, spans
from metrics.periods import Figures, Period

PERIODS = {
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    "12m": gettext_lazy("12 months"),
}
BY = {
    "model": gettext_lazy("By model"),
    "provider": gettext_lazy("By provider"),
    "api_key": gettext_lazy("By API key"),
    "category": gettext_lazy("By category"),
    "endpoint": gettext_lazy("By endpoint"),
}
NAMES = {
    "model": gettext_lazy("Model"),
    "provider": gettext_lazy("Provider"),
    "api_key": gettext_lazy("API key"),
    "category": gettext_lazy("Category"),
    "endpoint": gettext_lazy("Endpoint"),
}
NONE = {
    "model": gettext_lazy("no known model"),
    "provider": gettext_lazy("none was reached"),
    "api_key": gettext_lazy("without a key"),
    "category": gettext_lazy("no category"),
    "endpoint": gettext_lazy("none was reached"),
}
FILTERS = {"api_key": "key"}  # how the list of requests calls it, where it differs
GOOD, BAD, PLAIN = "good", "bad", ""
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Tile:
    """``figure`` with ``lines`` below it; ``change`` since the period before, ``mood``: whether that is good."""

    key: str
    title: str
    figure: str
    lines: Sequence[str]
    url: str
    change: str = ""
    mood: str = PLAIN


@dataclass(frozen=True, slots=True)
class Row:
    """A name of the breakdown. ``url`` is "" where no filter says it; ``bar``: its share in per cent, for a bar."""

    name: str
    url: str
    requests: str
    share: str
    bar: int
    success: str
    failed: bool
    latency: str
    tokens: str
    spend: str


def requests_url(period: Period, **filters: str) -> str:
    """The list of the period's requests, narrowed."""
    asked = {"since": period.start.strftime("%Y-%m-%dT%H:%M:%SZ"), **filters}
    return f"{reverse('admin:metrics_requestlog_changelist')}?{urlencode(asked)}"


def tiles(period: Period, now: Figures, before: Figures) -> list[Tile]:
    """The period's figures beside those of the one before."""
    used, then = now.usage, before.usage
    everything = requests_url(period)
    return [
        Tile(
            "requests", _("Requests"), count(used.requests), [], everything,
            _relative(used.requests, then.requests),
        ),
        _success(period, now, before),
        Tile(
            "latency", _("Latency, median"), milliseconds(now.latency(0.5)),
            [_("p95 %(p95)s · p99 %(p99)s") % {
                "p95": milliseconds(now.latency(0.95)), "p99": milliseconds(now.latency(0.99))},
             _("first content %(median)s · p95 %(p95)s") % {
                "median": milliseconds(now.first_content(0.5)), "p95": milliseconds(now.first_content(0.95))}],
            everything,
            *_moved(now.latency(0.5), before.latency(0.5)),
        ),
        Tile(
            "tokens", _("Tokens"), short(used.prompt_tokens + used.completion_tokens),
            [_("%(sent)s in · %(received)s out · %(cached)s cached") % {
                "sent": short(used.prompt_tokens), "received": short(used.completion_tokens),
                "cached": short(used.cached_tokens)}],
            everything,
            _relative(
                used.prompt_tokens + used.completion_tokens, then.prompt_tokens + then.completion_tokens
            ),
        ),
        _spend(period, now, before),
        Tile(
            "failovers", _("Failovers"), count(used.failovers),
            [ngettext("%(n)s failed try", "%(n)s failed tries", used.failed_tries) % {"n": count(used.failed_tries)}],
            everything,
            *_moved(used.failovers, then.failovers),
        ),
    ]  # fmt: skip


def _success(period: Period, now: Figures, before: Figures) -> Tile:
    used = now.usage
    rate, then = used.success_rate, before.usage.success_rate
    lines = [
        _("%(failed)s failed · %(cancelled)s cancelled by the caller")
        % {"failed": count(used.failed), "cancelled": count(used.cancelled)}
    ]
    change, mood = "", PLAIN
    if rate is not None and then is not None:
        points = round((rate - then) * 100, 1)
        if points:
            change = _("%(points)s points") % {"points": f"{points:+.1f}"}
            mood = GOOD if points > 0 else BAD
    url = requests_url(period, outcome="failed")
    return Tile("success", _("Success rate"), percent(rate), lines, url, change, mood)


def _spend(period: Period, now: Figures, before: Figures) -> Tile:
    """By currency; what nobody knows the price of is named."""
    amounts = sorted(now.usage.cost.items(), key=lambda pair: -pair[1])
    figure = money(*amounts[0]) if amounts else "–"
    lines = [money(*amount) for amount in amounts[1:]]
    if unknown := now.unknown_cost:
        names = [name for name in periods.answers_without_cost(period.start, period.open_end) if name]
        said = ngettext("%(n)s answer of unknown cost: %(names)s", "%(n)s answers of unknown cost: %(names)s", unknown)
        shown = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
        lines.append(said % {"n": count(unknown), "names": shown or "–"})
    change = ""
    if amounts:
        currency, amount = amounts[0]
        change = _relative(amount, before.usage.cost.get(currency, Decimal(0)))
    return Tile("spend", _("Spend"), figure, lines, requests_url(period), change)


def rows(period: Period, by: str, found: Mapping[str, Figures], whole: int) -> list[Row]:
    """The breakdown, the most requests first; what only failed to answer is there, too."""
    ordered = sorted(found.items(), key=lambda pair: (-pair[1].usage.requests, -pair[1].usage.tries, pair[0]))
    return [
        _row(period, by, name, figures, whole)
        for name, figures in ordered
        if figures.usage.requests or (name and figures.usage.tries)
    ]


def _row(period: Period, by: str, name: str, figures: Figures, whole: int) -> Row:
    used = figures.usage
    share = used.requests / whole if whole else 0.0
    spend = " + ".join(money(*pair) for pair in sorted(used.cost.items(), key=lambda pair: -pair[1]))
    if figures.unknown_cost:
        spend = " + ".join(filter(None, (spend, _("unknown"))))
    rate = used.success_rate
    if not used.requests:  # tried, and passed over: what failed is what there is to tell
        rate = 1 - used.failed_tries / used.tries if used.tries else None
    return Row(
        name=name or str(NONE[by]),
        url=requests_url(period, **{FILTERS.get(by, by): name}) if name else "",
        requests=count(used.requests),
        share=percent(share),
        bar=round(share * 100),
        success=percent(rate),
        failed=rate is not None and rate < 0.95,
        latency=f"{milliseconds(figures.latency(0.5))} · {milliseconds(figures.latency(0.95))}",
        tokens=f"{short(used.prompt_tokens)} + {short(used.completion_tokens)}",
        spend=spend or "–",
    )


def chart(period: Period, steps: Sequence[tuple[datetime, Figures]]) -> dict[str, Any]:
    """What the charts show, with their words: the script knows none."""
    form = {"24h": "H:i", "7d": "j M H:i"}.get(period.name, "j M" if period.name != "12m" else "j M Y")
    currencies = sorted({currency for _start, figures in steps for currency in figures.usage.cost})
    times = [start if period.step == spans.DAY else localtime(start) for start, _figures in steps]
    usages = [figures.usage for _start, figures in steps]
    return {
        "labels": [date_format(at, form) for at in times],
        "time": _("Time"),
        "charts": [
            {
                "id": "requests", "kind": "bar", "stacked": True, "unit": "",
                "series": [
                    _series(_("succeeded"), "good", [used.succeeded for used in usages]),
                    _series(_("failed"), "bad", [used.failed for used in usages]),
                    _series(_("cancelled"), "faint", [used.cancelled for used in usages]),
                ],
            },
            {
                "id": "latency", "kind": "line", "stacked": False, "unit": "ms",
                "series": [
                    _series(_("median"), "first", [_rounded(figures.latency(0.5)) for _start, figures in steps]),
                    _series(_("p95"), "second", [_rounded(figures.latency(0.95)) for _start, figures in steps]),
                    _series(
                        _("first content, median"), "third",
                        [_rounded(figures.first_content(0.5)) for _start, figures in steps],
                    ),
                ],
            },
            {
                "id": "spend", "kind": "bar", "stacked": len(currencies) < 2, "unit": "",
                "series": [
                    _series(currency, ("first", "second", "third")[number % 3],
                            [float(used.cost.get(currency, 0)) for used in usages])
                    for number, currency in enumerate(currencies)
                ],
            },
        ],
    }  # fmt: skip


def _series(title: str, tint: str, values: list[Any]) -> dict[str, Any]:
    return {"title": title, "tint": tint, "values": values}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _relative(now: Any, then: Any) -> str:
    """By how much it has grown, in per cent; "" where there was nothing before."""
    if not then:
        return ""
    grown = round(float(now - then) / float(then) * 100)
    return f"{grown:+d} %" if -1000 < grown < 1000 else f"×{float(now) / float(then):.0f}"


def _moved(now: float | None, then: float | None) -> tuple[str, str]:
    """The same of what had better be small."""
    change = "" if now is None or then is None else _relative(now, then)
    if change in ("", "+0 %"):
        return "", PLAIN
    return change, BAD if change[0] in "+×" else GOOD
