"""A document → rows, by natural name, in one transaction and one revision; or, as a dry run, what would change.

The document is the whole: what it does not name is deleted. Stored secrets stay where they are. A document that would
have them sent somewhere else than before is refused, unless they come with it (importers bring them beside it) or are
expressly to be dropped: then the provider's key is missing until it is entered again (``routing.config.moves``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from django.db import models

from providers.models import Price, Provider, ProviderHeader, ProviderKey, ProviderModel
from providers.secrets import TO_BE_ENTERED
from routing.config.check import Wanted, WantedList, WantedProvider, check
from routing.config.diff import Change
from routing.config.moves import hold_secrets, places
from routing.config.revisions import rehearsal, revision
from routing.config.serialize import is_stored_proxy
from routing.config.shape import columns
from routing.models import Alias, Category, Endpoint, Entry, PublicModel

T = TypeVar("T", bound=models.Model)
NO_SECRETS: Mapping[str, str] = {}


def apply(
    document: Mapping[str, Any],
    actor: str,
    origin: str,
    message: str = "",
    *,
    dry_run: bool = False,
    drop_secrets: bool = False,
) -> list[Change]:
    """Make the configuration what ``document`` says: what changed. Raises DocumentError, and then nothing did.

    ``drop_secrets``: stored secrets that would be sent elsewhere are removed; otherwise SecretsWouldMove is raised.
    """
    wanted = check(document)
    with rehearsal() if dry_run else revision(actor, origin, message) as change:
        write(wanted, drop_secrets=drop_secrets)
        return change.changes()


def write(wanted: Wanted, secrets: Mapping[str, str] = NO_SECRETS, *, drop_secrets: bool = False) -> None:
    """Rows from ``wanted``. Only within a revision or rehearsal. The order keeps every constraint at every step.

    ``secrets``: by the path of ``serialize.secrets``; what the document says to be stored there.
    Raises SecretsWouldMove.
    """
    sent_before = places()
    Alias.objects.exclude(name__in=[alias for model in wanted.models.values() for alias in model.aliases]).delete()
    _delete_others(PublicModel, wanted.models)
    _delete_others(Category, wanted.categories)
    _delete_others(Endpoint, wanted.endpoints)
    providers = _sync_providers(wanted.providers)
    endpoints = _sync_endpoints(wanted.endpoints, providers)
    _delete_others(Provider, wanted.providers)
    _store(secrets)
    hold_secrets(sent_before, secrets, drop=drop_secrets)
    public = _sync(PublicModel, {name: one.row for name, one in wanted.models.items()}, _by_name(PublicModel))
    categories = _sync(Category, {name: one.row for name, one in wanted.categories.items()}, _by_name(Category))
    _sync_aliases(wanted.models, public)
    _sync_entries("owner_model", wanted.models, public, endpoints, public)
    _sync_entries("owner_category", wanted.categories, categories, endpoints, public)


def _by_name(table: type[T], **of: Any) -> dict[str, T]:
    name = "label" if table is ProviderKey else "name"
    return {getattr(row, name): row for row in table._default_manager.filter(**of)}


def _delete_others(table: type[models.Model], named: Iterable[str], **of: Any) -> None:
    name = "label" if table is ProviderKey else "name"
    known = set(named)
    gone = [row.pk for row in table._default_manager.filter(**of).only("pk", name) if getattr(row, name) not in known]
    if gone:
        table._default_manager.filter(pk__in=gone).delete()


def _sync(table: type[T], wanted: Mapping[str, T], existing: Mapping[str, T], *others: str) -> dict[str, T]:
    """Create and update by name; rows that are right already are left alone. ``others``: columns said otherwise."""
    written = [column.attname for column in columns(table)] + list(others)
    created, changed, rows = [], [], {}
    for name, want in wanted.items():
        have = existing.get(name)
        if have is None:
            created.append(want)
        elif any(getattr(have, column) != getattr(want, column) for column in written):
            for column in written:
                setattr(have, column, getattr(want, column))
            changed.append(have)
        rows[name] = have or want
    table._default_manager.bulk_create(created)
    if changed:
        table._default_manager.bulk_update(changed, [column.removesuffix("_id") for column in written], batch_size=100)
    return rows


def _sync_providers(wanted: Mapping[str, WantedProvider]) -> dict[str, Provider]:
    existing = _by_name(Provider)
    for name, want in wanted.items():
        if want.stored_proxy:
            have = existing[name].proxy if name in existing else ""
            want.row.proxy = have if is_stored_proxy(have) else TO_BE_ENTERED
    rows = _sync(Provider, {name: want.row for name, want in wanted.items()}, existing, "proxy")
    for name, want in wanted.items():
        of = {"provider": rows[name]}
        _delete_others(ProviderKey, want.keys, **of)
        _delete_others(ProviderHeader, want.headers, **of)
        _delete_others(ProviderModel, want.models, **of)
        _sync_keys(want, rows[name])
        _sync_headers(want, rows[name])
        offered = _sync(ProviderModel, _owned(want.models, **of), _by_name(ProviderModel, **of))
        _sync_prices(want, offered)
    return rows


def _owned(rows: Mapping[str, T], **owner: models.Model) -> Mapping[str, T]:
    for row in rows.values():
        for name, value in owner.items():
            setattr(row, name, value)
    return rows


def _sync_keys(want: WantedProvider, provider: Provider) -> None:
    existing = _by_name(ProviderKey, provider=provider)
    for label, key in want.keys.items():
        if label in want.stored_keys and label in existing:
            key.secret = existing[label].secret
    _sync(ProviderKey, _owned(want.keys, provider=provider), existing, "position", "env_var", "secret")


def _sync_headers(want: WantedProvider, provider: Provider) -> None:
    existing = _by_name(ProviderHeader, provider=provider)
    for name, header in want.headers.items():
        if header.secret and name in existing:
            header.value = existing[name].value
    _sync(ProviderHeader, _owned(want.headers, provider=provider), existing, "value")


def _sync_prices(want: WantedProvider, offered: Mapping[str, ProviderModel]) -> None:
    """Prices have no name: a model's are written anew where any of them differs."""
    compared = [column.attname for column in columns(Price)]
    have: dict[int, set[tuple[Any, ...]]] = {}
    for row in Price.objects.filter(model__in=[model.pk for model in offered.values()]).order_by():
        have.setdefault(row.model_id, set()).add(tuple(getattr(row, column) for column in compared))
    fresh: list[Price] = []
    stale: list[int] = []
    for name, prices in want.prices.items():
        model = offered[name]
        if {tuple(getattr(price, column) for column in compared) for price in prices} != have.get(model.pk, set()):
            stale.append(model.pk)
            for price in prices:
                price.model = model
            fresh.extend(prices)
    if stale:
        Price.objects.filter(model__in=stale).delete()
        Price.objects.bulk_create(fresh)


def _sync_endpoints(
    wanted: Mapping[str, tuple[str, Endpoint]], providers: Mapping[str, Provider]
) -> dict[str, Endpoint]:
    existing = _by_name(Endpoint)
    rows = {name: row for name, (_provider, row) in wanted.items()}
    for name, (provider, row) in wanted.items():
        row.provider = providers[provider]
        have = existing.get(name)
        if have is not None and _place(have) != _place(row):
            # Two endpoints may change places: each first leaves its own.
            have.base_url = f"moving:{have.pk}"
            Endpoint.objects.filter(pk=have.pk).update(base_url=have.base_url)
    return _sync(Endpoint, rows, existing, "provider_id")


def _place(row: Endpoint) -> tuple[int, str, str]:
    return row.provider_id, row.upstream_model, row.base_url


def _store(secrets: Mapping[str, str]) -> None:
    """Secrets by their paths: ``providers/NAME/keys/LABEL/secret``, ``…/headers/NAME/value``, ``…/proxy``."""
    for path, value in secrets.items():
        _providers, provider, part, *rest = path.split("/")
        row: models.Model
        if part == "keys":
            row, column = ProviderKey.objects.get(provider__name=provider, label=rest[0]), "secret"
        elif part == "headers":
            row, column = ProviderHeader.objects.get(provider__name=provider, name=rest[0]), "value"
        else:
            row, column = Provider.objects.get(name=provider), "proxy"
        if getattr(row, column) != value:
            setattr(row, column, value)
            row.save(update_fields=[column])


def _sync_aliases(wanted: Mapping[str, WantedList[PublicModel]], public: Mapping[str, PublicModel]) -> None:
    rows = {alias: Alias(name=alias, model=public[name]) for name, want in wanted.items() for alias in want.aliases}
    _sync(Alias, rows, _by_name(Alias), "model_id")


def _sync_entries(
    owner: str,
    wanted: Mapping[str, WantedList[T]],
    owners: Mapping[str, T],
    endpoints: Mapping[str, Endpoint],
    public: Mapping[str, PublicModel],
) -> None:
    """Entries have no name: an owner's are written anew where its list differs."""
    compared = [column.attname for column in columns(Entry)] + ["endpoint_id", "model_id"]
    have: dict[int, list[tuple[Any, ...]]] = {}
    for row in Entry.objects.filter(**{f"{owner}__isnull": False}).order_by("position", "id"):
        have.setdefault(getattr(row, f"{owner}_id"), []).append(tuple(getattr(row, name) for name in compared))
    fresh: list[Entry] = []
    stale: list[int] = []
    for name, want in wanted.items():
        rows = list(_aimed(want, endpoints, public))
        if [tuple(getattr(row, column) for column in compared) for row in rows] != have.get(owners[name].pk, []):
            stale.append(owners[name].pk)
            for row in rows:
                setattr(row, owner, owners[name])
            fresh.extend(rows)
    if stale:
        Entry.objects.filter(**{f"{owner}__in": stale}).delete()
        Entry.objects.bulk_create(fresh)


def _aimed(
    want: WantedList[Any], endpoints: Mapping[str, Endpoint], public: Mapping[str, PublicModel]
) -> Iterator[Entry]:
    for kind, name, row in want.entries:
        if kind == "endpoint":
            row.endpoint = endpoints[name]
        else:
            row.model = public[name]
        yield row
