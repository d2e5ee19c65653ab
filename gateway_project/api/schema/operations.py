"""Every operation of the API, by its view and method: what it is for, what it takes, what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework.views import APIView

from gateway_project.api import explaining, inference, views
from gateway_project.api.schema import errors, routing
from gateway_project.api.schema.words import Schema, either, one_of, record, ref, text

TAGS = {
    "Inference": "What applications ask for. Every operation goes where the configuration sends the model.",
    "Models": "What can be called.",
    "Routing": "What would happen to a request.",
    "Configuration": "Categories and circuits, as the category router had it. All else is configured in the admin.",
    "Other addresses": "The same operations where other clients look for them.",
    "Health": "For load balancers and monitors; without a key.",
}
GREETING = [{"role": "user", "content": "Say hello in French."}]
STEERED = (*routing.HEADERS.values(), routing.STRICT, routing.REQUEST_ID)
READ = "400 401 403 500"
SENT = f"{READ} 408 413 415 499"
INFERRED = f"{SENT} 404 422 429 4XX 502 503"

Parameters = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """``path``: the one that is called by this ``name``; others are other addresses of it. ``body``: by media type;
    ``answers``: those that are no errors, by status; ``errors``: statuses, with blanks between them; ``curl``: the
    arguments of an example."""

    name: str
    path: str
    tag: str
    summary: str
    about: str
    answers: Mapping[str, Any]
    errors: str = READ
    body: Mapping[str, Any] | None = None
    parameters: Parameters = (routing.REQUEST_ID,)
    curl: str = ""
    public: bool = False


@dataclass(frozen=True, slots=True)
class Events:
    """A stream: the schema of what stands in an event, and an example's events."""

    schema: Schema
    example: tuple[Mapping[str, Any], ...] = field(default=())


def json_body(schema: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """A request's body. ``examples`` by their names, in words."""
    shown = {name: {"summary": name, "value": value} for name, value in examples.items()}
    return {"application/json": {"schema": ref(schema), "examples": shown}}


def answer(about: str, schema: str, *more: str, events: Events | None = None, **content: Any) -> dict[str, Any]:
    """A success as JSON. ``more``: headers besides those of every answer; ``events``: the same as a stream."""
    said: dict[str, Any] = {"application/json": {"schema": ref(schema)}, **content}
    if events is not None:
        said["text/event-stream"] = _stream(events)
    return {"description": about, "headers": errors.headers(*more), "content": said}


def sent(body: Any) -> str:
    """The arguments of a curl line that sends JSON."""
    quoted = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    return f"-H 'Content-Type: application/json' \\\n  -d '{quoted}'"


def _stream(events: Events) -> dict[str, Any]:
    """The schema is that of each event, as OpenAPI 3.2 says what an event is."""
    lines = [f"data: {json.dumps(event)}\n\n" for event in events.example]
    data = either(
        "JSON; or the end of a complete answer.",
        {"type": "string", "contentMediaType": "application/json", "contentSchema": events.schema},
        text(const="[DONE]"),
    )
    about = "One server-sent event. A stream that breaks ends with an error, and without [DONE]."
    return {"schema": record(about, {"data": data}, "data"), "example": "".join([*lines, "data: [DONE]\n\n"])}


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "gpt-4o-mini"}
    return {**head, "choices": [choice]}


_CHAT = {"model": "openai/gpt-4o-mini", "messages": GREETING}
_CHAT_EXAMPLES = {
    "A question": _CHAT,
    "As a stream": {**_CHAT, "stream": True, "stream_options": {"include_usage": True}},
    "A tool": {
        **_CHAT,
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}],
    },
    "A picture": {
        **_CHAT,
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}],
    },
    "JSON that follows a schema": {
        **_CHAT,
        "response_format": {"type": "json_schema", "json_schema": {"name": "greeting", "schema": {
            "type": "object", "properties": {"hello": {"type": "string"}}}}},
    },
    "Wishes for the routing": {
        "model": "router",
        "models": ["anthropic/claude-sonnet-4-5"],
        "provider": {"sort": "cheapest", "ignore": ["xai"], "max_price": {"completion": 10}},
        "messages": GREETING,
    },
    "Provider and system message": {
        "provider": "mistral", "model": "mistral-small-latest", "system_message": "Be brief.", "messages": GREETING,
        "reasoning_effort": "low",
    },
}  # fmt: skip
_CHUNK = Events(
    either("", ref("ChatCompletionChunk"), ref("Error")),
    (_chunk({"role": "assistant", "content": ""}), _chunk({"content": "Bonjour"}), _chunk({}, "stop")),
)
_PROMPT = {"model": "openai/gpt-3.5-turbo-instruct", "prompt": "Once upon a", "max_tokens": 16}
_TEXTS = {"model": "openai/text-embedding-3-small", "input": ["a river", "the sea"]}
_RANK = {"model": "cohere/rerank-v3.5", "query": "What is wet?", "documents": ["a stone", "a river"], "top_n": 1}
_EXPLAINED = {"model": "router", "messages": [{"role": "user", "content": "Prove that 2 is prime."}]}
_HEARD = Events(
    either("", ref("TranscriptionEvent"), ref("Error")),
    ({"type": "transcript.text.delta", "delta": "Hello"}, {"type": "transcript.text.done", "text": "Hello"}),
)
_TEXT_FILE = {"text/plain": {"schema": text("With text, srt or vtt: a text file."), "example": "Hello.\n"}}

DESCRIBED: Mapping[tuple[type[APIView], str], Operation] = {
    (inference.ChatCompletions, "POST"): Operation(
        "createChatCompletion", "/v1/chat/completions", "Inference", "A chat completion",
        "An answer to a conversation, whole or as a stream of events, by any provider in OpenAI's form.",
        {"200": answer("The answer.", "ChatCompletion", *errors.ROUTED, events=_CHUNK)},
        INFERRED, json_body("ChatCompletionRequest", _CHAT_EXAMPLES), STEERED, sent(_CHAT),
    ),
    (inference.Completions, "POST"): Operation(
        "createCompletion", "/v1/completions", "Inference", "What follows a prompt",
        "OpenAI's legacy completions, whole or as a stream of events.",
        {"200": answer("The answer.", "Completion", *errors.ROUTED,
                       events=Events(either("", ref("Completion"), ref("Error"))))},
        INFERRED, json_body("CompletionRequest", {"A prompt": _PROMPT}), STEERED, sent(_PROMPT),
    ),
    (inference.Embeddings, "POST"): Operation(
        "createEmbeddings", "/v1/embeddings", "Inference", "A vector for each text",
        "Vectors as numbers or base64, as you ask, whichever the vendor gives.",
        {"200": answer("The vectors.", "EmbeddingList", *errors.ROUTED)},
        INFERRED, json_body("EmbeddingRequest", {"Two texts": _TEXTS}), STEERED, sent(_TEXTS),
    ),
    (inference.Rerank, "POST"): Operation(
        "rerank", "/v1/rerank", "Inference", "Documents by how well they answer a query",
        "As Cohere and Jina have it; the Albert registry's older `prompt` and `input` are understood.",
        {"200": answer("The ranking.", "Ranking", *errors.ROUTED)},
        INFERRED, json_body("RerankRequest", {"Two documents": _RANK}), STEERED, sent(_RANK),
    ),
    (inference.Transcriptions, "POST"): Operation(
        "createTranscription", "/v1/audio/transcriptions", "Inference", "What is said in a recording",
        "JSON, a text file or a stream of events, by `response_format` and `stream`.",
        {"200": answer("What was said.", "Transcription", *errors.ROUTED, events=_HEARD, **_TEXT_FILE)},
        INFERRED, {"multipart/form-data": {"schema": ref("TranscriptionForm")}}, STEERED,
        "-F model=openai/whisper-1 -F file=@speech.mp3",
    ),
    (views.Models, "GET"): Operation(
        "listModels", "/v1/models", "Models", "What the key may call", "Public models, aliases and providers' models.",
        {"200": answer("The list.", "ModelList")},
    ),
    (views.Model, "GET"): Operation(
        "getModel", "/v1/models/{name}", "Models", "One model", "By its name or another name of it.",
        {"200": answer("The model.", "Model")}, f"{READ} 404",
        parameters=(
            {"name": "name", "in": "path", "required": True, "example": "openai/gpt-4o-mini",
             "description": "The name; it may hold slashes.", "schema": text(minLength=1)},
            routing.REQUEST_ID,
        ),
    ),
    (explaining.ExplainRoute, "POST"): Operation(
        "explainRoute", "/v1/route/explain", "Routing", "What would happen to a request",
        "Takes any request of the other operations as it is, and answers with its plan: what the name means, who would "
        "be tried and in which order, who not and why. Nothing is sent.",
        {"200": answer("The plan.", "RouteExplanation")},
        f"{SENT} 404", json_body("ExplainRequest", {"A chat": _EXPLAINED}), STEERED, sent(_EXPLAINED),
    ),
    (views.Health, "GET"): Operation(
        "getHealth", "/health", "Health", "The process answers", "Says nothing of providers.",
        {"200": answer("It does.", "Health")}, "500", public=True,
    ),
    (views.Ready, "GET"): Operation(
        "getReadiness", "/health/ready", "Health", "Whether the newest configuration is being served",
        "A configuration that cannot be built is refused; the last good one goes on being served.",
        {"200": answer("It is.", "Readiness"), "503": answer("An older one is served.", "Readiness")},
        "500", public=True,
    ),
}  # fmt: skip

COMPONENTS: Mapping[str, Schema] = {
    "ExplainRequest": {
        "description": "A request of another operation; its shape, or `operation`, says of which.",
        "type": "object",
        "properties": {
            "operation": one_of("Which operation it is of, where its shape does not say.", *explaining.DIALECTS)
        },
        "anyOf": [
            ref("ChatCompletionRequest"),
            ref("CompletionRequest"),
            ref("EmbeddingRequest"),
            ref("RerankRequest"),
        ],
    }
}
