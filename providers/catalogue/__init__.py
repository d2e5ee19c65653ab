"""What the product knows of vendors and their models: ``providers.json`` and ``models.json``, a line an entry.

The files follow the vendors and change with releases; migrations read frozen copies of their own. Limits are tokens,
prices USD per million tokens. A figure that is missing is unknown. ``follows`` names the model in the library
genai-prices (its provider's id, its model reference) where that library agreed when the line was written, so that
``update_catalogue`` may take newer figures from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class KnownPrice:
    """USD per million tokens; None is unknown. ``source`` says where the figures come from."""

    input: Decimal | None
    output: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None
    source: str
    currency: str = "USD"

    def figures(self) -> dict[str, Decimal | None]:
        """The figures alone, by field name of ``providers.models.Price``."""
        return {name: getattr(self, name) for name in FIGURES}


FIGURES = ("input", "output", "cached_input", "cache_write")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One line of ``models.json``. ``upstream_name`` "": the same as ``name``."""

    provider: str
    name: str
    upstream_name: str
    type: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    capabilities: tuple[str, ...]
    price: KnownPrice | None
    follows: tuple[str, str] | None

    def facts(self) -> dict[str, Any]:
        """The facts without the price, by field name of ``providers.models.ProviderModel``."""
        return {
            "upstream_name": self.upstream_name,
            "type": self.type,
            "max_input_tokens": self.max_input_tokens,
            "max_output_tokens": self.max_output_tokens,
            "capabilities": list(self.capabilities),
        }


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """One line of ``providers.json``."""

    name: str
    kind: str
    base_url: str
    position: int
    keyless: bool
    enabled: bool
    env_vars: tuple[str, ...]


def known_providers() -> list[KnownProvider]:
    """The vendors of ``providers.json``, in order of position."""
    return [KnownProvider(**{**row, "env_vars": tuple(row["env_vars"])}) for row in _read("providers.json")]


def known_models() -> list[KnownModel]:
    """The models of ``models.json``, by provider."""
    return [_model(row) for row in _read("models.json")]


def price_as_known(price: KnownPrice) -> dict[str, Any]:
    """The price as ``ProviderModel.known["price"]`` keeps it: figures as strings without trailing zeros."""
    figures = {name: None if figure is None else plain(figure) for name, figure in price.figures().items()}
    return {**figures, "currency": price.currency, "source": price.source}


def priced(figures: Mapping[str, Decimal | None], source: str) -> KnownPrice:
    """Figures by the names of ``FIGURES`` → KnownPrice in USD."""
    return KnownPrice(
        figures["input"], figures["output"], figures["cached_input"], figures["cache_write"], source=source
    )


def plain(figure: Decimal) -> str:
    """Decimal → "2.5", never "2.500000000" nor "1E+1"."""
    return format(figure.normalize(), "f")


def _model(row: dict[str, Any]) -> KnownModel:
    price = row.get("price")
    follows = row.get("follows")
    return KnownModel(
        provider=row["provider"],
        name=row["name"],
        upstream_name=row.get("upstream_name", ""),
        type=row.get("type", "text-generation"),
        max_input_tokens=row["max_input_tokens"],
        max_output_tokens=row["max_output_tokens"],
        capabilities=tuple(row["capabilities"]),
        price=price and priced({name: _decimal(price.get(name)) for name in FIGURES}, price["source"]),
        follows=follows and (follows[0], follows[1]),
    )


def _decimal(figure: str | None) -> Decimal | None:
    return None if figure is None else Decimal(figure)


def _read(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return rows


def usual_addresses() -> dict[str, str]:
    """Kinds → the base URL that the vendor's own service has, for those that have one."""
    rows = json.loads((HERE / "providers.json").read_text(encoding="utf-8"))
    return {row["kind"]: row["base_url"] for row in reversed(rows)}
