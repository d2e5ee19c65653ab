"""What models behind the Messages format take, by name. ◇

Source: Anthropic's model overview and migration notes. A name that is not Claude's (a local server that speaks the
format) is taken to accept what the first version of the format had; a Claude that is not listed, what the newest do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Traits:
    """One family. ``max_output``: the most tokens of an answer (None: unknown). ``sampling``: temperature, top_p and
    top_k; ``both``: temperature and top_p together. ``budget``: thinking with a budget; ``adaptive``: thinking by
    itself; ``efforts``: words of ``output_config.effort``; ``off``: thinking can be turned off. ``prefill``: the last
    message may be the assistant's. ``forced``: tools can be forced. ``schema``: structured outputs and strict tools."""

    max_output: int | None = None
    sampling: bool = True
    both: bool = True
    budget: bool = True
    adaptive: bool = False
    efforts: frozenset[str] = frozenset()
    off: bool = True
    prefill: bool = True
    forced: bool = True
    schema: bool = False


BASIC = frozenset({"low", "medium", "high"})
SOME = BASIC | {"max"}
ALL = SOME | {"xhigh"}

UNKNOWN = Traits()
THREE = Traits(max_output=4096, budget=False)
FOUR = Traits(max_output=64_000)
FOUR_FIVE = Traits(max_output=64_000, both=False, schema=True)
FOUR_SIX = Traits(max_output=128_000, both=False, adaptive=True, efforts=SOME, prefill=False, schema=True)
FIVE = replace(FOUR_SIX, sampling=False, budget=False, efforts=ALL)
ALWAYS = replace(FIVE, off=False)
NEWEST = replace(ALWAYS, forced=False)

FAMILIES: tuple[tuple[re.Pattern[str], Traits], ...] = tuple(
    (re.compile(rf"claude-(?:{pattern})(?!\d)"), traits)
    for pattern, traits in (
        (r"3-7-", replace(FOUR, max_output=64_000)),
        (r"3-5-", replace(THREE, max_output=8192)),
        (r"3-|2|instant", THREE),
        (r"opus-4-5", replace(FOUR_FIVE, efforts=BASIC)),
        (r"(?:haiku|sonnet)-4-5", FOUR_FIVE),
        (r"(?:sonnet|opus)-4-6", FOUR_SIX),
        (r"opus-4-1", replace(FOUR, max_output=32_000, both=False)),
        (r"opus-4(?:-0|-20\d{6})?(?!-\d)", replace(FOUR, max_output=32_000)),
        (r"sonnet-4(?:-0|-20\d{6})?(?!-\d)", FOUR),
        (r"opus-4-[78]|(?:sonnet|opus)-5(?:-20\d{6})?(?!-\d)|haiku-5-5", FIVE),
        (r"(?:fable|mythos)-(?:5|preview)(?:-20\d{6})?(?!-\d)", ALWAYS),
        (r"", NEWEST),
    )
)


def traits_of(model: str) -> Traits:
    """The row of an upstream's model name, also under a prefix (``vendor/``, ``vendor.``) and with dots for dashes."""
    name = model.lower().replace(".", "-").replace("@", "-")
    return next((traits for pattern, traits in FAMILIES if pattern.search(name)), UNKNOWN)
