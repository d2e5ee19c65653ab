"""Embeddings in OpenAI's format, with the differences of the vendors that speak it. ◇

Source: OpenAI API reference, embeddings; the vendors' own; recorded traffic. Whatever the caller wants in the end
(``gateway_project/api/dialects/embeddings.py`` sees to that), only vendors known to encode single-precision numbers in
base64 are asked for it: others refuse the parameter, and old servers encoded double precision.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.adapters.base import load
from providers.adapters.openai_reply import raise_error
from providers.chat import Call, integer, whole
from providers.errors import MalformedReply, Unsupported
from providers.wire import Target


@dataclass(frozen=True, slots=True)
class Row:
    """One vendor. ``rename``: caller's parameter → the vendor's. ``allow``: the only parameters taken (None: all).

    ``base64``: can be asked for it. ``tokens``: takes token ids. ``forced``: sent whatever the caller says.
    ``bytes_``: vectors come as bytes in base64, a signed byte a number.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    allow: frozenset[str] | None = None
    base64: bool = False
    tokens: bool = True
    forced: Mapping[str, str] = field(default_factory=dict)
    bytes_: bool = False


DEFAULT = Row()
ROWS: Mapping[str, Row] = {
    "openai": Row(base64=True),
    "openrouter": Row(base64=True),
    # Unknown fields are a 422.
    "mistral": Row(
        rename={"dimensions": "output_dimension"},
        allow=frozenset({"encoding_format", "output_dimension", "output_dtype", "metadata"}),
        tokens=False,
    ),
    "perplexity": Row(
        allow=frozenset({"dimensions", "encoding_format"}),
        tokens=False,
        forced={"encoding_format": "base64_int8"},
        bytes_=True,
    ),
    "qwen": Row(tokens=False),
}


def render_embeddings(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out. Raises ``Unsupported`` for token ids where only text
    is taken."""
    row = ROWS.get(target.kind, DEFAULT)
    given = {key: value for key, value in call.body.items() if value is not None and key not in ("model", "input")}
    texts = call.body.get("input")
    if not row.tokens:
        refuse_tokens(texts, target.kind)
    if given.get("encoding_format") == "base64" and not row.base64:
        del given["encoding_format"]
    dropped: list[str] = []
    body: dict[str, Any] = {"model": target.upstream_model, "input": texts}
    for name, value in given.items():
        new = row.rename.get(name, name)
        if row.allow is not None and new not in row.allow:
            dropped.append(name)
        elif new == name or new not in given:
            body[new] = value
    extra = {key: value for key, value in target.extra_body.items() if key not in call.body}
    return {**body, **row.forced, **extra}, tuple(dropped)


def refuse_tokens(texts: Any, kind: str) -> None:
    """Raise ``Unsupported`` for token ids: they mean nothing to a vendor with another tokenizer."""
    if isinstance(texts, list) and texts and not isinstance(texts[0], str):
        message = f"'input' must be text for a provider of kind '{kind}': it takes no token ids."
        code, kind_of_error = "unsupported_parameter", "invalid_request_error"
        raise Unsupported(message, status=400, type=kind_of_error, code=code, param="input")


def parse_embeddings(payload: bytes, target: Target) -> dict[str, Any]:
    """A whole reply → OpenAI's list. Raises ``MalformedReply``, or what an error in a 200 means."""
    raw = load(payload)
    if not isinstance(raw, dict):
        raise MalformedReply("The upstream's reply is not a JSON object.")
    raise_error(raw)
    data = raw.get("data")
    if not isinstance(data, list) or not data:
        raise MalformedReply("The upstream's reply holds no embeddings.")
    in_bytes = ROWS.get(target.kind, DEFAULT).bytes_
    out = {key: value for key, value in raw.items() if value is not None and key != "usage"}
    out |= {"object": "list", "data": [_item(item, place, in_bytes) for place, item in enumerate(data)]}
    if not isinstance(out.get("model"), str) or not out["model"]:
        out["model"] = target.upstream_model
    figures = input_usage(raw.get("usage"))
    return out if figures is None else {**out, "usage": figures}


def _item(item: Any, place: int, in_bytes: bool) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise MalformedReply("The upstream's reply holds an embedding that is not an object.")
    index, vector = integer(item.get("index")), item.get("embedding")
    if in_bytes and isinstance(vector, str):
        vector = _signed(vector)
    return {"object": "embedding", "index": place if index is None else index, "embedding": vector}


def _signed(text: str) -> list[float]:
    try:
        return [float(number) for number in array("b", base64.b64decode(text, validate=True))]
    except binascii.Error as error:
        raise MalformedReply("The upstream's reply holds an embedding that is not base64.") from error


def input_usage(given: Any) -> dict[str, Any] | None:
    """Usage of what generates nothing → one whose counts are ints; None if it says nothing. Other keys pass."""
    if not isinstance(given, Mapping):
        return None
    prompt, total = whole(given.get("prompt_tokens")), whole(given.get("total_tokens"))
    tokens = total if prompt is None else prompt
    if tokens is None:
        return None
    rest = {key: value for key, value in given.items() if value is not None}
    return {**rest, "prompt_tokens": tokens, "total_tokens": max(tokens, total or 0)}
