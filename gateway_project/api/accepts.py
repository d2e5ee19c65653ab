"""Which of some media types a caller likes best, by its ``Accept`` header (RFC 9110, 12.5.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The one of ``offered`` with the highest quality; the first of equals, and where none is accepted.

    Parameters of media types (versions, escaping) are not looked at.
    """
    ranges = list(_ranges(accept))
    qualities = {media: _quality(media, ranges) for media in offered}
    return max(offered, key=lambda media: qualities[media])


def _quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Of the most specific range that speaks of it; of several equally specific ones the highest."""
    for meant in (media, f"{media.partition('/')[0]}/*", "*/*"):
        found = [quality for name, quality in ranges if name == meant]
        if found:
            return max(found)
    return 0.0


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            yield name, min(max(float(quality), 0.0), 1.0)
        except ValueError:
            yield name, 0.0
