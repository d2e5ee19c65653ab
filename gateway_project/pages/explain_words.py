"""An explanation (``routing.explain``'s account) in the reader's language, ready for the page."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gateway_project.pages.amounts import milliseconds

HOW = {
    "model": _l("“%(requested)s” is the name of a public model."),
    "alias": _l("“%(requested)s” is another name of the public model “%(route)s”."),
    "category": _l("“%(requested)s” asks for the category “%(route)s” by name."),
    "router": _l("“%(requested)s” asks for the category that the request is about: “%(route)s”."),
    "provider_model": _l("“%(requested)s” is a model of a provider, asked for by both names."),
    "bare": _l("“%(requested)s” is a catalogued model, at the first configured provider that has it."),
    "wildcard": _l("“%(requested)s” is no name that is known: the wildcard “*” answers."),
    "transient": _l("“%(requested)s” is a model that nobody catalogued, at a configured provider."),
}
CODES = {
    "no_key": (_l("key missing"), "bad"),
    "disabled": (_l("disabled"), ""),
    "incapable": (_l("cannot do this"), "warn"),
    "not_wanted": (_l("not wanted by the request"), ""),
    "too_expensive": (_l("too expensive for the request"), "warn"),
    "drained": (_l("drained by an operator"), "warn"),
    "circuit_open": (_l("circuit open"), "bad"),
    "over_limit": (_l("its limit is used up"), "warn"),
    "provider_over_limit": (_l("its provider's limit is used up"), "warn"),
    "rate_limited": (_l("rests: the vendor said “later”"), "warn"),
    "model_missing": (_l("rests: the vendor does not know the model"), "bad"),
    "credential_rejected": (_l("rests: the vendor rejects the key"), "bad"),
}
PHASES = {
    "closed": (_l("circuit closed"), "good"),
    "open": (_l("circuit open"), "bad"),
    "half_open": (_l("circuit half-open"), "warn"),
}
FACTS = {
    "provider": _l("provider"),
    "kind": _l("kind"),
    "upstream_model": _l("model"),
    "priority": _l("priority"),
    "weight": _l("weight"),
    "keys": _l("keys"),
    "context_window": _l("context window"),
    "price": _l("price"),
    "timeouts": _l("timeouts"),
}


@dataclass(slots=True)
class Row:
    """One endpoint as it is shown. ``position`` 0: left out. ``marks``: (text, class of the chip)."""

    endpoint: str
    position: int = 0
    place: str = ""
    price: str = ""
    cost: str = ""
    context: str = ""
    why: str = ""
    notes: list[str] = field(default_factory=list)
    chips: list[tuple[Any, str]] = field(default_factory=list)
    reason: str = ""
    free_again: str = ""
    marks: list[tuple[Any, str]] = field(default_factory=list)


def rows(told: Mapping[str, Any], first: Sequence[str] = ()) -> tuple[list[Row], list[Row]]:
    """(those who would be tried, those left out). ``first``: the names that the request wants first."""
    strategy = told["resolution"]["strategy"]
    return (
        [_candidate(candidate, strategy, first) for candidate in told["candidates"]],
        [_skipped(skip) for skip in told["skipped"]],
    )


def in_words(found: Mapping[str, Any]) -> str:
    """What the requested name means."""
    return str(HOW[found["how"]]) % {"requested": found["requested"], "route": found["route"]}


def order(found: Mapping[str, Any]) -> str:
    """The strategy's own words: the first line of its docstring, translated where there is a translation."""
    return _(found["order"])


def duration(seconds: float) -> str:
    """As people say it: "0.4 s", "12 s", "4 min 10 s", "2 h 5 min"."""
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}
    whole = round(seconds)
    if whole < 100:
        return _("%(seconds)s s") % {"seconds": whole}
    if whole < 3600:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": whole // 60, "seconds": whole % 60}
    return _("%(hours)d h %(minutes)d min") % {"hours": whole // 3600, "minutes": whole % 3600 // 60}


def again(wait: float | None) -> str:
    """When a reason passes by itself: how long, and at what time."""
    if wait is None:
        return ""
    at = timezone.localtime(datetime.fromtimestamp(time.time() + wait, UTC))
    return _("free again in %(duration)s, at %(time)s") % {"duration": duration(wait), "time": date_format(at, "H:i:s")}


def limits(told: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is left in each window."""
    lines = []
    for limit in told:
        span = duration(limit["seconds"])
        for what, used, words in (
            ("requests", "current_requests", _("%(used)s of %(most)s requests used in %(span)s")),
            ("tokens", "current_tokens", _("%(used)s of %(most)s tokens used in %(span)s")),
        ):
            if limit.get(what) is not None:
                now = limit.get(used)
                values = {"used": "?" if now is None else f"{now:,}", "most": f"{limit[what]:,}", "span": span}
                lines.append(words % values)
    return lines


def money(figure: str | None, currency: str) -> str:
    """A decimal text with its currency; unknown is unknown."""
    return _("unknown") if figure is None else f"{Decimal(figure).normalize():f} {currency}"


def compare(now: tuple[list[Row], list[Row]], then: tuple[list[Row], list[Row]]) -> int:
    """Mark in both what differs between them: added, gone, moved, tried or left out only in one, other reasons.

    Returns how many differences there are.
    """
    before = {row.endpoint: row for side in now for row in side}
    after = {row.endpoint: row for side in then for row in side}
    for name in before.keys() - after.keys():
        before[name].marks.append((_("gone from the list"), "bad"))
    for name in after.keys() - before.keys():
        after[name].marks.append((_("new"), "good"))
    count = len(before.keys() ^ after.keys())
    for name in before.keys() & after.keys():
        mark = _difference(before[name], after[name])
        if mark is not None:
            after[name].marks.append(mark)
            count += 1
    return count


def changed_facts(now: Mapping[str, Any], then: Mapping[str, Any], shown: Iterable[Row]) -> int:
    """Mark the facts (price, weight, …) that differ for endpoints tried in both. Returns how many endpoints."""
    before = {one["endpoint"]: one for one in now["candidates"]}
    after = {one["endpoint"]: one for one in then["candidates"]}
    count = 0
    for row in shown:
        if row.endpoint in before and row.endpoint in after:
            differ = [
                str(name) for fact, name in FACTS.items() if before[row.endpoint][fact] != after[row.endpoint][fact]
            ]
            if differ:
                row.marks.append((_("other: %(facts)s") % {"facts": ", ".join(differ)}, "info"))
                count += 1
    return count


def _difference(old: Row, new: Row) -> tuple[str, str] | None:
    if old.position and new.position:
        if old.position == new.position:
            return None
        return _("moved: was %(place)d.") % {"place": old.position}, "info"
    if new.position:
        return _("was left out"), "good"
    if old.position:
        return _("was tried as %(place)d.") % {"place": old.position}, "bad"
    return (_("another reason"), "info") if old.chips != new.chips else None


def _candidate(told: Mapping[str, Any], strategy: str, first: Sequence[str]) -> Row:
    price = told["price"]
    shown = _("unknown")
    if price is not None:
        shown = _("%(input)s in, %(output)s out") % {
            "input": money(price["input"], price["currency"]),
            "output": money(price["output"], price["currency"]),
        }
    row = Row(
        told["endpoint"],
        told["position"],
        place=f"{told['provider']} · {told['upstream_model']}",
        price=shown,
        cost="" if told["cost_at_most"] is None else money(told["cost_at_most"], price["currency"]),
        context="" if told["context_window"] is None else f"{told['context_window']:,}",
        why=_why(told, strategy, first),
    )
    _state(row, told)
    return row


def _skipped(told: Mapping[str, Any]) -> Row:
    text, look = CODES.get(told["code"], (told["code"], "warn"))
    row = Row(told["endpoint"], chips=[(text, look)], reason=told["reason"], free_again=again(told["wait"]))
    if told["circuit"]["phase"] != "closed" and told["code"] != "circuit_open":
        row.chips.append(PHASES[told["circuit"]["phase"]])
    row.notes = limits(told["limits"])
    return row


def _state(row: Row, told: Mapping[str, Any]) -> None:
    circuit = told["circuit"]
    row.chips.append(PHASES[circuit["phase"]])
    if circuit["failures"]:
        row.notes.append(_("failures in a row: %(count)d (%(cause)s)") % {
            "count": circuit["failures"], "cause": circuit["cause"] or _("cause unknown")})  # fmt: skip
    row.notes += limits(told["limits"])
    average = told["first_content_ms"]
    if average is not None:
        row.notes.append(_("first content after %(duration)s on average") % {"duration": milliseconds(average)})
    if told["under_way"]:
        row.notes.append(_("under way at this worker: %(count)d") % {"count": told["under_way"]})


def _why(told: Mapping[str, Any], strategy: str, first: Sequence[str]) -> str:
    """Why it stands where it stands, in the words of the strategy of the list."""
    if {told["endpoint"].lower(), told["provider"].lower(), told["kind"]} & set(first):
        return _("The request names it first.")
    average, listed = told["first_content_ms"], {"place": told["listed"]}
    reasons = {
        "ordered": _("Number %(place)d in the configured list.") % listed,
        "priority": _("Priority %(priority)d; number %(place)d in the configured list.")
        % {"priority": told["priority"], **listed},
        "round_robin": _("Whose turn it is; number %(place)d in the configured list.") % listed,
        "shuffle": _("Drawn at random for each request: this is one draw."),
        "weighted": _("Drawn at random by weight %(weight)d: this is one draw.") % {"weight": told["weight"]},
        "least_busy": _("Requests under way at this worker: %(count)d.") % {"count": told["under_way"]},
        "fastest": _("Not measured lately: tried first to be known.")
        if average is None
        else _("First content after %(duration)s on average.") % {"duration": milliseconds(average)},
        "cheapest": _("Its price is unknown: last.")
        if told["cost_at_most"] is None
        else _("This request costs at most %(cost)s.")
        % {"cost": money(told["cost_at_most"], told["price"]["currency"])},
        "affinity": _("Where this conversation always goes first, as long as it can."),
    }
    return reasons.get(strategy, "")
