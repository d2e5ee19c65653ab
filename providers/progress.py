"""How far a command has come: a bar on a terminal, a plain line a step elsewhere."""

from __future__ import annotations

import shutil
from types import TracebackType

from django.core.management.base import OutputWrapper

WIDTH = 24


class Progress:
    """``with Progress(out, total) as progress: progress.step("openai: 65 models")``.

    On a terminal the bar stands below the lines of the steps, and is gone at the end.
    """

    def __init__(self, out: OutputWrapper, total: int) -> None:
        self.out = out
        self.total = total
        self.done = 0
        self.bar = out.isatty()

    def __enter__(self) -> Progress:
        self._draw()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._clear()

    def step(self, line: str) -> None:
        """One more is done, and this is what came of it."""
        self.done += 1
        self._clear()
        self.out.write(line if self.bar else f"[{self.done}/{self.total}] {line}")
        self._draw()

    def _draw(self) -> None:
        if not self.bar or not self.total:
            return
        filled = WIDTH * self.done // self.total
        text = f"[{'█' * filled}{'·' * (WIDTH - filled)}] {self.done}/{self.total}"
        self.out.write(text[: shutil.get_terminal_size().columns - 1], ending="")
        self.out.flush()

    def _clear(self) -> None:
        if self.bar:
            self.out.write("\r\x1b[2K", ending="")
            self.out.flush()
