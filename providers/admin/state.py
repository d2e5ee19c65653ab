"""What the lists of providers and their models show of how these stand: chips, keys, moments, shares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from metrics import stats
from metrics.stats import Usage
from providers.models import Provider, ProviderKey
from providers.secrets import Undecryptable, mask
from providers.standing import NOTHING, REJECTED, KeyStanding, Standing

LONGEST = 90
NO_USAGE = Usage()


def when(at: datetime | None) -> str:
    """ "21 Nov 14:03:07"."""
    return "" if at is None else date_format(localtime(at), "j M H:i:s")


def chip(kind: str, word: Any, why: Any = "") -> SafeString:
    """A coloured word; ``kind``: good, bad, warn, info or ""."""
    return format_html('<span class="gw-chip {}" title="{}">{}</span>', kind, why, word)


def lines(*parts: Any) -> SafeString:
    """The parts that say something, one below the other, the first as it is and the others faint."""
    said = [part for part in parts if part]
    rest = format_html_join("", '<div class="gw-faint">{}</div>', ((part,) for part in said[1:]))
    return format_html("<div>{}</div>{}", said[0] if said else "", rest)


def last_hours(now: datetime) -> tuple[datetime, Mapping[Any, Usage]]:
    """Since when, and what was counted of each provider in the hour under way and the one before. Two queries."""
    begun = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    found = stats.usage(begun, begun + timedelta(hours=2), by=("provider",))
    return begun, {name: usage for (name,), usage in found.items()}


def is_there(key: ProviderKey) -> bool:
    """Whether there is something to be sent."""
    if key.env_var:
        return bool(os.environ.get(key.env_var, "").strip())
    return bool(key.secret) and not isinstance(key.secret, Undecryptable)


def shown_key(key: ProviderKey, open_: bool = True) -> str:
    """What may be shown of a key: its mask, or its variable and whether it is set; "present" where not ``open_``."""
    if key.env_var:
        return f"{key.env_var}: {_('set') if is_there(key) else _('not set')}"
    if isinstance(key.secret, Undecryptable):
        return _("cannot be decrypted: enter it again")
    if not key.secret:
        return _("missing: enter it")
    return mask(key.secret) if open_ else _("present")


def _was_used(standing: Standing) -> bool:
    """Whether it ever answered or failed: vendors known from the start, which nobody uses, are no cause for alarm."""
    return standing.last_success is not None or standing.last_error_at is not None


def shown_keys(provider: Provider, standing: Standing, open_: bool) -> SafeString:
    """The keys of a provider a line each, or what is missing. Reads the prefetched ``keys``."""
    keys = list(provider.keys.all())
    if not keys:
        return chip("info", _("works without a key")) if provider.keyless else chip("bad", _("none"))
    alarm = "bad" if _was_used(standing) else ""
    said = [_line(key, standing.keys.get(key.label), open_, alarm) for key in keys]
    if provider.keyless and not any(key.enabled and is_there(key) for key in keys):
        said.append(chip("info", _("works without a key")))
    return format_html_join("", '<div class="pv-key">{}</div>', ((line,) for line in said))


def _line(key: ProviderKey, standing: KeyStanding | None, open_: bool, alarm: str) -> SafeString:
    sign = SafeString("")
    if not key.enabled:
        sign = chip("", _("disabled"))
    elif not is_there(key):
        kind = alarm if key.env_var else "bad"  # a stored key that is gone was there once
        sign = chip(kind, _("missing: %(what)s") % {"what": key.env_var or key.label})
    elif standing is not None and standing.state == REJECTED:
        sign = chip("bad", _("rejected"), standing.cause)
    elif standing is not None:
        sign = chip("warn", _("rests until %(at)s") % {"at": when(standing.until)}, standing.cause)
    why = standing.cause[:LONGEST] if standing is not None and key.enabled else ""
    return format_html(
        "<strong>{}</strong> {} {}{}",
        key.label,
        shown_key(key, open_) if is_there(key) or not key.enabled else "",
        sign,
        format_html('<div class="gw-faint">{}</div>', why) if why else "",
    )


def state_of(provider: Provider, standing: Standing) -> SafeString:
    """One word for how a provider is, with its latest answer or error."""
    last = _("last answer %(at)s") % {"at": when(standing.last_success)} if standing.last_success else ""
    error = ""
    if standing.last_error_at is not None:
        words = {"at": when(standing.last_error_at), "error": standing.last_error[:LONGEST]}
        error = _("last error %(at)s: %(error)s") % words
    return lines(_sign(provider, standing), last, error)


def _sign(provider: Provider, standing: Standing) -> SafeString:
    keys = [key for key in provider.keys.all() if key.enabled and is_there(key)]
    if not provider.enabled:
        return chip("", _("Off"))
    if isinstance(provider.proxy, Undecryptable):
        return chip("bad", _("Proxy cannot be decrypted"))
    if not keys and not provider.keyless:
        return chip("bad" if _was_used(standing) else "", _("No key"))
    if keys and all(key.label in standing.keys for key in keys):
        rejected = any(standing.keys[key.label].state == REJECTED for key in keys)
        return chip("bad", _("Key rejected")) if rejected else chip("warn", _("Resting"))
    failed, well = standing.last_error_at, standing.last_success
    if failed is not None and (well is None or failed > well):
        return chip("warn", _("Failing"))
    if well is None:
        return chip("info", _("Not used yet"))
    return chip("good", _("Reachable"))


def failing(usage: Usage) -> SafeString:
    """The share of tries that failed, and of how many."""
    if not usage.tries:
        return SafeString("–")
    share = usage.failed_tries / usage.tries
    kind = "bad" if share >= 0.5 else "warn" if share >= 0.05 else "good"
    return lines(chip(kind, f"{share:.0%}"), _("of %(n)s tries") % {"n": usage.tries})


__all__ = ["NOTHING", "chip", "failing", "last_hours", "lines", "shown_key", "shown_keys", "state_of", "when"]
