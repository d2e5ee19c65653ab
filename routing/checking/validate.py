"""Whether an answer is what OpenAI's format promises. Each function returns the faults it finds, [] for none. ◇

Source: OpenAI API reference (chat completions, streaming, embeddings, audio) and Cohere's and Jina's rerank. Unknown
keys are allowed everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
THOUGHTS = ("reasoning_content", "reasoning")

Body = Mapping[str, Any]


def completion(body: Any) -> list[str]:
    """A ``chat.completion``."""
    if not isinstance(body, Mapping):
        return ["the answer is not an object"]
    faults = _head(body, "chat.completion")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        return [*faults, "choices: there are none"]
    for number, choice in enumerate(choices):
        faults += [f"choices[{number}].{fault}" for fault in _choice(choice)]
    return faults + _usage(body.get("usage"))


def chunks(seen: Iterable[Any]) -> list[str]:
    """All ``chat.completion.chunk`` of one stream."""
    faults: list[str] = []
    heads: set[tuple[Any, ...]] = set()
    finished: dict[Any, str] = {}
    said = ""
    number = -1
    for number, chunk in enumerate(seen):
        if not isinstance(chunk, Mapping) or not isinstance(chunk.get("choices"), list):
            return [*faults, f"chunk {number}: not an object with choices"]
        faults += [f"chunk {number}: {fault}" for fault in _head(chunk, "chat.completion.chunk")]
        heads.add((chunk.get("id"), chunk.get("created"), chunk.get("model")))
        for choice in chunk["choices"]:
            fault, text = _delta(choice, finished)
            said += text
            faults += [f"chunk {number}: {one}" for one in fault]
        if chunk.get("usage") is not None:
            faults += [f"chunk {number}: {fault}" for fault in _usage(chunk["usage"])]
    if number < 0:
        return ["the stream holds no chunk"]
    if len(heads) > 1:
        faults.append("id, created and model are not the same in all chunks")
    if not finished:
        faults.append("no finish_reason was sent")
    elif not said and "stop" in finished.values():
        faults.append("the answer is empty")
    return faults


def embeddings(body: Any) -> list[str]:
    """OpenAI's list of embeddings, as floats."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], Mapping):
        return ["data: expected one embedding"]
    vector = data[0].get("embedding")
    faults = [] if body.get("object") == "list" else ["object: expected 'list'"]
    if data[0].get("object") != "embedding" or data[0].get("index") != 0:
        faults.append("data[0]: expected object 'embedding' and index 0")
    if not isinstance(vector, list) or not vector or not all(_finite(figure) for figure in vector):
        faults.append("data[0].embedding: expected a list of numbers")
    return faults


def rerank(body: Any, documents: int) -> list[str]:
    """Results by descending score, each of another of ``documents`` documents."""
    results = body.get("results") if isinstance(body, Mapping) else None
    if not isinstance(results, list) or not all(isinstance(result, Mapping) for result in results):
        return ["results: expected a list"]
    faults = []
    indexes = [result.get("index") for result in results]
    if sorted(index for index in indexes if _whole(index)) != list(range(documents)):
        faults.append("results: expected each document once, by its index")
    scores = [result.get("relevance_score") for result in results]
    figures = [score for score in scores if isinstance(score, int | float) and _finite(score)]
    if len(figures) != len(scores):
        faults.append("results: a relevance_score is not a number")
    elif figures != sorted(figures, reverse=True):
        faults.append("results: not in the order of their scores")
    return faults


def transcription(body: Any) -> list[str]:
    """A ``transcript`` of OpenAI's, ``{"text": …}`` or the text alone; what a tone is heard as does not matter."""
    heard = body.get("transcript") if isinstance(body, Mapping) else None
    text = heard.get("text") if isinstance(heard, Mapping) else heard
    return [] if isinstance(text, str) else ["text: expected a string"]


def _head(body: Body, object_: str) -> list[str]:
    faults = [f"{key}: expected text" for key in ("id", "model") if not (isinstance(body.get(key), str) and body[key])]
    if body.get("object") != object_:
        faults.append(f"object: expected '{object_}'")
    if not _whole(body.get("created")):
        faults.append("created: expected a whole number")
    return faults


def _choice(choice: Any) -> list[str]:
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(message, Mapping):
        return ["message: expected an object"]
    faults = [] if _whole(choice.get("index")) else ["index: expected a whole number"]
    if choice.get("finish_reason") not in FINISHES:
        faults.append(f"finish_reason: expected one of {', '.join(sorted(FINISHES))}")
    if message.get("role") != "assistant":
        faults.append("message.role: expected 'assistant'")
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        faults.append("message.content: expected text or null")
    said = content or message.get("tool_calls") or message.get("refusal") or _thought(message)
    if not said and choice.get("finish_reason") == "stop":
        faults.append("message.content: the answer is empty")
    return faults


def _delta(choice: Any, finished: dict[Any, str]) -> tuple[list[str], str]:
    """(faults, what was said) of a streamed choice; notes its finish reason in ``finished``."""
    if not isinstance(choice, Mapping) or not isinstance(choice.get("delta"), Mapping):
        return ["a choice without a delta"], ""
    delta, index, reason = choice["delta"], choice.get("index"), choice.get("finish_reason")
    faults = [] if _whole(index) else ["index: expected a whole number"]
    content = delta.get("content")
    if content is not None and not isinstance(content, str):
        faults.append("delta.content: expected text or null")
        content = None
    if index in finished:
        faults.append("something follows the finish_reason")
    if reason is not None and reason not in FINISHES:
        faults.append(f"finish_reason: expected one of {', '.join(sorted(FINISHES))}")
    if reason is not None:
        finished[index] = str(reason)
    called = "called" if delta.get("tool_calls") else ""
    return faults, (content or delta.get("refusal") or _thought(delta) or called)


def _usage(given: Any) -> list[str]:
    """Missing usage is no fault: not every vendor counts."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        return ["usage: expected an object"]
    counts = [given.get(key) for key in ("prompt_tokens", "completion_tokens", "total_tokens")]
    whole = [count for count in counts if isinstance(count, int) and _whole(count)]
    if len(whole) < len(counts):
        return ["usage: expected whole numbers of tokens"]
    prompt, answer, total = whole
    return [] if total == prompt + answer else [f"usage: {prompt} + {answer} tokens are not {total}"]


def _thought(message: Body) -> str:
    return next((message[key] for key in THOUGHTS if isinstance(message.get(key), str) and message[key]), "")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
