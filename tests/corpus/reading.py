"""What an application gets out of an answer: read with the official client, reduced to what must be equal."""

from __future__ import annotations

import json
from typing import Any

import openai
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk


def text_of(content: Any) -> str:
    """A string, or Mistral's list of parts: the text in it."""
    if isinstance(content, list):
        parts = (part if isinstance(part, dict) else part.to_dict() for part in content)
        return "".join(part.get("text") or "" for part in parts if part.get("type") == "text")
    return content or ""


def usage_of(usage: Any) -> dict[str, int] | None:
    """Prompt and completion tokens; what a vendor counts in the total alone (reasoning) belongs to the completion."""
    if usage is None:
        return None
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    return {"prompt": prompt, "completion": max(completion, (usage.total_tokens or 0) - prompt)}


def arguments_of(arguments: Any) -> Any:
    """Some servers send an object where OpenAI sends its JSON text."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, separators=(",", ":"))


def calls_of(calls: dict[Any, dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(call["id"], call["name"], call["arguments"]) for _, call in sorted(calls.items())]


def read(client: OpenAI, body: dict[str, Any]) -> dict[str, Any]:
    """Text, tool calls, finish reasons and usage of one request; ``error``: the client's exception and its status."""
    try:
        if body.get("stream"):
            return read_stream(client, body)
        return read_whole(client, body)
    except openai.APIStatusError as error:
        return {"error": type(error).__name__, "status": error.status_code}
    except openai.APIError as error:
        return {"error": type(error).__name__, "status": None}


def read_whole(client: OpenAI, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/chat/completions", body=body, cast_to=ChatCompletion)
    if not getattr(answer, "choices", None):
        return {"error": "no choices", "status": None}
    text, finish, calls = {}, {}, {}
    for choice in answer.choices:
        text[choice.index or 0] = text_of(choice.message.content)
        finish[choice.index or 0] = choice.finish_reason
        for number, call in enumerate(choice.message.tool_calls or []):
            function = call.function
            calls[choice.index or 0, number] = {
                "id": call.id,
                "name": function.name,
                "arguments": arguments_of(function.arguments),
            }
    return {"text": text, "finish": finish, "calls": calls_of(calls), "usage": usage_of(answer.usage)}


def read_stream(client: OpenAI, body: dict[str, Any]) -> dict[str, Any]:
    text: dict[int, str] = {}
    finish: dict[int, str] = {}
    calls: dict[Any, dict[str, str]] = {}
    usage = None
    stream = client.post(
        "/chat/completions", body=body, cast_to=ChatCompletionChunk, stream=True, stream_cls=Stream[ChatCompletionChunk]
    )
    for chunk in stream:
        usage = getattr(chunk, "usage", None) or usage
        for choice in chunk.choices or []:
            index = choice.index or 0
            text[index] = text.get(index, "") + text_of(choice.delta.content)
            if choice.finish_reason:
                finish[index] = choice.finish_reason
            for part in choice.delta.tool_calls or []:
                call = calls.setdefault((index, part.index or 0), {"id": "", "name": "", "arguments": ""})
                call["id"] = call["id"] or part.id or ""
                if part.function is not None:
                    call["name"] = call["name"] or part.function.name or ""
                    call["arguments"] += arguments_of(part.function.arguments or "")
    return {"text": text, "finish": finish, "calls": calls_of(calls), "usage": usage_of(usage)}
