"""A provider's own list of models, read from where it publishes it. No database is touched here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from providers import faults, transport
from providers.adapters import ADAPTERS
from providers.adapters.base import load
from providers.adapters.listings import ListedUpstreamModel, Listing, Page, listings_of
from providers.chat import Call
from providers.errors import CredentialRejected, ModelMissing, UpstreamError, UpstreamTimeout
from providers.targets import secrets_of
from providers.upstream import black_out, wire_request
from providers.wire import Credential, Limits, Rendered, Target, Trace

TOGETHER = 30.0  # seconds for all pages
LIMITS = Limits(connect=5.0, headers=20.0, idle=10.0, total=TOGETHER)
MOST_PAGES = 20
MOST_MODELS = 5000
LARGEST_PAGE = 16 * 1024 * 1024


class NoList(UpstreamError):
    """The provider publishes no list where one was looked for."""

    outcome = "no_list"


def list_models(
    target: Target, credentials: tuple[Credential, ...] = (), within: float = TOGETHER
) -> list[ListedUpstreamModel]:
    """The models that ``target``'s provider lists, each once, in its order. At most ``MOST_MODELS``.

    ``credentials`` are tried in order while they are rejected; without any the list is asked for without. Takes
    ``within`` seconds at most. Raises ``NoList`` or other errors of ``providers.errors``.
    """
    deadline = time.monotonic() + within
    rejected: UpstreamError | None = None
    for credential in credentials or (None,):
        try:
            return _with_key(target, credential, deadline)
        except UpstreamError as error:
            black_out(secrets_of(target, credential), error)
            if not isinstance(error, CredentialRejected):
                raise
            rejected = error
    assert rejected is not None
    raise rejected


def _with_key(target: Target, credential: Credential | None, deadline: float) -> list[ListedUpstreamModel]:
    missing: UpstreamError | None = None
    for listing in listings_of(target.kind, target.wire):
        try:
            return _pages(target, credential, listing, deadline)
        except ModelMissing as error:
            missing = error
    assert missing is not None
    raise NoList("There is no list of models at this address.", status=missing.status) from missing


def _pages(
    target: Target, credential: Credential | None, listing: Listing, deadline: float
) -> list[ListedUpstreamModel]:
    found: dict[str, ListedUpstreamModel] = {}
    cursor = ""
    for _number in range(MOST_PAGES):
        page = _page(target, credential, listing, cursor, deadline)
        known = len(found)
        for model in page.models:
            found.setdefault(model.name, model)
        # A page that brings nothing new would be brought again and again.
        if not page.cursor or page.cursor == cursor or len(found) == known or len(found) >= MOST_MODELS:
            break
        cursor = page.cursor
    return list(found.values())[:MOST_MODELS]


def _page(target: Target, credential: Credential | None, listing: Listing, cursor: str, deadline: float) -> Page:
    left = deadline - time.monotonic()
    if left <= 0:
        raise UpstreamTimeout("The list of models took too long.", phase="total")
    asked = Rendered(_path(target, listing, cursor), b"", listing.headers, method="GET")
    place = replace(target, base_url=_base_url(target, listing), paths={"models": asked.path})
    request = wire_request(place, credential, Call("models", {}), asked)
    exchange = transport.open(request, replace(LIMITS, total=left), lambda: False, Trace())
    try:
        if exchange.status >= 400:
            raise ADAPTERS[target.wire].parse_error(exchange.status, exchange.headers, exchange.read_error(), target)
        raw = load(exchange.read(LARGEST_PAGE))
    finally:
        exchange.close()
    _raise_error(raw)
    return listing.read(raw)


def _raise_error(raw: Any) -> None:
    if isinstance(raw, Mapping) and raw.get("error"):
        raise faults.within(raw)


def _path(target: Target, listing: Listing, cursor: str) -> str:
    own, _mark, query = listing.path.partition("?")
    path = target.paths.get("models") or own
    if cursor:
        query = "&".join(filter(None, (query, f"{listing.cursor}={quote(cursor, safe='')}")))
    return f"{path}?{query}" if query else path


def _base_url(target: Target, listing: Listing) -> str:
    base = ADAPTERS[target.wire].base_url(target, "models")
    return base.removesuffix("/v1") if listing.at_root else base
