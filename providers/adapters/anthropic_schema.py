"""JSON schemas as Anthropic's structured outputs take them. ◇

Source: Anthropic, "Structured outputs", JSON schema limitations. What a keyword demands that is not taken is said in
the description instead, so that the model still knows of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

REFUSED = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems"}
    | {"uniqueItems", "contains", "minContains", "maxContains", "prefixItems", "minProperties", "maxProperties"}
    | {"patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "if", "then"}
    | {"else", "not", "unevaluatedProperties", "unevaluatedItems", "additionalItems"}
)
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
)
OF_MANY = frozenset({"anyOf", "allOf"})
BY_NAME = frozenset({"properties", "$defs", "definitions"})


def narrowed(schema: Any) -> Any:
    """A schema → one that is taken: ``oneOf`` becomes ``anyOf``, objects are closed, refused keywords go to the
    description. Nothing given is changed."""
    if not isinstance(schema, Mapping):
        return schema
    out: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for key, value in schema.items():
        name = "anyOf" if key == "oneOf" else key
        if _refused(name, value):
            said[name] = value
        elif name in OF_MANY and isinstance(value, list):
            out[name] = [*out.get(name, ()), *(narrowed(item) for item in value)]
        elif name in BY_NAME and isinstance(value, Mapping):
            out[name] = {inner: narrowed(item) for inner, item in value.items()}
        elif name == "items":
            out[name] = narrowed(value)
        else:
            out[name] = value
    if out.get("type") == "object" or "properties" in out:
        out["additionalProperties"] = False
    if said:
        words = json.dumps(said, separators=(",", ":"), default=str)
        given = out.get("description")
        out["description"] = f"{given}\n{words}" if isinstance(given, str) and given else words
    return out


def _refused(name: str, value: Any) -> bool:
    if name == "minItems":
        return value not in (0, 1)
    if name == "format":
        return not isinstance(value, str) or value not in FORMATS
    return name in REFUSED
