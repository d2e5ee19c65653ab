"""Functions and ``tool_choice`` of a caller, read for formats whose own words differ from OpenAI's. ◇"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EMPTY_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def read_choice(choice: Any) -> tuple[Any, tuple[str, ...] | None]:
    """(the mode as the caller wrote it, None where nothing is said and "" for what is no choice; the names of the only
    functions that are meant, None for all). A function of a name alone is "required"."""
    if not isinstance(choice, dict):
        return choice, None
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, dict) and isinstance(allowed.get("tools"), list):
        names = (_named(tool) for tool in allowed["tools"] if isinstance(tool, dict))
        return allowed.get("mode"), tuple(name for name in names if name)
    name = _named(choice)
    return (choice.get("type", ""), None) if name is None else ("required", (name,))


def declare(function: Mapping[str, Any]) -> dict[str, Any]:
    """A function with its name, its description and its parameters alone; the parameters are always there."""
    out: dict[str, Any] = {"name": function["name"]}
    if isinstance(function.get("description"), str):
        out["description"] = function["description"]
    parameters = function.get("parameters")
    out["parameters"] = parameters if isinstance(parameters, dict) and parameters else dict(EMPTY_PARAMETERS)
    return out


def _named(choice: Mapping[str, Any]) -> str | None:
    """The function that ``{"type": "function", "function": {"name"}}`` or ``{"type": "tool", "name"}`` names."""
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else choice.get("name")
    return name if isinstance(name, str) and name else None
