"""Shared state of endpoints and keys as one worker sees it: rests, circuits, windows, requests under way.

What a worker learns holds at once in itself, is written by a thread of its own, and reaches the other workers with
their next poll (≤ 1 s). Only what must be exact asks the store first: a place in a window, the one probe of a circuit
or of a flagged key. Healthy traffic writes nothing. Durations are seconds, times Unix seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from django.conf import settings
from django.db import DatabaseError

from metrics import native, ulid
from providers.errors import RateLimited, UpstreamError
from providers.wire import Credential
from routing import circuit, gates, sharing
from routing.background import Background, Work
from routing.circuit import Circuit
from routing.known import Known, less
from routing.limits import Refusal, Ticket, Window
from routing.outlook import Moment
from routing.ports import Hold
from routing.sharing import Rest
from routing.types import Candidate, Need, Skip
from routing.windows import WINDOWS, Windows

log = logging.getLogger("switchyard.state")

UNKNOWN = "unknown"  # what a window refuses for, where its store does not answer and GATEWAY_LIMITS_FAIL is "closed"
_PATIENCE = 1.0  # the longest that a request waits for the store's word
_KEY_PROBE = 60.0  # how long one request may take to show whether a flagged key is well again
_LEASE = 15.0  # how long the probe of a killed worker keeps others away; a living worker renews its own


class SharedState(Known):
    """What this worker knows of every endpoint and key that is not simply well.

    ``windows`` keeps the sliding windows; ``fail_open`` says what holds while their store does not answer; ``share``
    does a piece of database work soon, apart from the request.
    """

    def __init__(self, windows: Windows, fail_open: bool = True, share: Callable[[Work], None] | None = None) -> None:
        super().__init__(windows)
        self.fail_open = fail_open
        self._share = share or Background("state-writer")
        self._leases: dict[str, str] = {}

    # What dispatch does (``ports.State``).

    def acquire(self, candidate: Candidate, need: Need) -> Hold | Skip:
        """The last look before a try, and its place in windows and under the circuit."""
        skip = gates.last_look(candidate, Moment(self, time.time()))
        if skip is not None:
            return skip
        ticket = self._place(candidate, need)
        if isinstance(ticket, Skip):
            return ticket
        probe = ""
        if not self.circuit_of(candidate.identity).well:
            answer = self._probe(candidate)
            if isinstance(answer, Skip):
                if ticket is not None:
                    self.windows.cancel(ticket)
                return answer
            probe = answer
        self._under_way[candidate.identity] += 1
        return Hold(candidate, ticket, probe)

    def let_go(self, hold: Hold, tokens: int | None) -> None:
        """A try is over. ``tokens`` it used, None: unknown, the reserved ones stay. A probe without verdict is free."""
        if hold.ticket is not None and tokens is not None:
            self.windows.settle(hold.ticket, tokens)
        self._end(hold)

    def give_back(self, hold: Hold) -> None:
        """Nothing was sent after all."""
        if hold.ticket is not None:
            self.windows.cancel(hold.ticket)
        self._end(hold)

    def _end(self, hold: Hold) -> None:
        less(self._under_way, hold.candidate.identity)
        if self._leases.pop(hold.probe, None):
            self._change(hold.candidate, partial(circuit.released, now=time.time(), holder=hold.probe))

    def answered(self, hold: Hold, credential: Credential | None) -> None:
        """First content came: the key is well, and if this was the probe, others may go there."""
        self._key_is_well(credential)
        if self._leases.pop(hold.probe, None):
            self._change(hold.candidate, partial(circuit.answered, now=time.time(), holder=hold.probe))

    def succeeded(self, hold: Hold, credential: Credential | None) -> None:
        """A whole answer came: key and endpoint are well. An endpoint's rest goes on to its stated end."""
        self._key_is_well(credential)
        if not self.circuit_of(hold.candidate.identity).well:
            self._change(hold.candidate, partial(circuit.succeeded, holder=hold.probe))

    def _key_is_well(self, credential: Credential | None) -> None:
        if credential is not None and credential.state_key in self._rests:
            self._set_rest(credential.state_key, None)

    def failed(self, hold: Hold, error: UpstreamError) -> None:
        """A request failed at the endpoint. One that only shows that the endpoint is there speaks for its circuit."""
        if error.blames_endpoint and hold.candidate.known:
            rule, cause = hold.candidate.circuit, f"{error.outcome}: {error.message}"[:300]
            now = time.time()
            self._change(hold.candidate, partial(circuit.failed, rule=rule, now=now, cause=cause, holder=hold.probe))
        elif hold.probe:
            self._change(hold.candidate, partial(circuit.succeeded, holder=hold.probe))

    def key_free(self, credential: Credential) -> bool:
        """Whether a provider's key may be tried now. After a flagged key's rest, one request finds out for all."""
        name = credential.state_key
        rest = self._rests.get(name)
        if rest is None:
            return True
        until, code, cause = rest
        now = time.time()
        if until > now:
            return False
        if code == RateLimited.outcome:
            return True
        try:
            ours = native.run_within(_PATIENCE, sharing.take_probe, name, until, now + _KEY_PROBE)
        except (DatabaseError, TimeoutError):
            ours = False
        if ours:
            self._rests[name] = (now + _KEY_PROBE, code, cause)
        return ours

    def rest(self, identity: str, seconds: float, code: str, cause: str) -> None:
        """``identity`` is not tried for ``seconds``; a rest that already lasts longer stays."""
        until = time.time() + seconds
        known = self._rests.get(identity)
        if known is not None and known[0] >= until:
            return
        log.warning("%s rests %.0f s (%s): %s", identity, seconds, code, cause[:300])
        self._set_rest(identity, (until, code, cause[:300]))

    def admit(self, windows: Sequence[Window], tokens: int) -> Ticket | Refusal | None:
        """A place in an application key's own windows; None where nothing limits it, or nobody can say."""
        if not windows:
            return None
        answer = self.windows.take(windows, tokens)
        if answer is None and not self.fail_open:
            return Refusal(windows[0], UNKNOWN, _PATIENCE)
        return answer

    # What keeps it in step with the other workers.

    def poll(self) -> None:
        """``Known.poll``; and the leases of this worker's own probes last on."""
        super().poll()
        now = time.time()
        for holder, identity in list(self._leases.items()):
            seen = self.circuit_of(identity)
            if seen.lease_holder == holder and (seen.lease_until or 0.0) - now < _LEASE / 2:
                renew = partial(circuit.renewed, now=now, holder=holder, seconds=_LEASE)
                self._take_over(identity, renew(seen))
                self._later(identity, partial(self._share_change, identity, renew))

    def change_circuit(self, identity: str, change: Callable[[Circuit], Circuit], by: str) -> None:
        """An operator's or an importer's change: at once in the database and in this worker."""
        self._take_over(identity, native.run(sharing.change_circuit, identity, change, by))

    def reset(self, identity: str, by: str) -> None:
        """An operator says that the endpoint is well: its circuit is closed, and it rests no longer."""
        self.change_circuit(identity, lambda seen: circuit.WELL, by)
        native.run(sharing.store_rest, identity, is_key=False, rest=None)
        self._rests.pop(identity, None)

    def drain(self, identity: str, drained: bool, by: str) -> None:
        """An operator takes an endpoint out of use, or back into it."""
        native.run(sharing.drain, identity, drained, by)
        (self._drained.add if drained else self._drained.discard)(identity)

    def _place(self, candidate: Candidate, need: Need) -> Ticket | Skip | None:
        if not candidate.windows:
            return None
        answer = self.windows.take(candidate.windows, need.tokens)
        if isinstance(answer, Refusal):
            return gates.window_full(candidate, answer.window, answer.wait)
        if answer is None and not self.fail_open:
            return Skip(
                candidate.endpoint, "limit_unknown", "whether its limit is used up cannot be found out now", 1.0
            )
        return answer

    def _probe(self, candidate: Candidate) -> str | Skip:
        """The lease under which a request to an open circuit goes out; "" where the circuit is closed."""
        seen = self.circuit_of(candidate.identity)
        if seen.phase == circuit.CLOSED:
            return ""
        holder, now = ulid.new(), time.time()

        def lease(shared: Circuit) -> Circuit:
            return circuit.lease(shared, now, holder, _LEASE) or shared

        try:
            shared = native.run_within(_PATIENCE, sharing.change_circuit, candidate.identity, lease)
        except (DatabaseError, TimeoutError):
            let_go = partial(circuit.released, now=now, holder=holder)  # it may be taken yet, by work that goes on
            self._later(candidate.identity, lambda: self._share_change(candidate.identity, let_go))
            return _unprobed(candidate)
        self._take_over(candidate.identity, shared)
        if shared.lease_holder == holder:
            self._leases[holder] = candidate.identity
            log.info("%s is probed: its circuit was open (%s)", candidate.endpoint, shared.cause)
            return holder
        if shared.phase == circuit.CLOSED:
            return ""
        return gates.circuit_open(candidate, Moment(self, now)) or _unprobed(candidate)

    def _change(self, candidate: Candidate, change: Callable[[Circuit], Circuit]) -> None:
        """Here at once, for everyone soon."""
        identity = candidate.identity
        before = self.circuit_of(identity)
        after = change(before)
        if after.phase == circuit.OPEN and before.phase != circuit.OPEN and after.next_probe_at is not None:
            log.warning("the circuit of %s is open for %.0f s: %s", candidate.endpoint, after.pause, after.cause)
        elif after.phase == circuit.CLOSED and before.phase != circuit.CLOSED:
            log.info("the circuit of %s is closed: its probe was answered", candidate.endpoint)
        if after == before:
            return
        self._take_over(identity, after)
        self._later(identity, lambda: self._share_change(identity, change))

    def _share_change(self, identity: str, change: Callable[[Circuit], Circuit]) -> None:
        self._take_over(identity, sharing.change_circuit(identity, change))

    def _set_rest(self, identity: str, rest: Rest | None) -> None:
        if rest is None:
            self._rests.pop(identity, None)
        else:
            self._rests[identity] = rest
        self._later(identity, lambda: sharing.store_rest(identity, "|" not in identity, rest))

    def _later(self, identity: str, work: Work) -> None:
        self._unwritten[identity] += 1

        def write() -> None:
            try:
                native.run(work)
            except DatabaseError:
                log.warning("what was learnt of %s could not be shared with other workers", identity, exc_info=True)
            finally:
                less(self._unwritten, identity)

        self._share(write)


def _unprobed(candidate: Candidate) -> Skip:
    return Skip(candidate.endpoint, "circuit_open", "its circuit is open, and no probe could be arranged", 1.0)


STATE = SharedState(WINDOWS, fail_open=settings.LIMITS_FAIL == "open")
