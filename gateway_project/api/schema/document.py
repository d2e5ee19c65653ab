"""``/openapi.json``: drf-spectacular walks the URLs, ``operations`` says what each is, and the parts are put beside."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from gateway_project.api.dialects.openai import dumps
from gateway_project.api.schema import (
    category_router,
    chat,
    errors,
    messages,
    monitoring,
    operations,
    routing,
    service,
    texts,
    tools,
    vectors,
    words,
)
from gateway_project.api.schema.operations import DESCRIBED, TAGS, Operation
from gateway_project.version import VERSION

PARTS = (
    words,
    messages,
    tools,
    chat,
    texts,
    vectors,
    routing,
    service,
    monitoring,
    category_router,
    errors,
    operations,
)
ALL = {**DESCRIBED, **monitoring.DESCRIBED, **category_router.DESCRIBED}
KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key of this gateway."},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same in another header."},
}
ABOUT = """One API for every language model that this gateway knows: OpenAI's, with what several vendors add to it.

* Send an API key as `Authorization: Bearer …` or `x-api-key`.
* `model` is a public model, an alias, a category, `router`, or `provider/model`.
* Parameters that no one here has heard of are passed on. What a vendor has no word for is left out and named in
  `x-gateway-dropped-params`; with `x-gateway-strict: true` it is an error instead.
* A null parameter means "not given".
* Every error is one object, `{"error": {message, type, param, code}}`. Addresses that do not exist answer 404
  (`unknown_url`), methods that an address has not 405 (`method_not_supported`).
"""


class Described(AutoSchema):
    """What ``operations`` says of a view, in place of what could be guessed from its code."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        return rendered(ALL[type(self.view), method], path)


def rendered(operation: Operation, path: str) -> dict[str, Any]:
    """An ``Operation`` as OpenAPI says it, at one of its addresses."""
    name, about, tag = operation.name, operation.about, operation.tag
    if path != operation.path:
        tag = "Other addresses"
        name = f"{name}At{''.join(word.title() for word in path.split('/') if word.isalnum())}"
        about = f"{about} The same as `{operation.path}`."
    key = "" if operation.public else ' \\\n  -H "Authorization: Bearer $GATEWAY_API_KEY"'
    more = f" \\\n  {operation.curl}" if operation.curl else ""
    address = path
    for one in operation.parameters:
        address = address.replace(f"{{{one['name']}}}", str(one.get("example")))
    said: dict[str, Any] = {
        "operationId": name,
        "summary": operation.summary,
        "description": f"{about}\n\n```sh\ncurl http://localhost:8000{address}{key}{more}\n```",
        "tags": [tag],
        "parameters": list(operation.parameters),
        "security": [] if operation.public else [{scheme: []} for scheme in KEYS],
        "responses": {**operation.answers, **errors.answers(operation.errors)},
    }
    if operation.body is not None:
        said["requestBody"] = {"required": True, "content": operation.body}
    return said


def document() -> dict[str, Any]:
    """The whole description."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    schemas = {name: schema for part in PARTS for name, schema in part.COMPONENTS.items()}
    made["info"] = {"title": "Switchyard", "version": VERSION, "description": ABOUT}
    made["servers"] = [{"url": "/", "description": "This gateway."}]
    made["tags"] = [
        {"name": name, "description": about} for name, about in {**TAGS, monitoring.TAG: monitoring.ABOUT}.items()
    ]
    made["components"] = {
        "schemas": schemas,
        "responses": errors.responses(),
        "headers": errors.HEADERS,
        "securitySchemes": KEYS,
    }
    return made


@cache
def as_json() -> bytes:
    """The same, once for each worker: nothing in it changes while it runs."""
    return dumps(document())
