"""What needs an operator's attention now, each in a sentence with the page that mends it. From the present state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from metrics import drain, periods, spool
from providers.errors import CredentialRejected
from routing import catalog, circuit
from routing.models import CircuitState, KeyState
from routing.pricing import price_at
from routing.sharing import KEY
from routing.types import Candidate, Catalog
from routing.windows import WINDOWS

BAD, WARN, INFO = "bad", "warn", "info"
ORDER = (BAD, WARN, INFO)
NEARLY_FULL = 0.8
FAILING, FEWEST_TRIES = 0.2, 5  # share of failed tries, of at least so many
UNDELIVERED = timedelta(minutes=2)
MOST = 5  # of one sort, by name; the rest is counted


@dataclass(frozen=True, slots=True)
class Item:
    """``url`` is "" for who may not open it."""

    level: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Sight:
    """What all of them look at."""

    request: HttpRequest
    now: datetime
    catalog: Catalog
    candidates: Mapping[str, Candidate] = field(default_factory=dict)

    def may(self, permission: str) -> bool:
        """Whether the reader may open the pages behind it."""
        return bool(self.request.user.has_perm(permission))

    def list(self, label: str, model: str, search: str = "") -> str:
        """The address of a list, searched; "" for who may not see it."""
        if not self.may(f"{label}.view_{model}"):
            return ""
        address = reverse(f"admin:{label}_{model}_changelist")
        return f"{address}?{urlencode({'q': search})}" if search else address


def items(request: HttpRequest, now: datetime) -> list[Item]:
    """Everything that wants mending, the gravest first. Raises ``django.db.DatabaseError``."""
    found = [*_refused(request)]
    try:
        served = catalog.current()
    except catalog.CatalogUnavailable:
        return found
    offered = (one for entry in served.providers.values() for one in entry.models.values())
    sight = Sight(
        request, now, served, {one.identity: one for one in (*offered, *served.endpoints.values()) if one.known}
    )
    for look in (_circuits, _keys, _failing, _limits, _unpriced, _records, _keyless):
        found += look(sight)
    return sorted(found, key=lambda item: ORDER.index(item.level))


def _refused(request: HttpRequest) -> Iterator[Item]:
    status = catalog.status()
    if status.error is not None:
        may = request.user.has_perm("routing.view_configrevision")
        said = _("The newest configuration is refused, and generation %(generation)d still serves: %(error)s")
        url = reverse("admin:routing_configrevision_changelist") if may else ""
        yield Item(BAD, said % {"generation": status.generation, "error": status.error}, url)


def _circuits(sight: Sight) -> Iterator[Item]:
    asked = Q(phase__in=(circuit.OPEN, circuit.HALF_OPEN)) | Q(drained=True)
    rows = CircuitState.objects.filter(asked).order_by("-updated_at")
    shown = [row for row in rows[:500] if row.identity in sight.candidates]
    may = sight.may("routing.view_circuitstate")
    for row in shown[:MOST]:
        url = reverse("admin:routing_circuitstate_change", args=[quote(row.identity)]) if may else ""
        yield _circuit(row, sight.candidates[row.identity].endpoint, url)
    if len(shown) > MOST:
        more = len(shown) - MOST
        said = ngettext(
            "The circuit of %(n)d more endpoint is open, or it is drained.",
            "The circuits of %(n)d more endpoints are open, or they are drained.",
            more,
        )
        yield Item(WARN, said % {"n": more}, sight.list("routing", "circuitstate"))


def _circuit(row: CircuitState, name: str, url: str) -> Item:
    if row.phase == circuit.CLOSED or row.drained:
        return Item(WARN, _("Endpoint %(name)s is drained: it takes no new requests.") % {"name": name}, url)
    if row.phase == circuit.HALF_OPEN:
        said = _("Endpoint %(name)s is being probed: its circuit was open. %(cause)s")
    elif row.next_probe_at is None:
        said = _("Endpoint %(name)s gets no requests until its circuit is closed by hand. %(cause)s")
    else:
        said = _("Endpoint %(name)s gets no requests: its circuit is open. %(cause)s")
    return Item(BAD, (said % {"name": name, "cause": row.circuit_cause}).strip(), url)


def _keys(sight: Sight) -> Iterator[Item]:
    used = {
        f"{KEY}{key.state_key}": (name, key.identity)
        for name, entry in sight.catalog.providers.items()
        for key in entry.credentials
        if entry.enabled
    }
    rows = KeyState.objects.filter(rest_code=CredentialRejected.outcome, identity__startswith=KEY)
    for identity, cause in rows.order_by("-updated_at").values_list("identity", "cause")[:500]:
        if identity in used:
            provider, key = used[identity]
            said = _("Provider %(provider)s rejects the key %(key)s: %(cause)s")
            text = said % {"provider": provider, "key": key, "cause": cause}
            yield Item(BAD, text, sight.list("providers", "provider", provider))


def _failing(sight: Sight) -> Iterator[Item]:
    for name, (tries, failed) in periods.tries_lately("provider", sight.now).items():
        if name and tries >= FEWEST_TRIES and failed >= FAILING * tries:
            said = _("Provider %(provider)s: %(failed)d of %(tries)d tries failed in this hour and the one before.")
            text = said % {"provider": name, "failed": failed, "tries": tries}
            yield Item(BAD if failed * 2 >= tries else WARN, text, sight.list("providers", "provider", name))


def _limits(sight: Sight) -> Iterator[Item]:
    windows = {one.key: one for candidate in sight.candidates.values() for one in candidate.windows}
    windows |= {one.key: one for entry in sight.catalog.providers.values() for one in entry.windows}
    windows |= {one.key: one for grant in sight.catalog.grants.values() for one in grant.windows}
    found = []
    for key, reading in WINDOWS.read(list(windows.values())).items():
        window = windows[key]
        uses = ((reading.current_requests, window.requests), (reading.current_tokens, window.tokens))
        share = max((used / most for used, most in uses if most), default=0.0)
        if share >= NEARLY_FULL:
            found.append((share, key))
    for share, key in sorted(found, reverse=True)[:MOST]:
        yield _nearly_full(sight, key, share, windows[key].seconds)


def _nearly_full(sight: Sight, key: str, share: float, seconds: float) -> Item:
    sort, _colon, name = key.partition(":")
    if key in sight.candidates:
        name = sight.candidates[key].endpoint
        said = _("Endpoint %(name)s has used %(share)d %% of its limit in the last %(seconds)g s.")
        url = sight.list("routing", "endpoint", name)
    elif sort == "provider":
        said = _("Provider %(name)s has used %(share)d %% of its limit in the last %(seconds)g s.")
        url = sight.list("providers", "provider", name)
    else:
        said = _("The API key %(name)s has used %(share)d %% of its limit in the last %(seconds)g s.")
        url = sight.list("routing", "apikey", name)
    return Item(WARN, said % {"name": name, "share": min(share, 1) * 100, "seconds": seconds}, url)


def _unpriced(sight: Sight) -> Iterator[Item]:
    names = {one.endpoint: one for one in sight.candidates.values()}
    at = sight.now.timestamp()
    week = periods.period("7d", sight.now)
    used = periods.answers_without_cost(week.start, week.open_end)
    without = sorted(
        {
            f"{one.target.provider}/{one.target.upstream_model}"
            for name in used
            if (one := names.get(name)) is not None and price_at(one.facts.prices, at) is None
        }
    )
    if without:
        said = ngettext(
            "A model in use has no price, so its cost is unknown: %(names)s",
            "%(n)d models in use have no price, so their cost is unknown: %(names)s",
            len(without),
        )
        search = without[0].partition("/")[2] if len(without) == 1 else ""
        yield Item(
            WARN, said % {"n": len(without), "names": _some(without)}, sight.list("providers", "providermodel", search)
        )


def _records(sight: Sight) -> Iterator[Item]:
    directory = spool.default_directory()
    rejected = directory / drain.REJECTED
    lines = _lines(rejected)
    if lines:
        said = ngettext(
            "A record was refused by the database and waits in %(path)s.",
            "%(n)d records were refused by the database and wait in %(path)s.",
            lines,
        )
        yield Item(WARN, said % {"n": lines, "path": rejected})
    oldest = min((_age(path, sight.now) for path in drain.waiting(directory)), default=None)
    if oldest is not None and sight.now - oldest > UNDELIVERED:
        said = _("Records have not reached the database since %(at)s UTC; they wait in %(path)s.")
        yield Item(BAD, said % {"at": oldest.strftime("%H:%M:%S"), "path": directory})


def _keyless(sight: Sight) -> Iterator[Item]:
    """A new installation knows vendors that nobody has a key of: not worth more than a remark, unless they are used."""
    lacking = {name for name, entry in sight.catalog.providers.items() if entry.enabled and not entry.configured}
    wanted = sorted(lacking & _listed(sight.catalog))
    if wanted:
        said = ngettext(
            "Provider %(names)s has no usable key, though models lead to it.",
            "%(n)d providers have no usable key, though models lead to them: %(names)s",
            len(wanted),
        )
        url = sight.list("providers", "provider", wanted[0] if len(wanted) == 1 else "")
        yield Item(WARN, said % {"n": len(wanted), "names": _some(wanted)}, url)
    others = sorted(lacking - set(wanted))
    if others:
        said = ngettext(
            "Provider %(names)s is enabled and has no key.",
            "%(n)d enabled providers have no key: %(names)s",
            len(others),
        )
        yield Item(INFO, said % {"n": len(others), "names": _some(others)}, sight.list("providers", "provider"))


def _listed(served: Catalog) -> set[str]:
    """The providers that models lead to. Categories name many, and take whoever has a key."""
    routes = [*served.routes.values(), *([served.wildcard] if served.wildcard else [])]
    return {one.target.provider for route in routes for one in route.candidates if one.skip_code != "disabled"}


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:MOST]) + (", …" if len(found) > MOST else "")


def _lines(path: Path) -> int:
    """How many, as far as the first megabyte says."""
    try:
        with path.open("rb") as file:
            return file.read(1 << 20).count(b"\n")
    except OSError:
        return 0


def _age(path: Path, now: datetime) -> Any:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:  # delivered meanwhile
        return now
