"""What every inbound format has in common. ◇ no framework.

A dialect module has ``parse_request``, ``render_response``, ``render_chunk``, ``render_end``, ``render_stream_error``
and ``render_error``.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.chat import Call
from routing.types import UNSTEERED, Steering


class InvalidRequest(Exception):
    """The caller's request is wrong. ``param`` is the JSON path of the culprit, e.g. ``messages[0].role``."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


def missing(path: str) -> InvalidRequest:
    """What has to be there is not."""
    return InvalidRequest(f"Missing required parameter: '{path}'.", path, "missing_parameter")


def wrong_type(path: str, expected: str) -> InvalidRequest:
    """Something else than a value of the type ``expected``, in words."""
    return InvalidRequest(f"Invalid type for '{path}': expected {expected}.", path, "invalid_type")


def wrong_value(path: str, expected: str) -> InvalidRequest:
    """The right type, but none of the values ``expected``, in words."""
    return InvalidRequest(f"Invalid value for '{path}': expected {expected}.", path, "invalid_value")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request in the inner form. ``provider``: the caller's choice or ""; ``include_usage``: wanted in a stream;
    ``models``: the caller's own fallbacks, in order."""

    model: str
    provider: str
    call: Call
    include_usage: bool = False
    models: tuple[str, ...] = ()
    steering: Steering = UNSTEERED


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as every dialect can say it: HTTP status and the OpenAI error's four fields."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
