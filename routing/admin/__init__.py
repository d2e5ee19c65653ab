"""The pages of routing: endpoints and the names that lead to them, who may call, what changed, how things stand."""

from . import access, categories, circuits, endpoints, history, lists

__all__ = ["access", "categories", "circuits", "endpoints", "history", "lists"]
