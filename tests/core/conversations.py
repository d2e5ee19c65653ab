"""Conversations as applications write them, with everything that has been seen to break gateways."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
WORDS = st.text(
    st.sampled_from("aZ09 .,_-\n\t\"'\\/{}[]<>&éß日\u0301\u200d\u2028\ufeff\x7f\U0001f600\U0001f469"), max_size=16
)
SAID = WORDS.filter(lambda text: bool(text.strip()))
NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30),
    st.sampled_from([0, -0.0, 1.0, 0.1, 1e-7, 1e21, 2**53 + 1, 2**63, 2**64 + 1, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(WORDS | st.sampled_from(["type", "input", "name", "id", "$ref", "0"]), VALUES, max_size=4)
NAMES = st.sampled_from(["weather", "time_of_day", "a", "get-tide", "f_x2d_", "_x", "N0"])
VALID_IDS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=40)
ODD_IDS = st.sampled_from(["call:1", "call|2/ä", "x" * 80, "functions.weather:0", "chatcmpl-tool-é", " "])
SIGNATURES = st.binary(min_size=1, max_size=12).map(lambda data: base64.b64encode(data).decode())
PIXEL = "data:image/png;base64,iVBORw0KGgo="
IMAGES = st.sampled_from([PIXEL, "data:image/jpeg;base64,/9j/4A==", "data:image/webp;base64,UklGRg=="])


@dataclass
class Told:
    """A conversation, and what of it must arrive: calls (id, name, arguments), results (id, text), texts, pictures."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    def say(self, role: str, content: Any) -> None:
        self.messages.append({"role": role, "content": content})
        for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            if part["type"] == "image_url":
                self.images.append(part["image_url"]["url"].partition(",")[2])
            elif part["text"].strip():
                self.texts.append(part["text"])


TEXT_PART = st.builds(lambda text: {"type": "text", "text": text}, SAID)
BLANK_PART = st.sampled_from([{"type": "text", "text": text} for text in ("", " ", "\n\t")])
IMAGE_PART = st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, IMAGES)
CONTENT = SAID | st.lists(TEXT_PART, min_size=1, max_size=3)
USER_CONTENT = SAID | st.lists(TEXT_PART | IMAGE_PART | BLANK_PART, min_size=1, max_size=4)


@st.composite
def conversations(draw: st.DrawFn) -> Told:
    told = Told()
    if draw(st.booleans()):
        told.say("system", draw(CONTENT))
    told.say("user", draw(USER_CONTENT))
    for _ in range(draw(st.integers(0, 4))):
        turn = draw(st.sampled_from(["user", "assistant", "system", "developer", "calls", "calls"]))
        if turn == "calls":
            _calls(draw, told)
        else:
            told.say(turn, draw(USER_CONTENT if turn == "user" else CONTENT))
    if told.messages[-1]["role"] == "assistant":
        told.say("user", draw(SAID))
    return told


def _calls(draw: st.DrawFn, told: Told) -> None:
    """An answer with calls, and their results in any order."""
    taken = {call[0] for call in told.calls}
    ids = draw(
        st.lists((VALID_IDS | ODD_IDS).filter(lambda made: made not in taken), min_size=1, max_size=3, unique=True)
    )
    calls, results = [], []
    for identifier in ids:
        name, arguments = draw(NAMES), draw(ARGUMENTS)
        spelled = json.dumps(arguments, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
        calls.append({"id": identifier, "type": "function", "function": {"name": name, "arguments": spelled}})
        told.calls.append((identifier, name, arguments))
        content = draw(st.one_of(WORDS, st.lists(TEXT_PART, max_size=2), ARGUMENTS.map(json.dumps)))
        result = {"role": "tool", "tool_call_id": identifier, "content": content}
        results.append({**result, "is_error": True} if draw(st.booleans()) else result)
        parts = content if isinstance(content, list) else [{"text": content}]
        told.results.append((identifier, "\n".join(part["text"] for part in parts)))
    text = draw(st.none() | SAID)
    told.messages.append({"role": "assistant", "content": text, "tool_calls": calls})
    if text:
        told.texts.append(text)
    told.messages += draw(st.permutations(results))


def same(first: Any, second: Any) -> bool:
    """Equal as JSON texts: the same types of numbers, the same order of keys."""
    return json.dumps(first) == json.dumps(second)
