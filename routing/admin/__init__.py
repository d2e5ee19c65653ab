"""The pages of routing: endpoints and the names that lead to them, who may call, what changed, how things stand."""

from . import access, history, routes, state

__all__ = ["access", "history", "routes", "state"]
