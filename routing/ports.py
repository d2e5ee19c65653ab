"""What dispatch and relay need of the outside world, and the account they keep of one request. ◇ no framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from providers.chat import Call
from providers.errors import UpstreamError
from providers.wire import Credential, Limits, Target, Trace
from routing.limits import Ticket
from routing.types import Attempt, Candidate, Need, Skip


class Send(Protocol):
    """``providers.upstream.send``: one try; returns a completion or a stream whose first content has been read."""

    def __call__(
        self,
        target: Target,
        credential: Credential | None,
        call: Call,
        limits: Limits,
        gone: Callable[[], bool],
        trace: Trace,
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """What one try has taken of shared state: a place in windows, perhaps the one probe of an open circuit."""

    candidate: Candidate
    ticket: Ticket | None = None
    probe: str = ""


class State(Protocol):
    """Shared state as dispatch needs it. Durations in seconds; ``identity`` of an endpoint or a key.

    Every hold is let go, once (given back, where nothing was sent), after whatever verdict there is: ``answered`` when
    a stream has begun, ``succeeded`` when an answer is whole, ``failed`` when a request gives its candidate up.
    """

    def acquire(self, candidate: Candidate, need: Need) -> Hold | Skip: ...
    def let_go(self, hold: Hold, tokens: int | None) -> None: ...
    def give_back(self, hold: Hold) -> None: ...
    def answered(self, hold: Hold, credential: Credential | None) -> None: ...
    def succeeded(self, hold: Hold, credential: Credential | None) -> None: ...
    def failed(self, hold: Hold, error: UpstreamError) -> None: ...
    def key_free(self, credential: Credential) -> bool: ...
    def rest(self, identity: str, seconds: float, code: str, cause: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world. ``clock``: monotonic seconds; ``pause(attempt)``: seconds before trying the same endpoint;
    ``tell(endpoint, reason, next endpoint or "")``: a line for people about each one that is passed over."""

    send: Send
    state: State
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    pause: Callable[[int], float]
    gone: Callable[[], bool]
    tell: Callable[[str, str, str], None] = lambda endpoint, reason, then: None


@dataclass(slots=True)
class Ledger:
    """The account of one request: every try and every skip, in order. ``started`` on the ports' clock."""

    started: float
    attempts: list[Attempt] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def ms(self, moment: float | None) -> float | None:
        """Milliseconds since the request began."""
        return None if moment is None else round((moment - self.started) * 1000, 3)


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered, with what: ``reply`` is what ``send`` returned. Its hold is let go when the answer is over."""

    hold: Hold
    credential: Credential | None
    attempt: Attempt
    reply: Any
    trace: Trace

    @property
    def candidate(self) -> Candidate:
        """The endpoint that answered."""
        return self.hold.candidate
