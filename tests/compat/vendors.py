"""The LLM API gateway's eleven vendors and the category router's two others as one switchboard plays them, each in its
own wire format."""

from __future__ import annotations

import json
from typing import Any

import yaml

from providers.kinds import KINDS
from tests.switchboard import Switchboard, chunk, completion, event, head, reply, whole_stream
from tests.upstream import Behaviour, Peer, Request

VENDORS = (
    "openai",
    "anthropic",
    "mistral",
    "cohere",
    "deepseek",
    "xai",
    "google",
    "qwen",
    "ai21",
    "perplexity",
    "deepinfra",
)
OTHERS = ("openrouter", "ollama")
# Where a vendor's base URL ends otherwise than in /v1.
ENDS = {"anthropic": "", "cohere": "", "google": "/v1beta"}
KEYS = {KINDS[name].env_vars[0]: f"{name}-key-0123456789" for name in (*VENDORS, "openrouter")}
WORDS = ("Bon", "jour")

ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Bonjour"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
GEMINI = {
    "candidates": [
        {"content": {"parts": [{"text": "Bonjour"}], "role": "model"}, "index": 0, "finishReason": "STOP"},
    ],
    "modelVersion": "gemini",
    "responseId": "r1",
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
}
COHERE = {
    "id": "c1",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Bonjour"}]},
    "finish_reason": "COMPLETE",
    "usage": {"tokens": {"input_tokens": 3, "output_tokens": 2}},
}


def plug_all(board: Switchboard) -> None:
    """Every vendor answers "Bonjour", whole or as a stream, as it is asked."""
    for name in (*VENDORS, *OTHERS):
        board.plug(name, _as_asked(board, name))


def at_board(board: Switchboard) -> str:
    """A configuration in which the vendors' addresses are the switchboard's."""
    moved = {
        name: {"base_url": f"{board.url}/{name}{ENDS.get(name, '/v1')}", "proxy": "none", "enabled": True}
        for name in (*VENDORS, *OTHERS)
    }
    return yaml.safe_dump({"version": 1, "providers": moved})


def model_asked(request: Request) -> str:
    """The model that reached a vendor; Gemini's is in the address."""
    if "/models/" in request.target:
        return request.target.split("/models/")[1].partition(":")[0]
    model: str = request.json["model"]
    return model


def _as_asked(board: Switchboard, name: str) -> Behaviour:
    whole, streamed = _ANSWERS.get(name, (completion("Bonjour"), whole_stream(*WORDS)))

    def behave(peer: Peer) -> None:
        asked = board.seen(name)[-1]
        wants_stream = ":streamGenerateContent" in asked.target or asked.json.get("stream")
        (streamed if wants_stream else reply(whole))(peer)

    return behave


def _named(*events: dict[str, Any]) -> Behaviour:
    """Events that say their type in a line of their own, too."""
    body = b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)
    return lambda peer: peer.send(head(200, "text/event-stream", Transfer_Encoding="chunked"), chunk(body), chunk(b""))


def _gemini() -> Behaviour:
    first = {"candidates": [{"content": {"parts": [{"text": "Bon"}], "role": "model"}, "index": 0}]}
    second = {
        **GEMINI,
        "candidates": [{**GEMINI["candidates"][0], "content": {"parts": [{"text": "jour"}], "role": "model"}}],
    }  # type: ignore[index]  # a literal
    body = event(first) + event(second)
    return lambda peer: peer.send(head(200, "text/event-stream", Transfer_Encoding="chunked"), chunk(body), chunk(b""))


_ANSWERS: dict[str, tuple[Any, Behaviour]] = {
    "anthropic": (
        ANTHROPIC,
        _named(
            {"type": "message_start", "message": {**ANTHROPIC, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": w}} for w in WORDS),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ),
    ),
    "google": (GEMINI, _gemini()),
    "cohere": (
        COHERE,
        _named(
            {"id": "c1", "type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}},
            {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
            *({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": w}}}} for w in WORDS),
            {"type": "content-end", "index": 0},
            {
                "type": "message-end",
                "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 3, "output_tokens": 2}}},
            },
        ),
    ),
}
