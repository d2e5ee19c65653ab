"""Server-sent events from raw bytes, however they are split. ◇

Source: WHATWG HTML, "Interpreting an event stream": lines end in LF, CRLF or CR; a leading byte order mark and comment
lines are ignored; several ``data`` lines are joined by newlines; a blank line ends an event; UTF-8 is decoded with
replacement. ``id`` and ``retry`` mean nothing to us.
"""

from __future__ import annotations

from providers.errors import MalformedReply
from providers.wire import Event

MAX_EVENT = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


class SSEDecoder:
    """Collects one stream. An event of more than ``max_event`` bytes raises ``MalformedReply``."""

    __slots__ = ("_begun", "_data", "_max", "_name", "_size", "_skip_lf", "_tail", "_tail_size")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max = max_event
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._data: list[bytes] = []
        self._size = 0
        self._name: str | None = None
        self._skip_lf = False
        self._begun = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        if self._skip_lf and data:
            self._skip_lf = False
            if data[0] == 10:
                data = data[1:]
        if b"\r" in data:
            # A CR ends its line at once; if an LF follows in the next piece, it belongs to the same line end.
            self._skip_lf = data[-1] == 13
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._keep(data)
            return []
        if self._tail:
            self._tail.append(data)
            data = b"".join(self._tail)
            self._tail = []
        lines = data.split(b"\n")
        self._tail_size = 0
        self._keep(lines.pop())
        return self._read(lines)

    def flush(self) -> list[Event]:
        """The event that the end of the stream left without its blank line, if any. The specification discards it; some
        vendors end their last event so."""
        lines = [b"".join(self._tail), b""]
        self._tail = []
        return self._read(lines)

    def _keep(self, data: bytes) -> None:
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
        if self._tail_size + self._size > self._max:
            raise MalformedReply(f"The upstream sent an event of more than {self._max} bytes.")

    def _read(self, lines: list[bytes]) -> list[Event]:
        events: list[Event] = []
        if not self._begun and lines:
            self._begun = True
            lines[0] = lines[0].removeprefix(BOM)
        for line in lines:
            if line.startswith(b"data:"):
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(value)
                self._size += len(value) + 1
                if self._size > self._max:
                    raise MalformedReply(f"The upstream sent an event of more than {self._max} bytes.")
            elif not line:
                if self._data:
                    events.append(Event(b"\n".join(self._data).decode("utf-8", "replace"), self._name))
                    self._data = []
                    self._size = 0
                self._name = None
            elif line.startswith(b"event:"):
                self._name = line[6:].removeprefix(b" ").decode("utf-8", "replace") or None
            elif line == b"data":
                self._data.append(b"")
                self._size += 1
        return events
