"""The narrow waist: one inner form, the OpenAI chat shape, that every dialect is parsed to and every adapter speaks from.

Requests, completions and chunks are plain dicts in the shapes of OpenAI's chat API, with the extensions that the
field shares: ``reasoning_content`` (mirrored in ``reasoning``) and ``reasoning_details`` on messages and deltas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One thing asked of an upstream. ``body``: the caller's request in the inner form, gateway-only keys removed.

    ``operation``: "chat" (later "embeddings", "rerank", ...). ``strict``: a parameter the vendor has no word for is an
    error instead of being dropped and named. The model in ``body`` is ignored: an adapter sends the target's own.
    """

    operation: str
    body: Mapping[str, Any]
    stream: bool = False
    strict: bool = False
