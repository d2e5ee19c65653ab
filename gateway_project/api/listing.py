"""``/v1/models``: the catalog's list in OpenAI's shape, with the Albert registry's fields."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from gateway_project.api.errors import ApiError
from routing.types import Catalog, Grant, ListedModel


def render_list(catalog: Catalog, grant: Grant | None) -> dict[str, Any]:
    """Everything the key may call."""
    return {"object": "list", "data": [_render(model) for model in catalog.listed if _allowed(model, grant)]}


def render_one(catalog: Catalog, grant: Grant | None, name: str) -> dict[str, Any]:
    """One model by name or alias. Raises 404."""
    wanted = catalog.aliases.get(name, name)
    for model in catalog.listed:
        if model.id == wanted and _allowed(model, grant):
            return _render(model)
    raise ApiError(404, f"Model not found: '{name[:200]}'", code="model_not_found", param="model")


def _allowed(model: ListedModel, grant: Grant | None) -> bool:
    if grant is None or not grant.allowed:
        return True
    return any(fnmatchcase(name, pattern) for pattern in grant.allowed for name in (model.id, *model.aliases))


def _render(model: ListedModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
        "type": model.type,
        "aliases": list(model.aliases),
        "max_context_length": model.max_context_length,
    }
