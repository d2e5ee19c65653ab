"""Going on with an answer that was cut: the policy ``resume``. ◇ no framework.

The caller has read a beginning. Another endpoint is given that beginning to continue, where it can (assistant prefill);
otherwise it answers afresh, and is believed only if its answer begins with the very text that was sent. That is taken
off, so that the caller reads one answer, once, without a gap. Where nobody can, the cut is told honestly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import UpstreamError, UpstreamTimeout
from routing.ports import Answer, Ledger, Ports
from routing.tries import Refused, Tries
from routing.types import Candidate, Need, Plan

PREFILL = "assistant_prefill"  # a capability of models whose kind does not promise it
_TELLING = 16  # characters: an answer that begins with as many of those sent is no continuation but a fresh one


@dataclass(slots=True)
class Sent:
    """What the caller has read of the answer: its text, and whether it can be continued at all."""

    text: str = ""
    continuable: bool = True
    first: Mapping[str, Any] = field(default_factory=dict)

    def note(self, chunk: Mapping[str, Any]) -> None:
        """One chunk was passed on. Half a tool call, or one of several answers, cannot be continued."""
        self.first = self.first or chunk
        for choice in chunk["choices"]:
            delta = choice["delta"]
            self.text += delta.get("content") or ""
            if choice.get("index") or any(
                delta.get(key) for key in ("tool_calls", "function_call", "refusal", "audio")
            ):
                self.continuable = False
            if choice.get("finish_reason"):
                self.continuable = False


class Resume:
    """How one request's answer may be continued. ``after`` may be called again when the continuation is cut, too."""

    def __init__(self, plan: Plan, call: Call, need: Need, ports: Ports, ledger: Ledger) -> None:
        self._left = list(plan.candidates)
        self._second: set[str] = set()  # endpoints that were cut and have been, or are to be, asked once more
        self._call = call
        self._need = need
        self._ports = ports
        self._ledger = ledger

    def after(self, cut: Answer, error: UpstreamError, sent: Sent) -> tuple[Answer, Iterator[dict[str, Any]]] | None:
        """Who goes on after ``cut``, and the chunks that follow what was sent; None where nobody can.

        The endpoint that was cut comes last, and once, unless it fell silent. Raises ``CallerLeft``.
        """
        if not sent.continuable or self._call.operation != "chat":
            return None
        names = [candidate.endpoint for candidate in self._left]
        here = names.index(cut.candidate.endpoint) if cut.candidate.endpoint in names else -1
        self._left = self._left[here + 1 :]
        spent = isinstance(error, UpstreamTimeout) or cut.candidate.endpoint in self._second
        again = [] if spent else [cut.candidate]
        self._second.add(cut.candidate.endpoint)
        others = list(self._left)
        then = next((candidate.endpoint for candidate in others + again), "")
        self._ports.tell(cut.candidate.endpoint, f"was cut, {error.message}", then)
        for candidate in others + again:
            self._left = self._left[1:]
            for call in self._calls(candidate, sent.text):
                continued = self._try(candidate, call, sent)
                if continued is not None:
                    return continued
        return None

    def _calls(self, candidate: Candidate, text: str) -> Iterator[Call]:
        target = candidate.target
        able = ADAPTERS[target.wire].prefills(target) or PREFILL in candidate.facts.capabilities
        if able and text.strip():
            begun = {"role": "assistant", "content": text.rstrip()}
            body = {**self._call.body, "messages": [*self._call.body["messages"], begun]}
            yield replace(self._call, body=body, continues=True)
        yield self._call

    def _try(self, candidate: Candidate, call: Call, sent: Sent) -> tuple[Answer, Iterator[dict[str, Any]]] | None:
        try:
            answer = Tries(candidate, call, self._need, self._ports, self._ledger).run(last=False)
        except Refused as refused:
            self._ledger.skipped.append(refused.skip)
            return None
        except UpstreamError:
            return None
        chunks = chain(answer.reply.held, answer.reply)
        try:
            fresh = _following(chunks, sent.text, call.continues)
        except UpstreamError as error:
            answer.attempt.error = error.message
            self._ports.state.failed(answer.hold, error)
            self._close(answer, error.outcome)
            return None
        except BaseException:
            self._close(answer, "cancelled")
            raise
        if fresh is None:
            self._close(answer, "diverged")
            return None
        return answer, _as_one(chain(fresh, chunks), sent.first)

    def _close(self, answer: Answer, outcome: str) -> None:
        answer.reply.close()
        answer.attempt.outcome = outcome
        answer.attempt.end_ms = self._ledger.ms(self._ports.clock())
        self._ports.state.let_go(answer.hold, None)


def _following(chunks: Iterator[dict[str, Any]], sent: str, continues: bool) -> list[dict[str, Any]] | None:
    """Reads as much of a new answer as it takes to know how it relates to ``sent``, and gives what follows of that.

    None: an answer from the beginning that says something else. A continuation passes as it is, but where it turns out
    to be the whole answer once more, or repeats the spaces that a prefill must not end with.
    """
    blank = sent[len(sent.rstrip()) :] if continues else ""
    read: list[dict[str, Any]] = []
    text = ""
    for chunk in chunks:
        read.append(chunk)
        text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
        if len(text) >= len(sent) or not sent.startswith(text):
            break
    if text.startswith(sent) and (not continues or len(sent) >= _TELLING):
        return _without(read, len(sent))
    if not continues:
        return None
    return _without(read, len(blank) if blank and text.startswith(blank) else 0)


def _without(chunks: Iterable[dict[str, Any]], skip: int) -> list[dict[str, Any]]:
    """``chunks`` without the first ``skip`` characters of their text."""
    kept = []
    for chunk in chunks:
        choices, skipping = [], skip > 0
        for choice in chunk["choices"]:
            text = choice["delta"].get("content") or ""
            if text and skip:
                rest = {"delta": {**choice["delta"], "content": text[skip:]}}
                choice = {**choice, **rest, **({"logprobs": None} if "logprobs" in choice else {})}
                skip = max(0, skip - len(text))
            choices.append(choice)
        if skipping and not any(_says(choice) for choice in choices) and not chunk.get("usage"):
            continue
        kept.append({**chunk, "choices": choices})
    return kept


def _says(choice: Mapping[str, Any]) -> bool:
    return bool(choice.get("finish_reason")) or any(choice["delta"].values())


def _as_one(chunks: Iterable[dict[str, Any]], first: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks of a continuation under the id of the answer that the caller reads, without a second beginning and
    without reasoning, which belongs to a beginning."""
    same = {key: first[key] for key in ("id", "created") if key in first}
    for chunk in chunks:
        choices = [
            {**choice, "delta": {key: value for key, value in choice["delta"].items() if key not in _BEGINNING}}
            for choice in chunk["choices"]
        ]
        yield {**chunk, **same, "choices": choices}


_BEGINNING = frozenset({"role", "reasoning", "reasoning_content", "reasoning_details"})
