"""What can be asked of a model: a row an operation. ◇ no framework.

A model's type (the Albert registry's words) says which operations it serves; an adapter's ``paths`` say which of them
its wire format has words for.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.adapters import ADAPTERS
from providers.wire import Target


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name in calls and records, where callers find it, the types of model that serve it."""

    name: str
    path: str
    types: tuple[str, ...]


_GENERATION = ("text-generation", "image-text-to-text")

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("chat", "/v1/chat/completions", _GENERATION),
        Operation("completions", "/v1/completions", _GENERATION),
        Operation("embeddings", "/v1/embeddings", ("text-embeddings-inference",)),
        Operation("rerank", "/v1/rerank", ("text-classification",)),
        Operation("transcription", "/v1/audio/transcriptions", ("automatic-speech-recognition",)),
    )
}


def paths_for(model_type: str) -> tuple[str, ...]:
    """Where a model of this type is asked: the paths of its operations."""
    return tuple(operation.path for operation in OPERATIONS.values() if model_type in operation.types)


def speaks(target: Target, operation: str) -> bool:
    """Whether ``target``'s wire format has words for ``operation``; an empty path says that this vendor has none."""
    return bool(target.paths.get(operation, ADAPTERS[target.wire].paths.get(operation)))
