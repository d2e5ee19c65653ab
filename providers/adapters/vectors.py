"""Embeddings in the inner form, OpenAI's list, for wire formats that give bare vectors. ◇"""

from __future__ import annotations

from typing import Any

from providers.errors import MalformedReply


def embedding_list(vectors: Any, model: str, tokens: int | None) -> dict[str, Any]:
    """Vectors in the order of the texts → OpenAI's list. ``tokens``: how many were read, None where nobody said."""
    if not isinstance(vectors, list) or not vectors or not all(isinstance(vector, list | str) for vector in vectors):
        raise MalformedReply("The upstream's reply holds no embeddings.")
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    out: dict[str, Any] = {"object": "list", "data": data, "model": model}
    return out if tokens is None else {**out, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
