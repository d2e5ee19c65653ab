"""Public models from another system's file into the draft."""

from __future__ import annotations

from typing import Any

from routing.config.amend import Draft
from routing.config.document import shown


def publish(draft: Draft, name: str, row: dict[str, Any], path: str) -> None:
    """Put the public model in place of one of this name. A complaint at ``path`` where the name is a category's: with
    the whole document, the category would be the one to blame."""
    if name in draft.section("categories"):
        draft.complain(path, f"{shown(name)} is already the name of a category")
    draft.section("models")[name] = row
    draft.came_from(f"models/{name}", path)
