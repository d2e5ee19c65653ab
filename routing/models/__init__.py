"""The rows that decide where a request goes (configuration), their history, and the shared state beside them."""

from .access import ApiKey
from .history import ConfigClock, ConfigRevision
from .limits import LimitHit, LimitWindow
from .routes import Alias, Category, Endpoint, Entry, PublicModel
from .state import CircuitEvent, CircuitState, EndpointStats, KeyState

__all__ = [
    "Alias",
    "ApiKey",
    "Category",
    "CircuitEvent",
    "CircuitState",
    "ConfigClock",
    "ConfigRevision",
    "Endpoint",
    "EndpointStats",
    "Entry",
    "KeyState",
    "LimitHit",
    "LimitWindow",
    "PublicModel",
]
