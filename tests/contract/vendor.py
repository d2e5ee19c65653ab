"""An upstream that answers every operation rightly; under some names of models it is busy, broken or cross instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.switchboard import completion, whole_stream
from tests.upstream import Behaviour, Request, Upstream, event, reply, stream

MODELS = {
    "talker": "text-generation",
    "embedder": "text-embeddings-inference",
    "ranker": "text-classification",
    "ears": "automatic-speech-recognition",
}
# What the description's examples ask for.
EXAMPLES = {
    "openai": {
        "gpt-4o": "text-generation",
        "gpt-4o-mini": "text-generation",
        "gpt-3.5-turbo-instruct": "text-generation",
        "text-embedding-3-small": "text-embeddings-inference",
        "whisper-1": "automatic-speech-recognition",
    },
    "cohere": {"rerank-v3.5": "text-classification"},
}
ILL = {
    "busy": (429, "Slow down."),
    "broken": (500, "Oh no."),
    "unknown": (404, "The model does not exist."),
    "cross": (422, "This is not to our taste."),
    "stern": (451, "Unavailable for legal reasons."),
}


def configuration(upstream: Upstream) -> dict[str, Any]:
    """Public models for each operation and each ill."""
    types = MODELS | dict.fromkeys(ILL, "text-generation")
    here = {"kind": "openai-compatible", "base_url": f"{upstream.url}/v1"}
    providers = {
        name: {**here, "keyless": True, "models": {model: {"type": type_} for model, type_ in offered.items()}}
        for name, offered in (EXAMPLES | {"vendor": types}).items()
    }
    endpoints = {name: {"provider": "vendor", "upstream_model": name, "first_content_timeout": 5} for name in types}
    models = {
        name: {"type": type_, "entries": [{"endpoint": name}], "aliases": [f"{name}-too"]}
        for name, type_ in types.items()
    }
    return {
        "version": 1,
        "providers": {**providers, "nobody": {**here, "models": {"keyless": {}}}},
        "endpoints": endpoints,
        "models": models,
    }


class Vendor(Upstream):
    """``with Vendor() as vendor: …``"""

    def __init__(self) -> None:
        super().__init__(reply({"error": {"message": "No such path."}}, status=404))

    def _next(self, request: Request) -> Behaviour:
        path = request.target.removeprefix("/v1")
        if path.endswith("/audio/transcriptions"):
            return _transcription(request.body)
        body = request.json
        if body["model"] in ILL:
            status, message = ILL[body["model"]]
            return reply({"error": {"message": message}}, status=status)
        return ANSWERS[path](body) if path in ANSWERS else super()._next(request)


def _chat(body: dict[str, Any]) -> Behaviour:
    if body.get("stream"):
        return whole_stream("Bon", "jour")
    choices = [
        {"index": index, "message": {"role": "assistant", "content": "Bonjour"}, "finish_reason": "stop"}
        for index in range(min(body.get("n") or 1, 8))
    ]
    return reply(completion(choices=choices))


def _text(body: dict[str, Any]) -> Behaviour:
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "m-1"}
    answer = {**head, "choices": [{"index": 0, "text": " time", "finish_reason": "stop", "logprobs": None}]}
    return stream(event(answer), event(b"[DONE]")) if body.get("stream") else reply(answer)


def _embeddings(body: dict[str, Any]) -> Behaviour:
    given = body["input"]
    number = len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1
    data = [{"object": "embedding", "index": index, "embedding": [0.5, 1.0]} for index in range(number)]
    return reply({"object": "list", "data": data, "model": "m-1", "usage": {"prompt_tokens": 2, "total_tokens": 2}})


def _ranking(body: dict[str, Any]) -> Behaviour:
    results = [{"index": index, "relevance_score": 1 / (index + 1)} for index in range(len(body["documents"]))]
    return reply({"id": "r-1", "model": "m-1", "results": results, "usage": {"prompt_tokens": 2, "total_tokens": 2}})


def _transcription(form: bytes) -> Behaviour:
    def said(name: str, value: str) -> bool:
        return f'name="{name}"\r\n\r\n{value}\r\n'.encode() in form

    if said("stream", "true"):
        told: list[dict[str, Any]] = [{"type": "transcript.text.delta", "delta": "Hello"},
                                      {"type": "transcript.text.done", "text": "Hello"}]  # fmt: skip
        return stream(*(event(one) for one in told))
    if any(said("response_format", name) for name in ("text", "srt", "vtt")):
        return reply(b"Hello\n", media="text/plain")
    return reply(json.loads('{"text": "Hello", "language": "en", "duration": 1.5}'))


ANSWERS: dict[str, Callable[[dict[str, Any]], Behaviour]] = {
    "/chat/completions": _chat,
    "/completions": _text,
    "/embeddings": _embeddings,
    "/rerank": _ranking,
}
