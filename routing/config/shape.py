"""The shape of the configuration document, derived from the tables themselves.

Every concrete column of a configuration table is part of the document, except ids, foreign keys (said by natural
names), what order says (positions within lists) and secrets. A column that a later version adds is in it by itself.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from providers.models import Price, Provider, ProviderHeader, ProviderKey, ProviderModel
from providers.secrets import EncryptedTextField
from routing.config.document import shown
from routing.models import Alias, Category, Endpoint, Entry, PublicModel

# Said otherwise than under the column's own name: by the mapping's key, the list's order, or ``env``.
_SAID_OTHERWISE: dict[type[models.Model], frozenset[str]] = {
    Provider: frozenset({"name"}),
    ProviderKey: frozenset({"position", "env_var"}),
    ProviderHeader: frozenset(),
    ProviderModel: frozenset({"name"}),
    Price: frozenset(),
    Endpoint: frozenset({"name"}),
    PublicModel: frozenset({"name"}),
    Alias: frozenset({"name"}),
    Category: frozenset({"name"}),
    Entry: frozenset({"position"}),
}


def columns(table: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
    """The columns of ``table`` that a document says under their own names, in their order."""
    said = _SAID_OTHERWISE[table]
    return tuple(
        column
        for column in table._meta.concrete_fields
        if not column.primary_key
        and not column.is_relation
        and not isinstance(column, EncryptedTextField)
        and column.name not in said
    )


def plain(table: type[models.Model], row: dict[str, Any]) -> dict[str, Any]:
    """A row of ``values()`` → what a document says of it: JSON types, defaults left out."""
    said: dict[str, Any] = {}
    for column in columns(table):
        value = row[column.name]
        if value != column.get_default():
            said[column.name] = _jsonable(value)
    return said


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def parsed(column: models.Field[Any, Any], value: Any) -> Any:
    """A document's value → the column's. Raises ValueError with what was expected."""
    if value is None and column.null:
        return None
    for kind, reader in _READERS:
        if isinstance(column, kind):
            return reader(column, value)
    raise TypeError(f"no reader for {column!r}")


def _boolean(column: Any, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, not {shown(value)}")
    return value


def _integer(column: Any, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"expected a whole number, not {shown(value)}")
    return value


def _number(column: Any, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a number, not {shown(value)}")
    return float(value)


def _decimal(column: Any, value: Any) -> Decimal:
    """Numbers are read as they are written, so that 0.15 is not 0.1499999."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f'expected a decimal number such as "0.15", not {shown(value)}')
    try:
        number = Decimal(str(value))
    except ArithmeticError as error:
        raise ValueError(f'expected a decimal number such as "0.15", not {shown(value)}') from error
    if not number.is_finite():
        raise ValueError(f'expected a decimal number such as "0.15", not {shown(value)}')
    return number


def _moment(column: Any, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected a time such as 2026-01-31T00:00:00Z, not {shown(value)}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(column: Any, value: Any) -> Any:
    expected = type(column.get_default())
    if not isinstance(value, expected):
        raise ValueError(f"expected a {'mapping' if expected is dict else 'list'}, not {shown(value)}")
    return value


def _text(column: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, not {shown(value)} (quote it if it is meant as text)")
    if column.choices and value not in dict(column.flatchoices):
        raise ValueError(f"expected one of {', '.join(dict(column.flatchoices))}, not {shown(value)}")
    return value


_READERS: tuple[tuple[type[models.Field[Any, Any]], Any], ...] = (
    (models.BooleanField, _boolean),
    (models.IntegerField, _integer),
    (models.FloatField, _number),
    (models.DecimalField, _decimal),
    (models.DateTimeField, _moment),
    (models.JSONField, _json),
    (models.CharField, _text),
    (models.TextField, _text),
)
