"""What the requests of all operations have in common, inbound: model, provider, and parameters of simple types. ◇"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest, missing, wrong_type, wrong_value

GATEWAY_KEYS = frozenset({"provider", "system_message", "model", "models", "stream"})
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


def _any(value: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Parameter:
    """``fits``: whether a value is of the right type; ``expected``: in words; ``valid``: whether, of that type, it is
    one that can be."""

    fits: Callable[[Any], bool]
    expected: str
    valid: Callable[[Any], bool] = _any


Parameters = dict[str, Parameter]

NUMBER = Parameter(_number, "a number")
INTEGER = Parameter(_integer, "a whole number")
NOT_NEGATIVE = Parameter(_integer, "a whole number of at least 0", lambda value: value >= 0)
POSITIVE = Parameter(_integer, "a whole number of at least 1", lambda value: value >= 1)
BOOLEAN = Parameter(lambda value: isinstance(value, bool), "true or false")
TEXT = Parameter(lambda value: isinstance(value, str), "a string")
OBJECT = Parameter(lambda value: isinstance(value, dict), "an object")
NAMED = Parameter(_named, "an array of objects with a name")
STOP = Parameter(_texts, "a string or an array of strings")
TEXT_OR_OBJECT = Parameter(lambda value: isinstance(value, (str, dict)), "a string or an object")


def one_of(*words: str) -> Parameter:
    """A string that is one of ``words``."""
    return Parameter(TEXT.fits, f"one of {', '.join(words)}", lambda value: value in words)


def only_false(why: str) -> Parameter:
    """A switch that cannot be on."""
    return Parameter(BOOLEAN.fits, f"false: {why}", lambda value: value is False)


def read_parameters(body: Any, parameters: Parameters) -> tuple[dict[str, Any], str, str]:
    """Decoded JSON, or a form's fields → (parameters, model, provider or ""). A null parameter means "not given".

    Raises ``InvalidRequest`` naming the parameter that is not as ``parameters`` says.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    body = {key: value for key, value in body.items() if value is not None}
    model = body.get("model") or _first(body.get("models"))
    if model is None or model == "":
        raise missing("model")
    if not isinstance(model, str):
        raise wrong_type("model", "a string")
    if len(model) > LONGEST_NAME:
        raise InvalidRequest(f"'model' must be at most {LONGEST_NAME} characters long.", "model", "string_too_long")
    for name, parameter in parameters.items():
        if name not in body:
            continue
        if not parameter.fits(body[name]):
            raise wrong_type(name, parameter.expected)
        if not parameter.valid(body[name]):
            raise wrong_value(name, parameter.expected)
    return body, model, _provider(body.get("provider"))


def read_stream_options(body: Mapping[str, Any]) -> tuple[bool, bool]:
    """(whether to stream, whether usage is wanted in the stream). Raises ``InvalidRequest``."""
    stream: bool = body.get("stream", False)
    options = body.get("stream_options")
    if options is not None and not stream:
        message = "'stream_options' is only allowed when 'stream' is true."
        raise InvalidRequest(message, "stream_options", "invalid_value")
    return stream, bool(options and options.get("include_usage"))


def _provider(value: Any) -> str:
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        message = f"'provider' must be at most {LONGEST_NAME} characters long."
        raise InvalidRequest(message, "provider", "string_too_long")
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, dict):  # wishes for the routing: ``api.steering`` reads them
        return ""
    raise wrong_type("provider", "a string or an object")


def _first(models: Any) -> Any:
    """The first of a caller's own list of models, where ``model`` itself is not given."""
    return models[0] if isinstance(models, list) and models else None
