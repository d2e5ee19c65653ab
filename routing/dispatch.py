"""Try a plan's candidates in order until one answers. The one place that says what follows each kind of failure. ◇

``send``, the clock, the pauses and the shared state are handed in (``Ports``), so that every branch can be tested
without a network. What happens after each failure (DESIGN "Failing over"; within one candidate: ``tries``):

    broken, 5xx, 408, 409, 425, malformed   here again after a short jittered pause (``retries``), then the next
    503 with a wait of more than 2 s        the next; the endpoint rests so long, as its circuit's longest pause at most
    deadline                                the next; never here again in this request
    429, 529                                ≤ 2 s: wait and try here once more; else next key, else the next
    401, 402, 403                           the provider's next key, else the next; the key rests
    404, unknown model                      the next; the endpoint rests 60 s
    413                                     the next
    context length                          the next with a larger window, else passed on
    strict, and no word for a parameter     the next; 400 where none has one
    400, 422, content filter                passed on at once
    the probe of an open circuit            one try, then the next
    the caller left                         no one's error
"""

from __future__ import annotations

from providers.chat import Call
from providers.errors import ContextTooLong, ModelMissing, RateLimited, Unsupported, UpstreamError
from routing.gates import OVER_LIMIT, PROVIDER_OVER_LIMIT
from routing.ports import Answer, Ledger, Ports
from routing.tries import DEFAULT_REST, Refused, Tries
from routing.types import Candidate, Need, Plan, Skip

LIMITED = frozenset({RateLimited.outcome, OVER_LIMIT, PROVIDER_OVER_LIMIT})
UNWANTED = frozenset({"not_wanted", "too_expensive"})
NEVER_COUNTED = frozenset({"no_key", "disabled", "incapable", Unsupported.outcome}) | UNWANTED


class Exhausted(Exception):
    """No candidate answered.

    ``kind``: rate_limited, model_missing, not_configured, incapable, unwanted or unavailable.
    """

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after


def dispatch(plan: Plan, call: Call, need: Need, ports: Ports, ledger: Ledger) -> Answer:
    """Try ``plan``'s candidates until one answers; keeps the account in ``ledger``.

    Raises ``Exhausted``; an ``UpstreamError`` that is to be passed on; ``CallerLeft``.
    """
    so_far = _SoFar(plan, ledger)
    for number, candidate in enumerate(plan.candidates, 1):
        rest = plan.candidates[number:]
        try:
            so_far.check_window(candidate)
            return Tries(candidate, call, need, ports, ledger).run(last=not rest)
        except Refused as refused:
            why = so_far.skipped(refused.skip)
        except UpstreamError as error:
            why = so_far.failed(candidate, error)
        ports.tell(candidate.endpoint, why, rest[0].endpoint if rest else "")
    raise so_far.verdict()


class _SoFar:
    """What became of a plan's candidates until now. ``results``: (code, seconds to wait) of each that counts."""

    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        ledger.skipped.extend(plan.skipped)
        self.plan = plan
        self.ledger = ledger
        self.results: list[tuple[str, float | None]] = [(skip.code, skip.wait) for skip in plan.skipped]
        self.window = -1  # tokens: the largest that was too small
        self.too_long: ContextTooLong | None = None
        self.unsaid: Unsupported | None = None

    def check_window(self, candidate: Candidate) -> None:
        """Raises ``Refused`` unless the candidate's window is larger than those that were too small."""
        if (candidate.facts.max_input_tokens or 0) <= self.window:
            reason = "its context window is not known to be larger than the one that was too small"
            raise Refused(Skip(candidate.endpoint, ContextTooLong.outcome, reason))

    def skipped(self, skip: Skip) -> str:
        """Not tried; in words."""
        self.ledger.skipped.append(skip)
        if skip.code != ContextTooLong.outcome:
            self.results.append((skip.code, skip.wait))
        return f"skipped, {skip.reason}"

    def failed(self, candidate: Candidate, error: UpstreamError) -> str:
        """Given up; in words. Raises ``error`` itself where it is the last word."""
        if isinstance(error, Unsupported):
            self.unsaid = self.unsaid or error
            return self.skipped(Skip(candidate.endpoint, error.outcome, error.message))
        if isinstance(error, ContextTooLong):
            self.too_long, self.window = error, max(self.window, candidate.facts.max_input_tokens or 0)
        elif not error.retryable:
            raise error
        else:
            self.too_long = None
            self.results.append((error.outcome, error.retry_after))
        return f"failed, {error.outcome}: {error.message}"

    def verdict(self) -> Exception:
        """What the caller is told when nobody is left."""
        if self.too_long is not None:
            return self.too_long
        if self.unsaid is not None and all(code in NEVER_COUNTED for code, _ in self.results):
            return self.unsaid
        return _exhausted(self.plan, self.results, self.ledger)


def _exhausted(plan: Plan, results: list[tuple[str, float | None]], ledger: Ledger) -> Exhausted:
    """What to say when nobody answered (DESIGN "When candidates are exhausted")."""
    capable = [result for result in results if result[0] not in NEVER_COUNTED]
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
        if any(code in UNWANTED for code, _ in results):
            return Exhausted(
                "unwanted", f"No endpoint of '{plan.route.requested}' is what the request asks for{detail}."
            )
        return Exhausted("unavailable", f"All configured services are unavailable{detail}.")
    codes = {code for code, _ in capable}
    if codes <= LIMITED:
        waits = [wait for _, wait in capable if wait is not None]
        return Exhausted("rate_limited", "All configured services are rate limited", min(waits, default=DEFAULT_REST))
    if codes == {ModelMissing.outcome}:
        return Exhausted("model_missing", f"Model not found upstream: '{plan.route.requested}'")
    return Exhausted("unavailable", "All configured services are unavailable")
