"""Text Embeddings Inference, outbound: embeddings and reranking. ◇

Source: TEI's OpenAPI description, version 1.9. Embeddings go to ``/v1/embeddings``, which counts tokens; to ``/embed``
where the caller says what only that has words for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from providers import faults
from providers.adapters.base import Adapter, StreamParser, dump, load, register
from providers.adapters.openai_embeddings import parse_embeddings
from providers.adapters.rankings import parse_ranking
from providers.adapters.vectors import embedding_list
from providers.chat import Call
from providers.errors import ContextTooLong, ModelMissing, ServerFailed, UpstreamError
from providers.wire import Rendered, Target

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
OWN_PATH = "/embed"

EMBED = frozenset({"normalize", "truncate", "truncation_direction", "prompt_name"})
COMPATIBLE = frozenset({"encoding_format", "dimensions", "user"})
RERANK = frozenset({"raw_scores", "truncate", "truncation_direction"})
# Cohere's and NVIDIA's words for where a long text is cut.
CUTS: Mapping[str, Mapping[str, Any]] = {
    "NONE": {"truncate": False},
    "START": {"truncate": True, "truncation_direction": "Left"},
    "END": {"truncate": True, "truncation_direction": "Right"},
}


@register
class TextEmbeddingsInference(Adapter):
    """See ``base.Adapter``. There is no chat, and nothing is streamed."""

    name: ClassVar[str] = "tei"
    paths: ClassVar[Mapping[str, str]] = {"embeddings": "/v1/embeddings", "rerank": "/rerank", "models": "/info"}
    spare: ClassVar[tuple[str, ...]] = ("/v1",)

    def render(self, call: Call, target: Target) -> Rendered:
        given = {key: value for key, value in call.body.items() if value is not None and key != "model"}
        dropped: list[str] = []
        path = self.paths[call.operation]
        if call.operation == "rerank":
            body = _rerank(given, dropped)
        elif EMBED.isdisjoint(given):
            body = {"model": target.upstream_model, "input": given.pop("input", None)}
            body.update(_taken(given, COMPATIBLE, dropped))
        else:
            path = OWN_PATH
            body = {"inputs": given.pop("input", None), **_cut(given.pop("truncate", None))}
            given.pop("encoding_format", None)  # how numbers are spelled is decided at the front door
            body.update(_taken(given, EMBED | {"dimensions"}, dropped))
        body.update({key: value for key, value in target.extra_body.items() if key not in call.body})
        return Rendered(path, dump(body), HEADERS, dropped=tuple(dropped))

    def parse(self, operation: str, payload: bytes, target: Target) -> dict[str, Any]:
        return PARSE[operation](payload, target)

    def open_stream(self, operation: str, target: Target) -> StreamParser:
        raise NotImplementedError(
            "Text Embeddings Inference streams nothing; no operation of its own is ever streamed."
        )

    def parse_error(self, status: int, headers: Mapping[str, str], payload: bytes, target: Target) -> UpstreamError:
        """413: a text or the batch is too long, 424: the model failed, or is of another sort than what was asked."""
        error = faults.classify(status, headers, payload)
        kind: type[UpstreamError]
        if status == 413 and "token" in error.message.lower():
            kind = ContextTooLong
        elif status == 424:
            kind = ModelMissing if " is not a" in error.message else ServerFailed
        else:
            return error
        meant = kind(error.message, status=400 if status == 413 else status, type=error.type, code=error.code)
        meant.lasting = False
        return meant


def _taken(given: Mapping[str, Any], names: frozenset[str], dropped: list[str]) -> dict[str, Any]:
    dropped += [name for name in given if name not in names]
    return {name: value for name, value in given.items() if name in names}


def _cut(truncate: Any) -> Mapping[str, Any]:
    if truncate is None:
        return {}
    known = CUTS.get(truncate.upper()) if isinstance(truncate, str) else None
    return {"truncate": truncate} if known is None else known


def _rerank(given: dict[str, Any], dropped: list[str]) -> dict[str, Any]:
    body = {"query": given.pop("query", None), "texts": given.pop("documents", None)}
    body.update(_cut(given.pop("truncate", None)))
    for name in ("top_n", "return_documents"):  # seen to for every vendor alike, in ``providers.answers``
        given.pop(name, None)
    return {**body, **_taken(given, RERANK, dropped)}


def _embeddings(payload: bytes, target: Target) -> dict[str, Any]:
    """OpenAI's list, or the bare vectors of ``/embed``."""
    if payload.lstrip().startswith(b"["):
        return embedding_list(load(payload), target.upstream_model, None)
    return parse_embeddings(payload, target)


PARSE: Mapping[str, Callable[[bytes, Target], dict[str, Any]]] = {
    "embeddings": _embeddings,
    "rerank": lambda payload, target: parse_ranking(payload, target.upstream_model),
}
