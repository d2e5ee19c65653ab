"""How one request steers its routing: ``x-gateway-…`` headers; OpenRouter's ``provider`` object and ``models`` list.

A header wins over the body. What a request asks for never reaches past what its key may use: it only chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest, Parsed, wrong_type, wrong_value
from gateway_project.api.dialects.parameters import LONGEST_NAME
from routing.strategies import STRATEGIES
from routing.types import UNSTEERED, Steering

MOST_NAMES = 50
MOST_MODELS = 10
OBJECT_KEYS = ("allow_fallbacks", "ignore", "max_price", "only", "order", "sort")
SORTS = {"price": "cheapest", "latency": "fastest", **{name: name for name in STRATEGIES}}
_LISTS = {"only": "HTTP_X_GATEWAY_ONLY", "ignore": "HTTP_X_GATEWAY_IGNORE", "order": "HTTP_X_GATEWAY_ORDER"}
_PRICES = {"prompt": "HTTP_X_GATEWAY_MAX_PROMPT_PRICE", "completion": "HTTP_X_GATEWAY_MAX_COMPLETION_PRICE"}


def steered(parsed: Parsed, headers: Mapping[str, Any], body: Mapping[str, Any]) -> Parsed:
    """A request with its wishes; ``headers`` as in WSGI. Raises ``InvalidRequest`` naming the header or the key."""
    return replace(parsed, models=_models(body), steering=_steering(headers, body))


def _steering(headers: Mapping[str, Any], body: Mapping[str, Any]) -> Steering:
    said = body.get("provider")
    said = said if isinstance(said, dict) else {}
    for key in said:
        if key not in OBJECT_KEYS:
            expected = ", ".join(OBJECT_KEYS)
            raise InvalidRequest(
                f"Unknown key 'provider.{key[:60]}': expected some of {expected}.", f"provider.{key[:60]}"
            )
    wishes: dict[str, Any] = {key: _names(said[key], f"provider.{key}") for key in _LISTS if said.get(key) is not None}
    if said.get("sort") is not None:
        wishes["sort"] = _sort(said["sort"], "provider.sort")
    if said.get("max_price") is not None:
        wishes.update(_prices(said["max_price"]))
    if said.get("allow_fallbacks") is not None:
        if not isinstance(said["allow_fallbacks"], bool):
            raise wrong_type("provider.allow_fallbacks", "true or false")
        wishes["fallbacks"] = said["allow_fallbacks"]
    wishes.update(_from_headers(headers))
    for key in ("only", "ignore"):
        if key in wishes:
            wishes[key] = frozenset(wishes[key])
    return Steering(**wishes) if wishes else UNSTEERED


def _models(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The caller's own fallback list, ``models``: names of models to turn to, in order."""
    models = body.get("models")
    if models is None:
        return ()
    if not isinstance(models, list):
        raise wrong_type("models", f"an array of at most {MOST_MODELS} names")
    if len(models) > MOST_MODELS:
        raise wrong_value("models", f"an array of at most {MOST_MODELS} names")
    for index, name in enumerate(models):
        if not isinstance(name, str):
            raise wrong_type(f"models[{index}]", "a string")
        if not name or len(name) > LONGEST_NAME:
            raise wrong_value(f"models[{index}]", f"a name of 1 to {LONGEST_NAME} characters")
    return tuple(models)


def _from_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, header in _LISTS.items():
        if header in headers:
            found[key] = _names(headers[header].split(","), _shown(header))
    if "HTTP_X_GATEWAY_SORT" in headers:
        found["sort"] = _sort(headers["HTTP_X_GATEWAY_SORT"].strip(), "x-gateway-sort")
    for key, header in _PRICES.items():
        if header in headers:
            found[f"max_{key}_price"] = _price(headers[header].strip(), _shown(header))
    if "HTTP_X_GATEWAY_FALLBACKS" in headers:
        word = headers["HTTP_X_GATEWAY_FALLBACKS"].strip().lower()
        if word not in ("true", "false"):
            raise wrong_value("x-gateway-fallbacks", "true or false")
        found["fallbacks"] = word == "true"
    return found


def _shown(header: str) -> str:
    return header.removeprefix("HTTP_").replace("_", "-").lower()


def _names(value: Any, where: str) -> tuple[str, ...]:
    expected = f"a list of at most {MOST_NAMES} names of providers, kinds or endpoints"
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise wrong_type(where, expected)
    if len(value) > MOST_NAMES or not all(name.strip() and len(name) <= LONGEST_NAME for name in value):
        raise wrong_value(where, expected)
    return tuple(name.strip().lower() for name in value)


def _sort(value: Any, where: str) -> str:
    if isinstance(value, str) and value in SORTS:
        return SORTS[value]
    raise wrong_value(where, f"one of {', '.join(SORTS)}")


def _prices(value: Any) -> dict[str, Decimal]:
    if not isinstance(value, dict) or not set(value) <= set(_PRICES):
        raise wrong_value("provider.max_price", "an object with 'prompt', 'completion' or both, per million tokens")
    return {f"max_{key}_price": _price(figure, f"provider.max_price.{key}") for key, figure in value.items()}


def _price(value: Any, where: str) -> Decimal:
    try:
        price = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise wrong_value(where, "a number of at least 0, the price of a million tokens")
    return price
