"""What follows an answer: watch it to its end, settle its attempt and its circuit, sum up what is to be recorded. ◇

``Summary`` is what the record needs of a reply: model, finish reason, usage and where the usage comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.chat import Call, whole
from providers.errors import CallerLeft, UpstreamError
from routing.estimate import prompt_tokens, text_length, tokens_in
from routing.ports import Answer, Ledger, Ports
from routing.resume import Resume, Sent


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
            prompt, answer = prompt_tokens(call), tokens_in(self.characters)
            self.usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
            self.usage_source = "estimated"


def settle(answer: Answer, ports: Ports, ledger: Ledger) -> Summary:
    """A whole reply has been read: close its attempt as a success and sum it up."""
    answer.attempt.outcome = "success"
    answer.attempt.end_ms = ledger.ms(ports.clock())
    body = answer.reply.body
    ports.state.succeeded(answer.hold, answer.credential)
    ports.state.let_go(answer.hold, tokens_of(body.get("usage")))
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


def tokens_of(usage: Any) -> int | None:
    """What a window of tokens is to be charged; None: nobody said."""
    total = usage.get("total_tokens") if isinstance(usage, Mapping) else None
    return total if isinstance(total, int) else None


class Relay:
    """Iterates the inner chunks of an answered stream, the held ones first, and settles its attempt at the end.

    ``answer`` is the one that is being relayed; where ``resume`` is given, another one may take the place of one that
    was cut. ``outcome`` is "success", "cancelled" or the error's word once the stream is over. Errors are raised from
    ``__next__`` after they have been noted. ``close()`` may be called at any time, more than once.
    """

    def __init__(self, answer: Answer, ports: Ports, ledger: Ledger, resume: Resume | None = None) -> None:
        self.summary = Summary()
        self.outcome = ""
        self.answer = answer
        self._ports = ports
        self._ledger = ledger
        self._resume = resume
        self._sent = Sent()
        self._over = False
        self._held: Iterator[dict[str, Any]] = iter(answer.reply.held)
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
            if not self._over:
                self._ports.state.succeeded(self.answer.hold, self.answer.credential)
                self._end("success")
            raise
        except UpstreamError as error:
            self.answer.attempt.error = error.message
            self._ports.state.failed(self.answer.hold, error)
            self._end(error.outcome)
            return self._continued(error)
        except CallerLeft:
            self._end(CallerLeft.outcome)
            raise

    def _continued(self, error: UpstreamError) -> dict[str, Any]:
        """The first chunk of another answer that goes on where this one was cut. Raises ``error`` where none does."""
        continued = None if self._resume is None else self._resume.after(self.answer, error, self._sent)
        if continued is None:
            raise error
        self.answer, self._live = continued
        self._over, self.outcome, self.summary.usage, self.summary.model = False, "", None, ""
        return self._read()

    def _note(self, chunk: Mapping[str, Any]) -> None:
        summary = self.summary
        if self._resume is not None:
            self._sent.note(chunk)
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
        self.answer.reply.close()
        if not self._over:
            self._end(CallerLeft.outcome)

    def _end(self, outcome: str) -> None:
        """This answer is over; what of its tokens nobody counted stays reserved."""
        self._over, self.outcome = True, outcome
        self.answer.attempt.outcome = outcome
        self.answer.attempt.end_ms = self._ledger.ms(self._ports.clock())
        self._ports.state.let_go(self.answer.hold, tokens_of(self.summary.usage))
