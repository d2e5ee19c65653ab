"""What the requests of all operations have in common, inbound: model, provider, and parameters of simple types. ◇"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest

GATEWAY_KEYS = frozenset({"provider", "system_message", "model", "stream"})
LONGEST_NAME = 300


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    )


Parameter = tuple[Callable[[Any], bool], str]  # (whether a value is valid, what is expected in words)
Parameters = dict[str, Parameter]

NUMBER: Parameter = (_number, "a number")
INTEGER: Parameter = (_integer, "a whole number")
NOT_NEGATIVE: Parameter = (lambda value: _integer(value) and value >= 0, "a whole number of at least 0")
POSITIVE: Parameter = (lambda value: _integer(value) and value >= 1, "a whole number of at least 1")
BOOLEAN: Parameter = (lambda value: isinstance(value, bool), "true or false")
TEXT: Parameter = (lambda value: isinstance(value, str), "a string")
OBJECT: Parameter = (lambda value: isinstance(value, dict), "an object")
NAMED: Parameter = (_named, "an array of objects with a name")
STOP: Parameter = (_texts, "a string or an array of strings")
TEXT_OR_OBJECT: Parameter = (lambda value: isinstance(value, (str, dict)), "a string or an object")


def read_parameters(body: Any, parameters: Parameters) -> tuple[dict[str, Any], str, str]:
    """Decoded JSON, or a form's fields → (parameters, model, provider or ""). A null parameter means "not given".

    Raises ``InvalidRequest`` naming the parameter that is not as ``parameters`` says.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    body = {key: value for key, value in body.items() if value is not None}
    model = body.get("model")
    if model is None or model == "":
        raise InvalidRequest("You must provide a model parameter: a non-empty string.", "model", "missing_parameter")
    if not isinstance(model, str):
        raise InvalidRequest("Invalid type for 'model': expected a string.", "model", "invalid_type")
    if len(model) > LONGEST_NAME:
        raise InvalidRequest(f"'model' must be at most {LONGEST_NAME} characters long.", "model", "string_too_long")
    for name, (valid, expected) in parameters.items():
        if name in body and not valid(body[name]):
            raise InvalidRequest(f"Invalid value for '{name}': expected {expected}.", name, "invalid_type")
    return body, model, _provider(body.get("provider"))


def read_stream_options(body: Mapping[str, Any]) -> tuple[bool, bool]:
    """(whether to stream, whether usage is wanted in the stream). Raises ``InvalidRequest``."""
    stream: bool = body.get("stream", False)
    options = body.get("stream_options")
    if options is not None and not stream:
        raise InvalidRequest("'stream_options' is only allowed when 'stream' is true.", "stream_options")
    return stream, bool(options and options.get("include_usage"))


def _provider(value: Any) -> str:
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        raise InvalidRequest(f"'provider' must be at most {LONGEST_NAME} characters long.", "provider")
    if value is None or isinstance(value, str):
        return value or ""
    raise InvalidRequest("Invalid type for 'provider': expected a string.", "provider", "invalid_type")
