"""What schemathesis is told of this API, loaded by its command line: names of models that exist; how streams end."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from gateway_project.api.schema.routing import HEADERS as STEERING
from tests.contract.vendor import ILL, MODELS

BY_PATH = {
    "chat/completions": ("talker", *ILL, "nobody/keyless", "talker-too"),
    "completions": ("talker", "talker-too"),
    "embeddings": ("embedder",),
    "rerank": ("ranker",),
    "transcriptions": ("ears",),
    "explain": (*MODELS, *ILL),
}

STREAMED = ("chat/completions", "completions")


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Three requests of four are for a model that exists: names that are made up all answer 404."""
    end = next((end for end in BY_PATH if context.operation and context.operation.path.endswith(end)), None)
    if end is None or not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return body
    there = BY_PATH[end]
    choice = sum(map(ord, repr(body)))
    if choice % 4 == 0:
        return body
    kept = {key: value for key, value in body.items() if key not in ("models", "provider")}
    return {**kept, "model": there[choice % len(there)], **({"stream": True} if end in STREAMED and choice % 3 else {})}


@schemathesis.hook
def map_headers(context: HookContext, headers: Any) -> Any:
    """One request of four steers its routing: wishes that are made up leave nobody to answer."""
    if not headers or sum(map(ord, repr(headers))) % 4 == 0:
        return headers
    return {name: value for name, value in headers.items() if name not in STEERING}


@schemathesis.check
def no_fault_of_its_own(context: CheckContext, response: Response, case: Case) -> None:
    """A 500 is always a fault; what upstreams do is told by 502 and 503."""
    assert response.status_code != 500, response.text


@schemathesis.check
def streams_say_how_they_ended(context: CheckContext, response: Response, case: Case) -> None:
    """Events themselves are compared with the description as other answers are."""
    if response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        last = response.text.rstrip("\n").rpartition("data: ")[2]
        assert last == "[DONE]" or "error" in json.loads(last), last
