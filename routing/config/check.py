"""A document → the rows that it means, unsaved, or every problem that it has. Reads no database.

Everything is checked here: unknown keys, types, values, references, the shared name space, identities, cycles. So what
``apply`` writes afterwards needs no second look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from providers.models import Price, Provider, ProviderHeader, ProviderKey, ProviderModel
from routing.config.document import SECTIONS, VERSION, DocumentError, Problem, shown
from routing.config.references import Complain, check_references
from routing.config.shape import columns, parsed
from routing.models import Category, Endpoint, Entry, PublicModel

Said = Mapping[str, Any]
T = TypeVar("T", bound=models.Model)


@dataclass(slots=True)
class WantedProvider:
    """A provider with its parts, by their names. ``stored_proxy``: keep the stored one."""

    row: Provider
    stored_proxy: bool = False
    keys: dict[str, ProviderKey] = field(default_factory=dict)
    stored_keys: set[str] = field(default_factory=set)
    headers: dict[str, ProviderHeader] = field(default_factory=dict)
    models: dict[str, ProviderModel] = field(default_factory=dict)
    prices: dict[str, list[Price]] = field(default_factory=dict)


@dataclass(slots=True)
class WantedList(Generic[T]):
    """A public model or category with its entries as (kind of target, its name, row) and aliases."""

    row: T
    aliases: list[str] = field(default_factory=list)
    entries: list[tuple[str, str, Entry]] = field(default_factory=list)


@dataclass(slots=True)
class Wanted:
    """All that a document means. ``endpoints``: (the provider's name, row)."""

    providers: dict[str, WantedProvider] = field(default_factory=dict)
    endpoints: dict[str, tuple[str, Endpoint]] = field(default_factory=dict)
    models: dict[str, WantedList[PublicModel]] = field(default_factory=dict)
    categories: dict[str, WantedList[Category]] = field(default_factory=dict)


def check(document: Said) -> Wanted:
    """The rows that ``document`` means. Raises DocumentError with every problem."""
    problems: list[Problem] = []
    reader = _Reader(lambda path, message: problems.append(Problem(path, message)))
    wanted = reader.document(document)
    if not problems:
        check_references(document, reader.complain)
    if problems:
        raise DocumentError(problems)
    return wanted


class _Reader:
    """Walks the document; complains and goes on."""

    def __init__(self, complain: Complain) -> None:
        self.complain = complain

    def document(self, document: Said) -> Wanted:
        if document.get("version") != VERSION:
            self.complain("version", f"expected {VERSION}, not {shown(document.get('version'))}")
        self._known("", document, ("version", *SECTIONS))
        wanted = Wanted()
        wanted.providers = dict(self._items("providers", document, self._provider))
        wanted.endpoints = dict(self._items("endpoints", document, self._endpoint))
        wanted.models = dict(self._items("models", document, self._model))
        wanted.categories = dict(self._items("categories", document, self._category))
        return wanted

    def _items(
        self, section: str, said: Said, read: Callable[[str, str, Said], Any], path: str = ""
    ) -> Iterator[tuple[str, Any]]:
        where = f"{path}/{section}" if path else section
        items = said.get(section, {})
        if not isinstance(items, Mapping):
            self.complain(where, f"expected a mapping of names, not {shown(items)}")
            return
        for name, item in items.items():
            one = f"{where}/{name}"
            if isinstance(item, Mapping):
                yield name, read(one, name, item)
            else:
                self.complain(one, f"expected a mapping, not {shown(item)}")

    def _list(self, name: str, said: Said, path: str, expected: type) -> Iterator[tuple[str, Any]]:
        items = said.get(name, [])
        if not isinstance(items, list):
            self.complain(f"{path}/{name}", f"expected a list, not {shown(items)}")
            return
        for index, item in enumerate(items):
            if isinstance(item, expected):
                yield f"{path}/{name}/{index}", item
            else:
                what = "a mapping" if expected is dict else "text"
                self.complain(f"{path}/{name}/{index}", f"expected {what}, not {shown(item)}")

    def _known(self, path: str, said: Said, known: tuple[str, ...]) -> None:
        for key in said:
            if key not in known:
                where = f"{path}/{key}" if path else str(key)
                self.complain(where, f"unknown key; known here: {', '.join(sorted(known))}")

    def _row(self, table: type[T], path: str, said: Said, others: tuple[str, ...] = (), **given: Any) -> T:
        """One unsaved row from what is said under the columns' own names; ``others`` are read elsewhere."""
        own = columns(table)
        self._known(path, said, (*(column.name for column in own), *others))
        row = table(**given)
        bad = {column.name for column in table._meta.fields if column.is_relation}
        for column in own:
            if column.name in said:
                try:
                    setattr(row, column.name, parsed(column, said[column.name]))
                except ValueError as error:
                    bad.add(column.name)
                    self.complain(f"{path}/{column.name}", str(error))
        self._clean(path, row, bad)
        return row

    def _clean(self, path: str, row: models.Model, exclude: set[str]) -> None:
        """Field validators, and the ``clean`` of tables whose rule needs no database."""
        try:
            row.clean_fields(exclude=exclude)
            if isinstance(row, Endpoint | ProviderKey | ProviderHeader):
                row.clean()
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                where = path if name in ("name", "label", "__all__") else f"{path}/{name}"
                self.complain(where, " ".join(messages))

    def _provider(self, path: str, name: str, said: Said) -> WantedProvider:
        row = self._row(Provider, path, said, ("proxy", "keys", "headers", "models"), name=name)
        wanted = WantedProvider(row)
        proxy = said.get("proxy", "")
        if proxy == {"stored": True}:
            wanted.stored_proxy = True
        elif not isinstance(proxy, str) or "@" in proxy:
            self.complain(f"{path}/proxy", "expected a URL without user and password, or {stored: true} for the stored")
        else:
            row.proxy = proxy
        for where, key in self._list("keys", said, path, dict):
            self._key(where, key, wanted)
        for where, header in self._list("headers", said, path, dict):
            self._header(where, header, wanted)
        for model, (offered, prices) in self._items("models", said, self._offered, path):
            wanted.models[model], wanted.prices[model] = offered, prices
        return wanted

    def _key(self, path: str, said: Said, wanted: WantedProvider) -> None:
        label, env, stored = said.get("label", "default"), said.get("env", ""), said.get("stored", False)
        if not isinstance(label, str) or not isinstance(env, str) or not isinstance(stored, bool) or (env and stored):
            self.complain(path, "expected {label: text} with env: VARIABLE or stored: true")
            return
        if label in wanted.keys:
            self.complain(path, f"a second key labelled {shown(label)}")
            return
        plain = {name: value for name, value in said.items() if name not in ("env", "stored")}
        row = self._row(ProviderKey, path, plain, ("env", "stored"), env_var=env, position=len(wanted.keys))
        wanted.keys[label] = row
        if not env:
            wanted.stored_keys.add(label)

    def _header(self, path: str, said: Said, wanted: WantedProvider) -> None:
        value = said.get("value", "")
        if not isinstance(value, str):
            self.complain(f"{path}/value", f"expected text, not {shown(value)} (quote it if it is meant as text)")
            return
        if said.get("secret") and "value" in said:
            self.complain(path, "the value of a secret header is entered in the admin, never in a document")
        row = self._row(ProviderHeader, path, said, ("value",), value=value)
        if row.name in wanted.headers:
            self.complain(path, f"a second header {shown(row.name)}")
        wanted.headers[row.name] = row

    def _offered(self, path: str, name: str, said: Said) -> tuple[ProviderModel, list[Price]]:
        row = self._row(ProviderModel, path, said, ("prices",), name=name)
        prices = [self._row(Price, where, price) for where, price in self._list("prices", said, path, dict)]
        moments = [price.valid_from for price in prices]
        if len(set(moments)) < len(moments):
            self.complain(f"{path}/prices", "two prices are valid from the same moment")
        return row, prices

    def _endpoint(self, path: str, name: str, said: Said) -> tuple[str, Endpoint]:
        provider = said.get("provider")
        if not isinstance(provider, str):
            self.complain(f"{path}/provider", f"expected a provider's name, not {shown(provider)}")
            provider = ""
        return provider, self._row(Endpoint, path, said, ("provider",), name=name)

    def _model(self, path: str, name: str, said: Said) -> WantedList[PublicModel]:
        row = self._row(PublicModel, path, said, ("aliases", "entries"), name=name)
        aliases = [alias for _where, alias in self._list("aliases", said, path, str)]
        return WantedList(row, aliases, self._entries(path, said))

    def _category(self, path: str, name: str, said: Said) -> WantedList[Category]:
        row = self._row(Category, path, said, ("entries",), name=name)
        return WantedList(row, entries=self._entries(path, said))

    def _entries(self, path: str, said: Said) -> list[tuple[str, str, Entry]]:
        entries: list[tuple[str, str, Entry]] = []
        for where, entry in self._list("entries", said, path, dict):
            targets = [kind for kind in ("endpoint", "model") if kind in entry]
            if len(targets) != 1 or not isinstance(entry[targets[0]], str):
                self.complain(where, "expected exactly one of endpoint: name and model: name")
                continue
            row = self._row(Entry, where, entry, ("endpoint", "model"), position=len(entries))
            entries.append((targets[0], entry[targets[0]], row))
        return entries
