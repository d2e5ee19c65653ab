"""What follows an answer: watch it to its end, settle its attempt and its circuit, sum up what is to be recorded. ◇

``Summary`` is what the record needs of a reply: model, finish reason, usage and where the usage comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.chat import Call, whole
from providers.errors import CallerLeft, UpstreamError
from routing.dispatch import Answer, Ledger, Ports

CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class Summary:
    """``usage`` in the OpenAI shape or None; ``usage_source``: vendor, estimated or none; ``characters`` were sent.

    ``requests``: how many a price per request counts; Cohere bills a search of many documents as several.
    """

    model: str = ""
    finish_reason: str = ""
    usage: Mapping[str, Any] | None = None
    usage_source: str = "none"
    characters: int = 0
    requests: int = 1

    def estimate(self, call: Call) -> None:
        """Where the vendor gave no usage: about four characters a token, of the prompt and of what was sent.

        Nobody knows the tokens of a file.
        """
        if self.usage is None and call.upload is None:
            prompt = _asked(call.body)
            tokens = (-(-prompt // CHARACTERS_PER_TOKEN), -(-self.characters // CHARACTERS_PER_TOKEN))
            self.usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
            self.usage_source = "estimated"


def _asked(body: Mapping[str, Any]) -> int:
    """Characters of what a request holds to be read; a reranker reads the query with every document."""
    length = sum(text_length(message.get("content")) for message in body.get("messages", ()))
    length += sum(prompt_length(body.get(name)) for name in ("prompt", "input", "documents"))
    return length + text_length(body.get("query")) * len(body.get("documents", ()))


def text_length(content: Any) -> int:
    """Characters of a message's content: a string, or a list of parts of which the text counts."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return sum(len(text) for text in texts if isinstance(text, str))
    return 0


def prompt_length(prompt: Any) -> int:
    """Characters of a prompt or prompts, of a text or texts; a token id counts as a token's worth of them."""
    if isinstance(prompt, list):
        return sum(CHARACTERS_PER_TOKEN if isinstance(item, int) else prompt_length(item) for item in prompt)
    return text_length(prompt)


def settle(answer: Answer, ports: Ports, ledger: Ledger) -> Summary:
    """A whole reply has been read: close its attempt as a success and sum it up."""
    answer.attempt.outcome = "success"
    answer.attempt.end_ms = ledger.ms(ports.clock())
    ports.state.succeeded(answer.candidate, answer.credential)
    body = answer.reply.body
    summary = Summary(model=body.get("model") or "")
    for choice in body.get("choices") or ():
        summary.finish_reason = choice.get("finish_reason") or summary.finish_reason
        summary.characters += text_length(choice.get("message", {}).get("content"))
    if body.get("usage"):
        summary.usage, summary.usage_source = body["usage"], "vendor"
    summary.requests = _search_units(body.get("meta")) or 1
    return summary


def _search_units(meta: Any) -> int | None:
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    return whole(billed.get("search_units")) if isinstance(billed, dict) else None


class Relay:
    """Iterates the inner chunks of an answered stream, the held ones first, and settles its attempt at the end.

    ``outcome`` is "success", "cancelled" or the error's word once the stream is over. Errors are raised from
    ``__next__`` after they have been noted. ``close()`` may be called at any time, more than once.
    """

    def __init__(self, answer: Answer, ports: Ports, ledger: Ledger) -> None:
        self.summary = Summary()
        self.outcome = ""
        self._answer = answer
        self._ports = ports
        self._ledger = ledger
        self._held = iter(answer.reply.held)
        self._live: Iterator[dict[str, Any]] = iter(answer.reply)

    def __iter__(self) -> Relay:
        return self

    def __next__(self) -> dict[str, Any]:
        chunk = next(self._held, None)
        if chunk is None:
            chunk = self._read()
        self._note(chunk)
        return chunk

    def _read(self) -> dict[str, Any]:
        try:
            return next(self._live)
        except StopIteration:
            if not self.outcome:
                self._ports.state.succeeded(self._answer.candidate, self._answer.credential)
                self._end("success")
            raise
        except UpstreamError as error:
            self._answer.attempt.error = error.message
            self._ports.state.failed(self._answer.candidate, error)
            self._end(error.outcome)
            raise
        except CallerLeft:
            self._end(CallerLeft.outcome)
            raise

    def _note(self, chunk: Mapping[str, Any]) -> None:
        summary = self.summary
        for choice in chunk["choices"]:
            delta = choice["delta"]
            summary.characters += text_length(delta.get("content"))
            if choice.get("finish_reason"):
                summary.finish_reason = choice["finish_reason"]
        if chunk.get("usage"):
            summary.usage, summary.usage_source = chunk["usage"], "vendor"
        if not summary.model:
            summary.model = chunk.get("model") or ""

    def close(self) -> None:
        """End of interest: cancels the upstream where it still speaks."""
        self._answer.reply.close()
        if not self.outcome:
            self._end(CallerLeft.outcome)

    def _end(self, outcome: str) -> None:
        self.outcome = outcome
        self._answer.attempt.outcome = outcome
        self._answer.attempt.end_ms = self._ledger.ms(self._ports.clock())
