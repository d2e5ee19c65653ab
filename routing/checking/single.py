"""One place tried for real, whatever is switched off: an endpoint, a provider, a provider's model. ◇

Asked and judged by the same question and code as ``check_providers``, with what went over the wire kept to be read.
Nothing is recorded, no circuit and no limit hears of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from providers.tape import Side, Tape, shown
from providers.targets import secrets_of
from routing.checking.questions import Question, questions_for
from routing.checking.trial import Asking, Finding, try_out
from routing.ports import Send
from routing.types import Candidate, Catalog

SECONDS = 50.0  # for one key
TOGETHER = 55.0  # for all keys of the provider


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one key was sent with: ``key`` is its name, "" where none is needed. Secrets are dots."""

    key: str
    sent: Side
    received: Side | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. ``refusal``: why nothing was sent (no_key, no_proxy, no_operation), "" where something was."""

    candidate: Candidate
    stream: bool
    refusal: str = ""
    finding: Finding | None = None
    exchanges: tuple[Exchange, ...] = ()
    overdue: bool = False


def places(catalog: Catalog, what: str, name: str) -> dict[str, Candidate]:
    """What can be tried of ``name``, by model, the name of its own first: ``what`` is endpoint, provider or model
    ("provider/model"). {} where it is not known, or offers no model."""
    if what == "endpoint":
        found = catalog.endpoints.get(name)
        if found is None or not found.pass_model_name:
            return {} if found is None else {found.target.upstream_model: found}
        entry = catalog.providers[found.target.provider]
        return {model: _named(found, one) for model, one in entry.models.items() if not one.pass_model_name}
    if what == "provider":
        offer = catalog.providers.get(name)
        return dict(sorted(offer.models.items(), key=lambda pair: _order(pair[1]))) if offer else {}
    provider, _slash, model = name.partition("/")
    offer = catalog.providers.get(provider)
    one = offer.models.get(model) if offer else None
    return {model: one} if one is not None else {}


def question_of(candidate: Candidate, stream: bool) -> Question:
    """The question that is asked of ``candidate``; whole where what it does cannot be streamed."""
    asked = questions_for(candidate.endpoint, candidate, named=True)
    return next((question for question in asked if question.stream == stream), asked[0])


def try_one(catalog: Catalog, candidate: Candidate, stream: bool, send: Send) -> Tried:
    """Ask ``candidate`` now, switched off or not, resting or not. Takes ``TOGETHER`` seconds at most."""
    entry = catalog.providers[candidate.target.provider]
    awake = replace(candidate, reason_skipped=None, skip_code="")
    question = question_of(awake, stream)
    if entry.proxy_missing:
        return Tried(candidate, stream, "no_proxy")
    if not candidate.credentials and not entry.keyless:
        return Tried(candidate, stream, "no_key")
    if question.skip:
        return Tried(candidate, stream, "no_operation")
    ends = time.monotonic() + TOGETHER
    tapes: list[Tape] = []
    finding = try_out(question, Asking(send, SECONDS, lambda: time.monotonic() > ends, tapes=tapes))
    keys = candidate.credentials or (None,)
    hidden = [secret for key in keys for secret in secrets_of(candidate.target, key)]
    told = ((key, shown(tape, hidden)) for key, tape in zip(keys, tapes, strict=False))
    exchanges = tuple(Exchange(key.identity if key else "", *sides) for key, sides in told if sides is not None)
    return Tried(candidate, question.stream, "", finding, exchanges, finding.outcome == "skipped")


def _order(candidate: Candidate) -> tuple[bool, bool, str]:
    """Those that are switched on first, and that chat; then by name."""
    return candidate.reason_skipped is not None, candidate.facts.type not in ("", "text-generation"), candidate.endpoint


def _named(place: Candidate, model: Candidate) -> Candidate:
    target = replace(place.target, upstream_model=model.target.upstream_model)
    return replace(place, target=target, facts=model.facts, pass_model_name=False)
