"""A window as one would explain it: a list of everything that was ever admitted. The stores are held against it."""

from __future__ import annotations

from dataclasses import dataclass, field

from routing.limits import Reading, Window

SECOND = 1_000_000


@dataclass
class Hit:
    at: int
    tokens: int
    cancelled: bool = False


@dataclass
class Model:
    """All windows; moments are microseconds."""

    hits: dict[str, list[Hit]] = field(default_factory=dict)

    def inside(self, window: Window, now: int) -> list[Hit]:
        return [hit for hit in self.hits.get(window.key, []) if not hit.cancelled and hit.at > now - window.length]

    def refuses(self, window: Window, asked: int, now: int) -> set[str]:
        inside = self.inside(window, now)
        used = sum(hit.tokens for hit in inside)
        refusing = set()
        if window.requests is not None and len(inside) >= window.requests:
            refusing.add("requests")
        if window.tokens is not None:
            alone = asked > window.tokens and used == 0
            if used + asked > window.tokens and not alone:
                refusing.add("tokens")
        return refusing

    def until(self, window: Window, asked: int, now: int) -> int:
        """The first moment from which nothing more refuses, if nothing happens meanwhile; found by trying each."""
        leaving = sorted({hit.at + window.length for hit in self.inside(window, now)})
        return next(moment for moment in [now, *leaving] if not self.refuses(window, asked, moment))

    def take(self, windows: list[Window], asked: int, now: int) -> list[Hit] | None:
        if any(self.refuses(window, asked, now) for window in windows):
            return None
        taken = []
        for window in windows:
            hit = Hit(now, asked if window.tokens is not None else 0)
            self.hits.setdefault(window.key, []).append(hit)
            taken.append(hit)
        return taken

    def reading(self, window: Window, now: int) -> Reading:
        inside = self.inside(window, now)
        requests, tokens = len(inside), sum(hit.tokens for hit in inside)
        quota = None if window.requests is None else max(0, window.requests - requests)
        left = None if window.tokens is None else max(0, window.tokens - tokens)
        reset = (inside[0].at + window.length - now) / SECOND if inside else 0.0
        return Reading(requests, tokens, quota, left, quota == 0 or left == 0, reset)

    def most_within(self, window: Window) -> int:
        """The most admissions that any span of the window's length holds, wherever it begins."""
        moments = [hit.at for hit in self.hits.get(window.key, []) if not hit.cancelled]
        return max((sum(start <= at < start + window.length for at in moments) for start in moments), default=0)
