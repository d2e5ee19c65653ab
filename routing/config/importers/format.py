"""What makes a format that can be imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from routing.config.amend import Draft
from routing.config.importers.source import Source


@dataclass(frozen=True, slots=True)
class Format:
    """``label``: what it is; ``sign``: what it is recognised by, for messages. ``read`` amends the draft; it raises
    DocumentError where it cannot go on, and else complains and notes. ``late``: it speaks of what other files bring,
    and is read after them."""

    label: str
    sign: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Draft], None]
    late: bool = False
