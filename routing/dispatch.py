"""Try a plan's candidates in order until one answers. The one place that says what follows each kind of failure. ◇

``send``, the clock, the pauses and the shared state are handed in (``Ports``), so that every branch can be tested
without a network. What happens after each failure (DESIGN "Failing over"; within one candidate: ``tries``):

    broken, 5xx, 408, 409, 425, malformed   here again after a short jittered pause (``retries``), then the next
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
from routing.ports import Answer, Ledger, Ports
from routing.tries import DEFAULT_REST, Refused, Tries
from routing.types import Need, Plan, Skip

LIMITED = frozenset({RateLimited.outcome, "over_limit"})
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
    ledger.skipped.extend(plan.skipped)
    results: list[tuple[str, float | None]] = [(skip.code, skip.wait) for skip in plan.skipped]
    pass_on: ContextTooLong | None = None
    unsaid: Unsupported | None = None
    window = -1
    for number, candidate in enumerate(plan.candidates):
        rest = plan.candidates[number + 1 :]
        then = rest[0].endpoint if rest else ""
        try:
            if (candidate.facts.max_input_tokens or 0) <= window:
                reason = "its context window is not known to be larger than the one that was too small"
                raise Refused(Skip(candidate.endpoint, "context_too_long", reason))
            return Tries(candidate, call, need, ports, ledger).run(last=not rest)
        except Refused as refused:
            ledger.skipped.append(refused.skip)
            if refused.skip.code != "context_too_long":
                results.append((refused.skip.code, refused.skip.wait))
            ports.tell(candidate.endpoint, f"skipped, {refused.skip.reason}", then)
            continue
        except ContextTooLong as error:
            pass_on, window = error, max(window, candidate.facts.max_input_tokens or 0)
            failure: UpstreamError = error
        except Unsupported as error:
            unsaid = unsaid or error
            ledger.skipped.append(Skip(candidate.endpoint, error.outcome, error.message))
            results.append((error.outcome, None))
            failure = error
        except UpstreamError as error:
            if not error.retryable:
                raise
            pass_on = None
            results.append((error.outcome, error.retry_after))
            failure = error
        ports.tell(candidate.endpoint, f"failed, {failure.outcome}: {failure.message}", then)
    if pass_on is not None:
        raise pass_on
    if unsaid is not None and all(code in NEVER_COUNTED for code, _ in results):
        raise unsaid
    raise _exhausted(plan, results, ledger)


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
