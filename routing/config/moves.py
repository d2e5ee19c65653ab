"""Where a document would have stored secrets sent: never to another server than before, unless they are given again.

The rule of ``providers.destination`` for documents: import, REST, rollback and migrations of the site. A provider's
secrets go to its own address and to those of its endpoints, through its proxy, trusting its certificates. Keys that are
named by environment variable are not stored here; a document that names one says itself where it is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from providers.destination import Destination, destination, moved, origin
from providers.models import Provider, ProviderHeader, ProviderKey
from routing.config.document import Problem, SecretsWouldMove

Origin = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a provider's secrets are sent: its own address, and its endpoints' by their names."""

    own: Destination
    endpoints: Mapping[str, Origin]

    def origins(self) -> set[Origin]:
        """All servers that get them."""
        return {self.own.origin, *self.endpoints.values()}


def places() -> dict[str, Places]:
    """The places of every provider, as the rows say now."""
    return {
        provider.name: Places(
            destination(provider),
            {row.name: origin(row.base_url) for row in provider.endpoints.all() if row.base_url},
        )
        for provider in Provider.objects.prefetch_related("endpoints")
    }


def hold_secrets(before: Mapping[str, Places], brought: Collection[str], *, drop: bool) -> None:
    """Of providers that are sent elsewhere than ``before``, stored secrets are refused, or dropped.

    ``brought``: the paths of secrets that came with the change, which knows where they belong. Raises SecretsWouldMove.
    """
    problems = []
    for name, after in places().items():
        fields = list(_moved(name, before[name], after)) if name in before else []
        kept = _kept(name, brought) if fields else {}
        if kept and drop:
            for row, column in kept.values():
                setattr(row, column, "")
                row.save(update_fields=[column])
        elif kept:
            problems += [Problem(field, _refusal(name, list(kept))) for field in fields]
    if problems:
        raise SecretsWouldMove(problems)


def _moved(name: str, before: Places, after: Places) -> Iterator[str]:
    """The paths in the document of what sends the secrets of the provider ``name`` elsewhere."""
    known = before.origins()
    for field in moved(before.own, after.own):
        if field != "base_url" or after.own.origin not in known:
            yield f"providers/{name}/{field}"
    for endpoint, place in after.endpoints.items():
        if place not in known:
            yield f"endpoints/{endpoint}/base_url"


def _kept(name: str, brought: Collection[str]) -> dict[str, tuple[ProviderKey | ProviderHeader, str]]:
    """Stored secrets of the provider that nobody gave again, by their path: row and column."""
    rows: dict[str, tuple[ProviderKey | ProviderHeader, str]] = {}
    for key in ProviderKey.objects.filter(provider__name=name):
        rows[f"keys/{key.label}/secret"] = (key, "secret")
    for header in ProviderHeader.objects.filter(provider__name=name, secret=True):
        rows[f"headers/{header.name}/value"] = (header, "value")
    return {
        path.rpartition("/")[0]: held
        for path, held in rows.items()
        if getattr(*held) and f"providers/{name}/{path}" not in brought
    }


def _refusal(name: str, kept: list[str]) -> str:
    return (
        f"would send what is stored for the provider {name} ({', '.join(sorted(kept))}) where it was not sent before."
        " Change this in the admin first, where these are entered again in the same step; or let them be removed"
        " (--drop-secrets on the command line)."
    )
