"""A log file of whole lines that several processes write and rotate at once. A line is one ``write(2)``.

``file``, and up to ``kept`` older ones: ``file.1`` is the youngest. Whoever fills a file renames it, under a lock; the
others notice with their next line, because the name then leads to another file.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from pathlib import Path

from metrics.native import real_lock

MAX_BYTES = 5 * 1024 * 1024
KEPT = 5
COMPLAIN_EVERY = 60.0
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe that nobody reads halts nobody

logger = logging.getLogger(__name__)


class LineLog:
    """What one process writes. Safe between threads and greenlets; opened with the first line."""

    def __init__(self, file: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self.file = file
        self._max_bytes = max_bytes
        self._kept = kept
        self._guard = real_lock()
        self._open = -1
        self._torn = b""
        self._complained_at = -COMPLAIN_EVERY

    def append(self, line: bytes) -> None:
        """Write one line, its newline included. A file that cannot be written loses it, and is told once a minute."""
        problem: OSError | None = None
        with self._guard:
            try:
                self._write(line)
            except OSError as error:
                problem = error
        if problem is not None and time.monotonic() - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = time.monotonic()
            logger.error("%s cannot be written: %s", self.file, problem)

    def _write(self, line: bytes) -> None:
        if self._open < 0 or not self._is_current():
            self.close()
            self._open = os.open(self.file, FLAGS, 0o600)
        line = self._torn + line
        written = os.write(self._open, line)
        # Others may have written behind a part of a line by now: it stays, and is ended with the next one.
        self._torn = b"" if written == len(line) else b"\n"
        if os.fstat(self._open).st_size >= self._max_bytes:
            self._rotate()

    def _is_current(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.stat(self.file), os.fstat(self._open))
        return False

    def _rotate(self) -> None:
        """Unless another process is about it, or has done it."""
        lock = os.open(f"{self.file}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_current():
                names = [str(self.file), *(f"{self.file}.{number}" for number in range(1, self._kept + 1))]
                for younger, older in zip(names[-2::-1], names[:0:-1], strict=True):
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(younger, older)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        if self._open >= 0:
            os.close(self._open)
            self._open = -1
