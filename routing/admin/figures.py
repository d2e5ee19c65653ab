"""Cells of tables: what an endpoint's window holds, how fast it was, how much it did, what went wrong last."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.admin import show
from routing.admin.standing import Standing
from routing.limits import Reading, Window


def window_of(window: Window | None, reading: Reading | None) -> SafeString:
    """ "37 / 60 in 60 s" over a bar, a line for requests and one for tokens; empty where nothing limits it."""
    if window is None:
        return show.NOTHING
    if reading is None:
        return show.lines(_("unknown"), _("the windows' store does not answer"))
    shown = []
    for used, most, what in (
        (reading.current_requests, window.requests, _("requests")),
        (reading.current_tokens, window.tokens, _("tokens")),
    ):
        if most is not None:
            words = {"used": show.count(used), "most": show.count(most), "seconds": f"{window.seconds:g}"}
            text = _("%(used)s / %(most)s in %(seconds)s s") % words
            shown.append(show.bar(used, most, text, what, alarm=True))
    return show.lines(*shown)


def figures_of(standing: Standing) -> SafeString:
    """Percentiles and errors of the last day; empty where nothing was asked."""
    usage = standing.usage
    if not usage.tries and not usage.requests:
        return show.NOTHING
    speed = ""
    if usage.p50 is not None:
        speed = _("p50 %(p50)s · p95 %(p95)s") % {"p50": show.span(usage.p50), "p95": show.span(usage.p95)}
    failed = _("%(share)s of tries failed") % {"share": show.share(usage.failed_tries, usage.tries)}
    return show.lines(speed or failed, failed if speed else "")


def traffic_of(standing: Standing) -> SafeString:
    """Its share of all requests of the last day, over a bar."""
    if standing.share is None or not standing.usage.requests:
        return show.NOTHING
    count = standing.usage.requests
    title = ngettext("%(n)d request in the last 24 h", "%(n)d requests in the last 24 h", count) % {"n": count}
    text = _("%(share)s of traffic") % {"share": show.share(standing.share, 1)}
    return show.bar(standing.share, 1, text, title)


def last_error_of(standing: Standing) -> SafeString:
    """What went wrong there last, and when."""
    if standing.stats is None or not standing.stats.last_error:
        return show.NOTHING
    return show.lines(show.short(standing.stats.last_error, 48), show.when(standing.stats.last_error_at))
