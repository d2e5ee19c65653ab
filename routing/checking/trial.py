"""One question asked, its answer judged. ``send`` and clock are handed in. ◇"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from providers.errors import CallerLeft, CredentialRejected, UpstreamError
from providers.tape import Tape
from providers.wire import Trace
from providers.words import in_words
from routing.checking import validate
from routing.checking.questions import RERANK, Question, call_for
from routing.ports import Send
from routing.pricing import cost, price_at

LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one question. ``outcome``: success, failure or skipped; ``detail``: why, and dead keys.

    ``seconds`` of the whole exchange; ``first_seconds`` until a stream's first content. ``amount`` in ``currency``,
    None where unknown. ``dropped``: parameters the vendor has no word for. ``rejected``: the keys that were, as
    ``provider/label``; ``keyless``: all of them. ``code``: the
    error's own word (``UpstreamError.outcome``), with ``said``, its message. ``text``: the beginning of the reply.
    """

    question: Question
    outcome: str
    detail: str = ""
    status: int | None = None
    seconds: float = 0.0
    first_seconds: float | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    amount: Decimal | None = None
    currency: str = ""
    dropped: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    keyless: bool = False
    code: str = ""
    said: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions are asked: ``seconds`` each may take; ``stopping`` says that no more is wanted.
    ``tapes``: gets that of every try, where it is a list."""

    send: Send
    seconds: float
    stopping: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    tapes: list[Tape] | None = None


def try_out(question: Question, asking: Asking) -> Finding:
    """Ask and judge. The provider's keys are tried in order while they are rejected; the detail says which were."""
    if question.skip:
        return Finding(question, "skipped", question.skip)
    if question.candidate.reason_skipped:
        return Finding(question, "skipped", question.candidate.reason_skipped)
    rejected: dict[str, str] = {}
    finding, name = None, ""
    credentials = question.candidate.credentials or (None,)
    for credential in credentials:
        name = credential.identity if credential else ""
        began = asking.clock()
        trace = _trace(asking)
        try:
            finding = _judged(question, credential, asking, trace)
        except CredentialRejected as error:
            rejected[name] = f"{in_words(error)} [{f'key {name}' if name else 'sent without a key'}]"
            finding = replace(
                Finding(question, "failure", "", error.status, asking.clock() - began),
                code=error.outcome,
                said=error.message,
            )
            continue
        except UpstreamError as error:
            status = error.status or trace.status
            finding = replace(
                Finding(question, "failure", in_words(error), status, asking.clock() - began),
                code=error.outcome,
                said=error.message,
            )
        except CallerLeft:
            finding = Finding(question, "skipped", "stopped")
        break
    assert finding is not None
    answered = f"the key {name} answered" if rejected and finding.outcome == "success" else ""
    return replace(
        finding,
        detail="; ".join(filter(None, (*rejected.values(), answered, finding.detail))),
        rejected=tuple(filter(None, rejected)),
        keyless=len(rejected) == len(credentials),
    )


def _trace(asking: Asking) -> Trace:
    if asking.tapes is None:
        return Trace()
    tape = Tape()
    asking.tapes.append(tape)
    return Trace(tape=tape)


def _judged(question: Question, credential: Any, asking: Asking, trace: Trace) -> Finding:
    candidate, call = question.candidate, call_for(question)
    limits = replace(
        candidate.limits, headers=asking.seconds, first_content=None, idle=asking.seconds, total=asking.seconds
    )
    began = asking.clock()
    reply = asking.send(candidate.target, credential, call, limits, asking.stopping, trace)
    if question.stream:
        try:
            seen = [*reply.held, *reply]
        finally:
            reply.close()
        faults = validate.chunks(seen)
        text = "".join(_said(choice.get("delta")) for chunk in seen for choice in chunk.get("choices") or ())
        usage = next((chunk["usage"] for chunk in reversed(seen) if chunk.get("usage")), None)
    else:
        faults, usage = _faults(question.operation, reply.body), reply.body.get("usage")
        text = _told(question.operation, reply.body)
    usage = usage if isinstance(usage, Mapping) else {}
    price = price_at(candidate.facts.prices, time.time())
    amount = cost(price, usage) if "prompt_tokens" in usage else None
    return Finding(
        question,
        "failure" if faults else "success",
        "; ".join(faults[:5]),
        trace.status,
        asking.clock() - began,
        None if trace.first_at is None else trace.first_at - began,
        usage,
        amount,
        price.currency if price is not None and amount is not None else "",
        trace.dropped,
        code="malformed" if faults else "",
        text=text[:LONGEST_TEXT],
    )


def _said(part: Any) -> str:
    """The text of a message or delta, or what stands in its place."""
    if not isinstance(part, Mapping):
        return ""
    spoken = part.get("content") or part.get("refusal") or part.get("reasoning_content") or part.get("reasoning")
    return spoken if isinstance(spoken, str) else ""


def _told(operation: str, body: Any) -> str:
    """What a whole answer says, for people."""
    if not isinstance(body, Mapping):
        return ""
    if operation == "chat":
        choices = body.get("choices") or ()
        return "".join(_said(choice.get("message")) for choice in choices if isinstance(choice, Mapping))
    if operation == "transcription":
        heard = body.get("transcript")
        text = heard.get("text") if isinstance(heard, Mapping) else heard
        return text if isinstance(text, str) else ""
    return ""


def _faults(operation: str, body: Any) -> list[str]:
    if operation == "chat":
        return validate.completion(body)
    if operation == "embeddings":
        return validate.embeddings(body)
    if operation == "rerank":
        return validate.rerank(body, len(RERANK["documents"]))
    return validate.transcription(body)
