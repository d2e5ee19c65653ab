"""The words that schemas are written in: plain data, in the dialect of JSON Schema that OpenAPI 3.1 has. ◇

A null request parameter means "not given", so every parameter of a request may be null: ``request`` sees to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects.parameters import (
    BOOLEAN,
    INTEGER,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    STOP,
    TEXT,
    Parameter,
    Parameters,
)

Schema = dict[str, Any]

# What the dialects check, in JSON Schema's words. Parameters of other types are described in full.
CHECKED: Mapping[Parameter, Schema] = {
    NUMBER: {"type": "number"},
    INTEGER: {"type": "integer"},
    NOT_NEGATIVE: {"type": "integer", "minimum": 0},
    POSITIVE: {"type": "integer", "minimum": 1},
    BOOLEAN: {"type": "boolean"},
    TEXT: {"type": "string"},
    STOP: {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
}
# One of the two says which model a request is for.
MODEL_GIVEN: list[Schema] = [
    {"required": ["model"], "properties": {"model": {"type": "string", "minLength": 1}}},
    {"required": ["models"], "properties": {"models": {"type": "array", "items": {"type": "string"}, "minItems": 1}}},
]


def text(about: str = "", **more: Any) -> Schema:
    return _said("string", about, more)


def number(about: str = "", **more: Any) -> Schema:
    return _said("number", about, more)


def whole(about: str = "", **more: Any) -> Schema:
    return _said("integer", about, more)


def count(about: str = "") -> Schema:
    """A whole number of at least 0."""
    return whole(about, minimum=0)


def switch(about: str = "", **more: Any) -> Schema:
    return _said("boolean", about, more)


def one_of(about: str, *values: str) -> Schema:
    return _said("string", about, {"enum": list(values)})


def array(items: Schema, about: str = "", **more: Any) -> Schema:
    return _said("array", about, {"items": items, **more})


def record(about: str, properties: Mapping[str, Schema], needs: str = "") -> Schema:
    """An object. ``needs``: the names of what must be there, with blanks between them. More may stand in it."""
    required = {"required": needs.split()} if needs else {}
    return _said("object", about, {"properties": dict(properties), **required})


def table(about: str, values: Schema) -> Schema:
    """An object whose keys are not known before."""
    return _said("object", about, {"additionalProperties": values})


def ref(name: str, about: str = "") -> Schema:
    said = {"$ref": f"#/components/schemas/{name}"}
    return {**said, "description": about} if about else said


def either(about: str, *schemas: Schema) -> Schema:
    return {"description": about, "anyOf": list(schemas)} if about else {"anyOf": list(schemas)}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "type" not in schema or "const" in schema:
        about = schema.get("description", "")
        return either(about, {key: value for key, value in schema.items() if key != "description"}, {"type": "null"})
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def nullable(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    return {name: maybe(schema) for name, schema in properties.items()}


def checked(parameters: Parameters, described: Mapping[str, str | Schema]) -> dict[str, Schema]:
    """A dialect's ``parameters``, each with its description; with a schema where the dialect leaves it open.

    Raises ``KeyError`` for a parameter that nobody has described.
    """
    said: dict[str, Schema] = {}
    for name, parameter in parameters.items():
        about = described[name]
        said[name] = {**CHECKED[parameter], "description": about} if isinstance(about, str) else about
    return said


def request(about: str, properties: Mapping[str, Schema], needs: str = "") -> Schema:
    """The body of a request: what is needed, and what may be null or left out. Unknown parameters pass."""
    needed = needs.split()
    said = {name: schema if name in needed else maybe(schema) for name, schema in properties.items()}
    more = {"additionalProperties": ref("JsonValue", "What else vendors understand."), "anyOf": MODEL_GIVEN}
    return {**record(about, said, needs), **more}


def _said(type_: str, about: str, more: Mapping[str, Any]) -> Schema:
    return {"type": type_, **({"description": about} if about else {}), **more}


COMPONENTS: Mapping[str, Schema] = {
    "JsonValue": {
        "description": "Any JSON value.",
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            array(ref("JsonValue")),
            table("", ref("JsonValue")),
        ],
    },
    "JsonSchema": {
        **record(
            "A JSON Schema. Its usual keywords are named; all others may be used where the vendor knows them.",
            {
                "type": either("The type, or several.", text(), array(text())),
                "description": text("What the value means."),
                "properties": table("The members of an object.", ref("JsonValue")),
                "required": array(text(), "The members that must be there."),
                "additionalProperties": either("Whether others may be.", switch(), ref("JsonValue")),
                "items": ref("JsonValue", "The schema of an array's items."),
                "enum": array(ref("JsonValue"), "The only values."),
                "$defs": table("Schemas that others refer to.", ref("JsonValue")),
            },
        ),
        "additionalProperties": ref("JsonValue"),
    },
}
