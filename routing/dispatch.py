"""Try a plan's candidates in order until one answers. The one place that says what follows each kind of failure. ◇

``send``, the clock, the pauses and the shared state are handed in (``Ports``), so that every branch can be tested
without a network. What happens after each failure (DESIGN "Failing over"):

    broken, 5xx, 408, 409, 425, malformed   here again after a short jittered pause (``retries``), then the next
    deadline                                the next; never here again in this request
    429, 529                                ≤ 2 s: wait and try here once more; else next key, else the next
    401, 402, 403                           the provider's next key, else the next; the key rests
    404, unknown model                      the next; the endpoint rests 60 s
    413                                     the next
    context length                          the next with a larger window, else passed on
    strict, and no word for a parameter     the next; 400 where none has one
    400, 422, content filter                passed on at once
    the caller left                         no one's error
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from providers.chat import Call
from providers.errors import (
    CallerLeft,
    ContextTooLong,
    CredentialRejected,
    ModelMissing,
    PayloadTooLarge,
    RateLimited,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from providers.wire import Credential, Limits, Target, Trace
from routing.types import Attempt, Candidate, Plan, Skip

SHORT_WAIT = 2.0
DEFAULT_REST = 1.0
MODEL_MISSING_REST = 60.0
KEY_REST = 600.0
RULED_OUT = ("no_key", "disabled", "not_allowed", "incapable", Unsupported.outcome)


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


class State(Protocol):
    """Shared state as dispatch needs it. Durations in seconds; ``identity`` of an endpoint or a key."""

    def acquire(self, candidate: Candidate) -> Skip | None: ...
    def key_rests(self, identity: str) -> bool: ...
    def rest(self, identity: str, seconds: float, code: str, cause: str) -> None: ...
    def succeeded(self, candidate: Candidate, credential: Credential | None) -> None: ...
    def failed(self, candidate: Candidate, error: UpstreamError) -> None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world. ``clock``: monotonic seconds; ``pause(attempt)``: seconds before trying the same endpoint."""

    send: Send
    state: State
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    pause: Callable[[int], float]
    gone: Callable[[], bool]


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
    """Who answered, with what: ``reply`` is what ``send`` returned."""

    candidate: Candidate
    credential: Credential | None
    attempt: Attempt
    reply: Any
    trace: Trace


class Exhausted(Exception):
    """No candidate answered. ``kind``: rate_limited, model_missing, not_configured, incapable or unavailable."""

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after


def dispatch(plan: Plan, call: Call, ports: Ports, ledger: Ledger) -> Answer:
    """Try ``plan``'s candidates until one answers; keeps the account in ``ledger``.

    Raises ``Exhausted``; an ``UpstreamError`` that is to be passed on; ``CallerLeft``.
    """
    ledger.skipped.extend(plan.skipped)
    results: list[tuple[str, float | None]] = [(skip.code, skip.wait) for skip in plan.skipped]
    pass_on: ContextTooLong | None = None
    unsaid: Unsupported | None = None
    window = -1
    for number, candidate in enumerate(plan.candidates):
        if (candidate.facts.max_input_tokens or 0) <= window:
            reason = "its context window is not known to be larger than the one that was too small"
            ledger.skipped.append(Skip(candidate.endpoint, "context_too_long", reason))
            continue
        skip = ports.state.acquire(candidate)
        if skip is not None:
            ledger.skipped.append(skip)
            results.append((skip.code, skip.wait))
            continue
        last = number == len(plan.candidates) - 1
        try:
            return _Tries(candidate, call, ports, ledger, last, plan.route.how).run()
        except ContextTooLong as error:
            pass_on, window = error, max(window, candidate.facts.max_input_tokens or 0)
        except Unsupported as error:
            unsaid = unsaid or error
            ledger.skipped.append(Skip(candidate.endpoint, error.outcome, error.message))
            results.append((error.outcome, None))
        except UpstreamError as error:
            if not error.retryable:
                raise
            pass_on = None
            results.append((error.outcome, error.retry_after))
    if pass_on is not None:
        raise pass_on
    if unsaid is not None and all(code in RULED_OUT for code, _ in results):
        raise unsaid
    raise _exhausted(plan, results, ledger)


class _Tries:
    """All tries of one request at one candidate."""

    def __init__(self, candidate: Candidate, call: Call, ports: Ports, ledger: Ledger, last: bool, how: str) -> None:
        self.candidate = candidate
        self.call = call
        self.ports = ports
        self.ledger = ledger
        # A file has to be sent and heard before anything can be said of it.
        unhurried = last or call.upload is not None
        self.limits = replace(candidate.limits, first_content=None) if unhurried else candidate.limits
        self.retries_left = candidate.retries
        self.may_wait = True
        # A name that a caller made up protects nobody by resting, and would fill the shared state.
        self.known = how not in ("transient", "wildcard")

    def run(self) -> Answer:
        """The first answer over the provider's keys; raises the last error."""
        error: UpstreamError | None = None
        for credential in self._credentials():
            try:
                return self._with_key(credential)
            except (CredentialRejected, RateLimited) as rejected:
                error = rejected
        if error is None:
            error = CredentialRejected(f"Every key of {self.candidate.target.provider} rests.")
        raise error

    def _credentials(self) -> Iterable[Credential | None]:
        if not self.candidate.credentials:
            return (None,)
        return (key for key in self.candidate.credentials if not self.ports.state.key_rests(key.state_key))

    def _with_key(self, credential: Credential | None) -> Answer:
        while True:
            try:
                return self._once(credential)
            except (UpstreamTimeout, ModelMissing, PayloadTooLarge, ContextTooLong, Unsupported):
                raise
            except CredentialRejected as error:
                if credential is not None and error.lasting:
                    self.ports.state.rest(credential.state_key, KEY_REST, error.outcome, error.message)
                raise
            except RateLimited as error:
                self._rest_for_limit(credential, error)
                wait = error.retry_after
                if wait is None or wait > SHORT_WAIT or not self.may_wait:
                    raise
                self.may_wait = False
                self._sleep(wait)
            except UpstreamError as error:
                if not error.retryable or self.retries_left <= 0:
                    raise
                self.retries_left -= 1
                self._sleep(self.ports.pause(self.candidate.retries - self.retries_left))

    def _once(self, credential: Credential | None) -> Answer:
        candidate, ports = self.candidate, self.ports
        attempt = Attempt(
            candidate.endpoint,
            candidate.target.provider,
            candidate.target.upstream_model,
            credential.identity if credential else "",
            started_ms=self.ledger.ms(ports.clock()) or 0.0,
        )
        self.ledger.attempts.append(attempt)
        trace = Trace()
        try:
            reply = ports.send(candidate.target, credential, self.call, self.limits, ports.gone, trace)
        except CallerLeft:
            self._close(attempt, trace, CallerLeft.outcome)
            raise
        except UpstreamError as error:
            if isinstance(error, Unsupported) and trace.status is None:
                self.ledger.attempts.remove(attempt)  # nothing was sent: a candidate passed over, not a try
            self._close(attempt, trace, error.outcome)
            attempt.status = error.status or trace.status
            attempt.error = error.message
            ports.state.failed(candidate, error)
            if isinstance(error, ModelMissing) and error.lasting and self.known:
                cause = "model missing upstream"
                ports.state.rest(candidate.identity, MODEL_MISSING_REST, error.outcome, cause)
            raise
        self._close(attempt, trace, "")
        attempt.end_ms = None
        return Answer(candidate, credential, attempt, reply, trace)

    def _close(self, attempt: Attempt, trace: Trace, outcome: str) -> None:
        attempt.outcome = outcome
        attempt.status = trace.status
        attempt.headers_ms = self.ledger.ms(trace.headers_at)
        attempt.first_ms = self.ledger.ms(trace.first_at)
        attempt.end_ms = self.ledger.ms(self.ports.clock())

    def _rest_for_limit(self, credential: Credential | None, error: RateLimited) -> None:
        """A limited key rests where the provider has others; otherwise the endpoint itself does."""
        seconds = DEFAULT_REST if error.retry_after is None else error.retry_after
        alone = credential is None or len(self.candidate.credentials) == 1
        identity = self.candidate.identity if alone or credential is None else credential.state_key
        self.ports.state.rest(identity, seconds, error.outcome, error.message)

    def _sleep(self, seconds: float) -> None:
        self.ports.sleep(seconds)
        if self.ports.gone():
            raise CallerLeft


def _exhausted(plan: Plan, results: list[tuple[str, float | None]], ledger: Ledger) -> Exhausted:
    """What to say when nobody answered (DESIGN "When candidates are exhausted")."""
    capable = [result for result in results if result[0] not in RULED_OUT]
    if not capable:
        if results and any(code == "no_key" for code, _ in results):
            reasons = "; ".join(dict.fromkeys(skip.reason for skip in ledger.skipped if skip.code == "no_key"))
            return Exhausted(
                "not_configured", f"No configured provider can answer '{plan.route.requested}': {reasons}."
            )
        reasons = "; ".join(dict.fromkeys(skip.reason for skip in ledger.skipped))
        detail = f": {reasons}" if reasons else ""
        if any(code == "incapable" for code, _ in results):
            return Exhausted("incapable", f"Nothing that serves '{plan.route.requested}' can do this{detail}.")
        return Exhausted("unavailable", f"All configured services are unavailable{detail}.")
    codes = {code for code, _ in capable}
    if codes == {RateLimited.outcome}:
        waits = [wait for _, wait in capable if wait is not None]
        return Exhausted("rate_limited", "All configured services are rate limited", min(waits, default=DEFAULT_REST))
    if codes == {ModelMissing.outcome}:
        return Exhausted("model_missing", f"Model not found upstream: '{plan.route.requested}'")
    return Exhausted("unavailable", "All configured services are unavailable")
