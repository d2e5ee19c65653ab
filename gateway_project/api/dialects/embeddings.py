"""OpenAI's embeddings, inbound. Callers get numbers or base64 as they asked, whichever the vendor gave. ◇

Source: OpenAI API reference, embeddings. base64 is that of the numbers in single precision, little-endian.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest, Parsed, missing, wrong_type
from gateway_project.api.dialects.openai import dumps, render_error
from gateway_project.api.dialects.parameters import (
    GATEWAY_KEYS,
    POSITIVE,
    TEXT,
    Parameters,
    one_of,
    only_false,
    read_parameters,
)
from providers.chat import Call

__all__ = ["parse_request", "render_error", "render_response"]

FLOAT32 = 4  # bytes
EXPECTED = "a string, or an array of strings, of token ids or of arrays of token ids"

PARAMETERS: Parameters = {
    "dimensions": POSITIVE,
    "encoding_format": one_of("float", "base64"),
    "input_type": TEXT,
    "stream": only_false("embeddings are not streamed"),
    "user": TEXT,
}


def parse_request(body: Any) -> Parsed:
    """Decoded JSON → ``Parsed``. Raises ``InvalidRequest`` naming the parameter. Unknown parameters pass."""
    body, model, provider = read_parameters(body, PARAMETERS)
    if "input" not in body:
        raise missing("input")
    _check_input(body["input"])
    inner = {key: value for key, value in body.items() if key not in GATEWAY_KEYS}
    return Parsed(model, provider, Call("embeddings", inner))


def _check_input(value: Any) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type("input", EXPECTED)
    if not value:
        raise InvalidRequest("'input' must hold at least one text.", "input", "empty_array")
    sort = type(value[0])
    for index, item in enumerate(value):
        right = sort in (str, int) or (sort is list and item and all(type(token) is int for token in item))
        if type(item) is not sort or not right:
            raise wrong_type(f"input[{index}]", f"'input' to be {EXPECTED}")


def render_response(reply: Mapping[str, Any], encoding_format: str = "float") -> bytes:
    """A whole reply, inner form → JSON, with every embedding in ``encoding_format``. Numbers stay as they came."""
    encode = _in_base64 if encoding_format == "base64" else _as_numbers
    return dumps({**reply, "data": [{**row, "embedding": encode(row["embedding"])} for row in reply["data"]]})


def _in_base64(vector: Any) -> str:
    if isinstance(vector, str):
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _as_numbers(vector: Any) -> list[float]:
    if isinstance(vector, list):
        return vector
    raw = base64.b64decode(vector)
    return list(struct.unpack(f"<{len(raw) // FLOAT32}f", raw))
