"""What a request probably costs and belongs to, before anybody has counted: about four characters a token. ◇"""

from __future__ import annotations

from typing import Any

from providers.chat import Call
from routing.types import USUAL_ANSWER, Need, Steering

CHARACTERS_PER_TOKEN = 4
ANSWERED = frozenset({"chat", "completions"})  # operations whose answers are made of tokens
_BEGINNING = 2000  # characters of each message that tell conversations apart


def need_of(call: Call, steering: Steering) -> Need:
    """What ``call`` asks of whoever is to answer it."""
    answer = 0
    if call.operation in ANSWERED:
        most = call.body.get("max_completion_tokens") or call.body.get("max_tokens") or USUAL_ANSWER
        answer = most * (call.body.get("n") or 1)
    return Need(call.operation, prompt_tokens(call), answer, conversation(call), steering)


def prompt_tokens(call: Call) -> int:
    """An estimate of what the vendor will count as the prompt; a reranker reads the query with every document."""
    body = call.body
    documents = body.get("documents") or ()
    characters = sum(text_length(message.get("content")) for message in body.get("messages") or ())
    characters += sum(prompt_length(body.get(key)) for key in ("prompt", "input", "documents"))
    return tokens_in(characters + text_length(body.get("query")) * len(documents))


def tokens_in(characters: int) -> int:
    """Characters → tokens, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def text_length(content: Any) -> int:
    """Characters of a message's content: a string, or a list of parts of which the text counts."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return sum(len(text) for text in texts if isinstance(text, str))
    return 0


def prompt_length(prompt: Any) -> int:
    """Characters of a prompt or of several; a token id counts as a token's worth of them."""
    if isinstance(prompt, list):
        return sum(CHARACTERS_PER_TOKEN if isinstance(item, int) else prompt_length(item) for item in prompt)
    if isinstance(prompt, dict):
        return text_length(prompt.get("text"))
    return text_length(prompt)


def conversation(call: Call) -> str:
    """What the requests of one conversation have in common: the caller's own ``prompt_cache_key``, else how it began,
    up to the first question."""
    key = call.body.get("prompt_cache_key")
    if isinstance(key, str) and key:
        return key
    beginning = []
    for message in call.body.get("messages") or ():
        beginning.append(_text(message.get("content"))[:_BEGINNING])
        if message.get("role") == "user":
            break
    return "\n".join(beginning)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""
