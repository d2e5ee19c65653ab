"""What is asked of a model to see whether it works: as little as can be, for each operation. ◇"""

from __future__ import annotations

import io
import math
import re
import struct
import wave
from dataclasses import dataclass, field
from decimal import Decimal

from providers.adapters.listings.names import guess_type
from providers.chat import Call
from providers.operations import OPERATIONS, speaks
from providers.wire import Upload
from routing.pricing import cost, price_at
from routing.types import Candidate

FEW_TOKENS = 64
THINKING_TOKENS = 2048  # a model that thinks says nothing before it has thought
PROMPT_TOKENS = 30  # about what the questions below come to, with what vendors add
REASONING = re.compile(
    r"(^|/)(o\d|gpt-5)|reason|think|r1\b|r1-|qwq|magistral|gemini-(2\.5|[3-9])|grok-[3-9]|gpt-oss", re.I
)
UNBOUNDED = re.compile(r"deep-research", re.I)

CHAT = {"messages": [{"role": "user", "content": "Answer with the single word: pong"}]}
EMBEDDINGS = {"input": "ping"}
RERANK = {
    "query": "What is the capital of France?",
    "documents": ["Bananas are yellow.", "Paris is the capital of France."],
}


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is tried: ``name`` is what it is called in reports ("provider/model"). ``skip``: why it is not
    tried, "" if it is."""

    name: str
    candidate: Candidate
    operation: str
    stream: bool
    skip: str = ""

    @property
    def mode(self) -> str:
        """ "streaming" or "non-streaming"."""
        return "streaming" if self.stream else "non-streaming"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What questions may cost at most, by currency; ``unknown``: for how many no price is known."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    unknown: int = 0


def questions_for(name: str, candidate: Candidate, *, named: bool = False) -> list[Question]:
    """What is tried of one model: chat whole and as a stream, else the operation of its type. ``named``: it was asked
    for by name, so that a high price is meant."""
    type_ = candidate.facts.type or guess_type(candidate.target.upstream_model)
    operation = next((one.name for one in OPERATIONS.values() if type_ in one.types), "chat")
    skip = ""
    if not speaks(candidate.target, operation):
        skip = f"{candidate.target.kind} upstreams know no {operation}"
    elif UNBOUNDED.search(name) and not named:
        skip = "its answers cannot be kept short and cheap: name it with --model to try it"
    modes = (False, True) if operation == "chat" else (False,)
    return [Question(name, candidate, operation, stream, skip) for stream in modes]


def call_for(question: Question) -> Call:
    """The request, in the inner form."""
    if question.operation == "chat":
        return Call("chat", {**CHAT, "max_tokens": answer_tokens(question)}, stream=question.stream)
    if question.operation == "transcription":
        sound = tone()
        upload = Upload("tone.wav", "audio/wav", len(sound), io.BytesIO(sound))
        return Call("transcription", {"response_format": "json", "language": "en"}, upload=upload)
    return Call(question.operation, EMBEDDINGS if question.operation == "embeddings" else RERANK)


def answer_tokens(question: Question) -> int:
    """How long an answer may become, in tokens."""
    facts = question.candidate.facts
    thinks = "reasoning" in facts.capabilities or REASONING.search(question.candidate.target.upstream_model)
    wanted = THINKING_TOKENS if thinks else FEW_TOKENS
    return min(wanted, facts.max_output_tokens or wanted)


def estimate(questions: list[Question], now: float) -> Estimate:
    """What the questions that are not skipped may cost at most, at the prices in force at ``now`` (Unix seconds)."""
    amounts: dict[str, Decimal] = {}
    unknown = 0
    for question in questions:
        if question.skip:
            continue
        price = price_at(question.candidate.facts.prices, now)
        length = answer_tokens(question) if question.operation == "chat" else 0
        amount = cost(price, {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": length})
        if price is None or amount is None:
            unknown += 1
        else:
            amounts[price.currency] = amounts.get(price.currency, Decimal(0)) + amount
    return Estimate(amounts, unknown)


def tone() -> bytes:
    """One second of a quiet 440 Hz tone as WAV: 16 kHz, mono, 16 bits."""
    rate = 16_000
    samples = (int(3000 * math.sin(2 * math.pi * 440 * moment / rate)) for moment in range(rate))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return file.getvalue()
