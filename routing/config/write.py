"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_IMODE


def write(file: Path, content: str, mode: int = 0o644) -> None:
    """Replace ``file``, which keeps its mode, or make it with ``mode``; a pipe or terminal is written to.

    Raises OSError, and then the file is as it was.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        file.write_text(content, encoding="utf-8")
        return
    mode = S_IMODE(file.stat().st_mode) if file.exists() else mode
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(file)) from error
