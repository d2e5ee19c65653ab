"""The spool: finished requests on their way to the database, one JSON line each, in files of one worker each.

``<data>/spool/<start ms>-<pid>-<chance>.jsonl``. Its writer holds ``flock(LOCK_EX)`` on a file for as long as it may
still write to it; a file that can be locked shared is therefore finished, by rotation or by its writer's death, however
sudden. A file gets its final name only after it has been locked, so that nobody mistakes a new one for a finished one.

One line is one ``write(2)``: it survives the death of the process, though not of the machine's power supply.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from metrics.native import real_lock

logger = logging.getLogger(__name__)

MAX_BYTES = 8 * 1024 * 1024
ABANDONED_AFTER = 60.0
COMPLAIN_EVERY = 60.0


class Spool:
    """What one process writes. Safe between threads and greenlets; of no use in a forked child (``own`` makes another).

    ``lost`` counts the records that could not be written.
    """

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self.directory = directory
        self.lost = 0
        self._max_bytes = max_bytes
        self._lock = real_lock()
        self._file = -1
        self._size = 0
        self._complained_at = -COMPLAIN_EVERY

    def append(self, line: bytes) -> bool:
        """Write one line, its newline included. False, a count and at most one log line a minute where that fails."""
        problem: OSError | None = None
        with self._lock:
            try:
                self._write(line)
            except OSError as error:
                self.lost += 1
                problem = error
        if problem is not None:
            self._complain(problem)
        return problem is None

    def rotate(self) -> None:
        """Finish the current file, if there is one; the next record begins another."""
        with self._lock:
            self._finish()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's file without unlocking it."""
        self._lock = real_lock()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> None:
        if self._file < 0:
            self._file = _open_locked(self.directory)
            self._size = 0
        written = os.write(self._file, line)
        if written != len(line):
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, "only a part of the record could be written")
        self._size += written
        if self._size >= self._max_bytes:
            self._finish()

    def _finish(self) -> None:
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # a forked child may still hold the same open file
            os.close(self._file)
            self._file = -1

    def _complain(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = now
            logger.error("%d records so far could not be written to %s: %s", self.lost, self.directory, error)


def _open_locked(directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{time.time_ns() // 1_000_000}-{os.getpid()}-{secrets.token_hex(4)}"
    hidden = directory / f"{name}.new"
    file = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.rename(directory / f"{name}.jsonl")
    except OSError:
        os.close(file)
        raise
    return file


def default_directory() -> Path:
    """``<data directory>/spool``."""
    return Path(settings.DATA_DIR) / "spool"


class Own:
    """This process's spool of a directory, made when it is first asked for; a forked child makes another."""

    def __init__(self, directory: Callable[[], Path]) -> None:
        self._directory = directory
        self._made: Spool | None = None
        os.register_at_fork(after_in_child=self._start_afresh)

    def __call__(self) -> Spool:
        if self._made is None:
            self._made = Spool(self._directory())
        return self._made

    def rotate(self) -> None:
        """Finish the current file, if there is one."""
        if self._made is not None:
            self._made.rotate()

    def _start_afresh(self) -> None:
        if self._made is not None:
            self._made.abandon()
            self._made = None


own = Own(default_directory)


def files(directory: Path) -> list[Path]:
    """All spool files, live ones included, the oldest first."""
    if not directory.is_dir():
        return []
    return sorted(directory.glob("[0-9]*-*.jsonl"), key=lambda path: (_started(path), path.name))


def _started(path: Path) -> int:
    start = path.name.partition("-")[0]
    return int(start) if start.isdecimal() else 0


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes] | None, bool]]:
    """The file open for reading (None: gone already), and whether its writer is done with it.

    Whole lines of a file that is still written to may be read, and only those: the last one may be in the making.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None, True
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield file, False
            return
        yield file, True


@contextmanager
def lease(directory: Path) -> Iterator[bool]:
    """Whether this process is the one of its host that drains, until the block ends. The kernel frees it at death."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(directory / ".lease", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)


def sweep(directory: Path) -> None:
    """Remove what writers left that died between creating a file and naming it. Those are empty."""
    for path in directory.glob("*.new"):
        if time.time() - path.stat().st_mtime > ABANDONED_AFTER:
            path.unlink(missing_ok=True)
