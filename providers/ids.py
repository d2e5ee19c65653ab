"""Tool calls' ids as vendors restrict them. ◇

A conversation that began at one vendor may go on at another, whose rules its ids need not keep: Gemini's carry
signatures of a kilobyte. An id that does not fit is replaced by digits made from it, the same for the same id, so that
calls and results still match; the caller keeps its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class IdRule:
    """``fits``: what ids must look like; others become ``prefix`` and that many ``digits``."""

    fits: re.Pattern[str]
    digits: int
    prefix: str = "call_"


NINE = IdRule(re.compile(r"[a-zA-Z0-9]{9}"), 9, "")  # Mistral
FORTY = IdRule(re.compile(r".{1,40}", re.S), 24)  # OpenAI
SIXTY_FOUR = IdRule(re.compile(r".{1,64}", re.S), 24)  # no limit known; vLLM's own have 46 characters
PLAIN = IdRule(re.compile(r"[a-zA-Z0-9_-]{1,64}"), 24)  # Anthropic


def fitting(identifier: str, rule: IdRule) -> str:
    """``identifier`` itself where it fits, else the one that stands for it."""
    if rule.fits.fullmatch(identifier):
        return identifier
    number = int.from_bytes(hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest(), "big")
    letters = []
    for _ in range(rule.digits):
        number, rest = divmod(number, 62)
        letters.append(ALPHABET[rest])
    return rule.prefix + "".join(letters)
