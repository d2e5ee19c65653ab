"""What went over the wire in one try, kept for an operator to read: without keys, cookies and other secrets. ◇

A ``Tape`` in a ``Trace`` is filled by who sends and who receives; nobody else pays for it. What is shown of it has
secrets replaced by dots, whether they stand in a header, in the address or in a text that quotes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit, urlunsplit

from providers.wire import FileBody, WireRequest

DOTS = "••••"
KEPT = 64 * 1024  # bytes of a body that are kept
SHORTEST_PART = 4  # letters of a secret at the end of a cut text that are worth hiding
COOKIES = frozenset({"cookie", "set-cookie", "set-cookie2"})
SIGNING = ("authorization", "api-key", "apikey", "token", "secret", "password", "credential", "signature")
SIGNING_PARAMETERS = frozenset({"key", "sig", "auth", "code", "access_key"})


@dataclass(slots=True)
class Tape:
    """One exchange as it was: ``request`` as sent, None before; the reply's status, headers and first bytes."""

    request: WireRequest | None = field(default=None, repr=False)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytearray = field(default_factory=bytearray, repr=False)
    length: int = 0

    def receive(self, data: bytes) -> None:
        """Bytes of the reply's body: all are counted, the first are kept."""
        self.length += len(data)
        if len(self.body) < KEPT:
            self.body += data[: KEPT - len(self.body)]


@dataclass(frozen=True, slots=True)
class Side:
    """One half of an exchange as it may be shown. ``line``: "POST https://…" or "200". ``left_out``: bytes of the body
    that are not in ``body``."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: str
    left_out: int = 0


def shown(tape: Tape, secrets: Iterable[str]) -> tuple[Side, Side | None] | None:
    """(request, reply or None where none came) without ``secrets``; None where nothing was sent."""
    request = tape.request
    if request is None:
        return None
    hidden = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    raw = request.body.before if isinstance(request.body, FileBody) else request.body
    sent = Side(
        f"{request.method} {_address(request.url, hidden)}",
        _headers(request.headers, hidden),
        _text(raw[:KEPT], hidden, cut=len(request.body) > KEPT),
        max(0, len(request.body) - min(len(raw), KEPT)),
    )
    if tape.status is None:
        return sent, None
    left_out = tape.length - len(tape.body)
    return sent, Side(
        str(tape.status), _headers(tape.headers, hidden), _text(bytes(tape.body), hidden, left_out > 0), left_out
    )


def _forms(secret: str) -> set[str]:
    """How a text may quote a secret."""
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}


def _without(text: str, hidden: list[str]) -> str:
    for secret in hidden:
        text = text.replace(secret, DOTS)
    return text


def _text(raw: bytes, hidden: list[str], cut: bool) -> str:
    """What was cut may end with the beginning of a secret."""
    text = _without(raw.decode("utf-8", "replace"), hidden)
    for secret in hidden if cut else ():
        for length in range(min(len(secret), len(text)) - 1, SHORTEST_PART - 1, -1):
            if text.endswith(secret[:length]):
                text = f"{text[:-length]}{DOTS}"
                break
    return text


def _headers(headers: Mapping[str, str], hidden: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, _value(name.lower(), value, hidden))
        for name, value in sorted(headers.items())
        if name.lower() not in COOKIES
    )


def _value(name: str, value: str, hidden: list[str]) -> str:
    if any(word in name for word in SIGNING):
        scheme, space, _rest = value.partition(" ")
        return f"{scheme} {DOTS}" if space and scheme.isalpha() else DOTS
    return _without(value, hidden)


def _address(url: str, hidden: list[str]) -> str:
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{quote(name)}={DOTS if _signs(name.lower()) else quote(value)}" for name, value in pairs)
    host = parts.netloc.rpartition("@")[2]
    return _without(urlunsplit(parts._replace(netloc=host, query=query)), hidden)


def _signs(parameter: str) -> bool:
    return parameter in SIGNING_PARAMETERS or any(word in parameter.replace("_", "-") for word in SIGNING)
