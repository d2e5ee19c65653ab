"""The rows that decide where a request goes (configuration), their history, and the shared state beside them."""

from .access import ApiKey
from .endpoints import Endpoint
from .history import AppliedSource, ConfigClock, ConfigRevision, RevisionObject, SiteStep
from .limits import LimitHit, LimitWindow
from .routes import Alias, Category, Entry, PublicModel
from .state import CircuitEvent, CircuitState, EndpointStats, KeyState

__all__ = [
    "Alias",
    "ApiKey",
    "AppliedSource",
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
    "RevisionObject",
    "SiteStep",
]
