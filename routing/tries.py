"""All tries of one request at one candidate, over the provider's keys, until it answers or is given up. ◇"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from providers.chat import Call
from providers.errors import (
    CallerLeft,
    ConnectionBroken,
    ContextTooLong,
    CredentialRejected,
    ModelMissing,
    PayloadTooLarge,
    RateLimited,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from providers.wire import Credential, Trace
from routing.ports import Answer, Hold, Ledger, Ports
from routing.types import Attempt, Candidate, Need, Skip

SHORT_WAIT = 2.0
DEFAULT_REST = 1.0
MODEL_MISSING_REST = 60.0
KEY_REST = 600.0
KEYLESS_REST = 60.0  # an endpoint that wants a key which its provider does not have
UNAVAILABLE = 503  # the one failure for which a wait is stated on purpose (RFC 9110); bounded as a circuit's pause
_SLICE = 0.25  # seconds: how late a departed caller is noticed in a pause


class Refused(Exception):
    """The candidate may not be tried now."""

    def __init__(self, skip: Skip) -> None:
        super().__init__(skip.reason)
        self.skip = skip


class Tries:
    """``run`` once."""

    def __init__(self, candidate: Candidate, call: Call, need: Need, ports: Ports, ledger: Ledger) -> None:
        self.candidate = candidate
        self.call = call
        self.need = need
        self.ports = ports
        self.ledger = ledger
        self.limits = candidate.limits
        self.retries_left = candidate.retries
        self.may_wait = True
        self.error: UpstreamError | None = None
        self.hold: Hold | None = None
        self.sent = False

    def run(self, *, last: bool) -> Answer:
        """The first answer over the provider's keys. Raises ``Refused`` if nothing could be sent, else the last error.

        ``last``: nobody else is left to answer, so that first content may take its time; so it may where a file has to
        be sent and heard first. An answer that is not streamed has no beginning of its own: it is there or it is not.
        """
        if last or not self.call.stream or self.call.upload is not None:
            self.limits = replace(self.limits, first_content=None)
        if not self.call.stream:
            self.limits = replace(self.limits, total=min(self.limits.total, self.limits.headers))
        for credential in self._credentials():
            try:
                return self._with_key(credential)
            except (CredentialRejected, RateLimited) as rejected:
                self.error = rejected
        raise self.error or CredentialRejected(f"Every key of {self.candidate.target.provider} rests.")

    def _credentials(self) -> Iterable[Credential | None]:
        if not self.candidate.credentials:
            return (None,)
        return (key for key in self.candidate.credentials if self.ports.state.key_free(key))

    def _with_key(self, credential: Credential | None) -> Answer:
        while True:
            hold = self._acquire()
            try:
                return self._once(hold, credential)
            except BaseException as error:
                wait = self._judge(hold, credential, error)
                if self.sent:
                    self.ports.state.let_go(hold, 0)
                else:
                    self.ports.state.give_back(hold)
                if wait is None:
                    raise
            self._sleep(wait)

    def _acquire(self) -> Hold:
        hold = self.ports.state.acquire(self.candidate, self.need)
        if isinstance(hold, Hold):
            self.hold = hold
            return hold
        if self.error is None or self.hold is None:
            raise Refused(hold)
        self.ledger.skipped.append(hold)
        self.ports.state.failed(self.hold, self.error)
        raise self.error

    def _judge(self, hold: Hold, credential: Credential | None, error: BaseException) -> float | None:
        """Seconds until the next try with the same key, or None: give up. Says of the endpoint what the error shows."""
        if not isinstance(error, UpstreamError):
            return None
        self.error = error
        wait = self._wait_after(credential, error)
        if wait is None or hold.probe:
            if self.sent:
                self.ports.state.failed(hold, error)
            return None
        return wait

    def _wait_after(self, credential: Credential | None, error: UpstreamError) -> float | None:
        if isinstance(error, CredentialRejected):
            if credential is not None and error.lasting:
                self.ports.state.rest(credential.state_key, KEY_REST, error.outcome, error.message)
            elif error.lasting and self.candidate.known:
                self.ports.state.rest(self.candidate.identity, KEYLESS_REST, error.outcome, error.message)
            return None
        if isinstance(error, RateLimited):
            self._rest_for_limit(credential, error)
            may_wait, self.may_wait = self.may_wait, False
            if error.retry_after is None or error.retry_after > SHORT_WAIT or not may_wait:
                return None
            return max(error.retry_after, self.ports.pause(1))
        if isinstance(error, UpstreamTimeout | ModelMissing | PayloadTooLarge | ContextTooLong | Unsupported):
            return None
        if not error.retryable or self.retries_left <= 0 or (isinstance(error, ConnectionBroken) and error.resent):
            return None
        stated = error.retry_after or 0.0 if error.status == UNAVAILABLE else 0.0
        if stated > SHORT_WAIT:
            if self.candidate.known:
                seconds = min(stated, self.candidate.circuit.pause_max)
                self.ports.state.rest(self.candidate.identity, seconds, error.outcome, error.message)
            return None
        self.retries_left -= 1
        return max(stated, self.ports.pause(self.candidate.retries - self.retries_left))

    def _once(self, hold: Hold, credential: Credential | None) -> Answer:
        candidate, ports = self.candidate, self.ports
        attempt = Attempt(
            candidate.endpoint,
            candidate.target.provider,
            candidate.target.upstream_model,
            credential.identity if credential else "",
            started_ms=self.ledger.ms(ports.clock()) or 0.0,
        )
        self.ledger.attempts.append(attempt)
        self.sent = True
        trace = Trace()
        try:
            reply = ports.send(candidate.target, credential, self.call, self.limits, ports.gone, trace)
        except CallerLeft:
            self._close(attempt, trace, CallerLeft.outcome)
            raise
        except UpstreamError as error:
            if isinstance(error, Unsupported) and trace.status is None:
                self.sent = False  # a candidate passed over, not a try
                self.ledger.attempts.remove(attempt)
            self._close(attempt, trace, error.outcome)
            attempt.status = error.status or trace.status
            attempt.error = error.message
            if isinstance(error, ModelMissing) and error.lasting and candidate.known and not candidate.pass_model_name:
                cause = "model missing upstream"
                ports.state.rest(candidate.identity, MODEL_MISSING_REST, error.outcome, cause)
            raise
        self._close(attempt, trace, "")
        attempt.end_ms = None
        if self.call.stream:
            ports.state.answered(hold, credential)
        return Answer(hold, credential, attempt, reply, trace)

    def _close(self, attempt: Attempt, trace: Trace, outcome: str) -> None:
        attempt.outcome = outcome
        attempt.status = trace.status
        attempt.headers_ms = self.ledger.ms(trace.headers_at)
        attempt.first_ms = self.ledger.ms(trace.first_at)
        attempt.end_ms = self.ledger.ms(self.ports.clock())

    def _rest_for_limit(self, credential: Credential | None, error: RateLimited) -> None:
        """A limited key rests where the provider has others; otherwise the endpoint itself does."""
        seconds = DEFAULT_REST if error.retry_after is None else error.retry_after
        if not self.may_wait:  # it said "at once" and did not mean it
            seconds = max(seconds, DEFAULT_REST)
        alone = credential is None or len(self.candidate.credentials) == 1
        if not alone and credential is not None:
            self.ports.state.rest(credential.state_key, seconds, error.outcome, error.message)
        elif self.candidate.known:
            self.ports.state.rest(self.candidate.identity, seconds, error.outcome, error.message)

    def _sleep(self, seconds: float) -> None:
        """In slices, so that a caller who leaves meanwhile is noticed."""
        until = self.ports.clock() + seconds
        while (left := until - self.ports.clock()) > 0:
            self.ports.sleep(min(left, _SLICE))
            if self.ports.gone():
                raise CallerLeft
