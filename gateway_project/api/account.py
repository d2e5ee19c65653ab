"""One request's account: who asked for what, what was tried, what it cost; its headers, and its one record."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from gateway_project.api import rejections
from gateway_project.api.content import Content
from gateway_project.api.dialects.base import Failure, Parsed
from gateway_project.api.errors import ApiError
from metrics import record
from routing.limits import Ticket
from routing.ports import Answer, Ledger
from routing.pricing import cost, price_at
from routing.relay import Summary
from routing.state import STATE, UNKNOWN
from routing.types import Attempt, Catalog, Grant, Need, Plan, Route

log = logging.getLogger("switchyard.route")

LONGEST_LIST = 2000  # letters: proxies and clients refuse heads of more than 4 to 8 kB
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}\Z")


@dataclass(frozen=True, slots=True)
class Result:
    """How a request ended: HTTP status, the record's outcome, what went wrong, what was answered."""

    status: int
    outcome: str
    failure: Failure | None = None
    summary: Summary | None = None


class Account:
    """Filled in as the request goes its way. ``finish`` writes the record, once."""

    def __init__(self, request: HttpRequest, operation: str) -> None:
        self.started = time.monotonic()
        self.at = time.time()
        self.id = record.new_id()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        self.request_id = given if SANE_REQUEST_ID.match(given) else self.id
        self.operation = operation
        self.asked: str | None = None  # the model's name as it was asked for, before anything is known of it
        self.generation = 0
        self.grant: Grant | None = None
        self.parsed: Parsed | None = None
        self.route: Route | None = None
        self.ledger = Ledger(self.started)
        self.answer: Answer | None = None
        self.content: Content | None = None  # for keys whose content is logged
        self.first_ms: float | None = None
        self.overhead_ms: float | None = None
        self.told: Attempt | None = None  # the try that ``rejections`` has written down with the request
        self._ticket: Ticket | None = None
        self._finished = False

    def read_with(self, catalog: Catalog) -> None:
        """This request sees one generation."""
        self.generation = catalog.generation

    def heard(self, body: Any) -> None:
        """The caller's body, parsed as JSON: kept where its key's content is logged."""
        if self.grant is not None and self.grant.log_content:
            self.content = Content(body)

    def planned(self, plan: Plan) -> None:
        """The route was found; say once in the log what is left out of it."""
        self.route = plan.route
        then = plan.candidates[0].endpoint if plan.candidates else ""
        for skip in plan.skipped:
            if skip.code not in ("no_key", "disabled", "incapable", "not_wanted"):
                self.tell(skip.endpoint, f"skipped, {skip.reason}", then)

    def tell(self, endpoint: str, reason: str, then: str) -> None:
        """One line for people about each endpoint that is passed over, and what comes next."""
        log.info("%s %s %s; next: %s", self.request_id, endpoint, reason, then or "nothing")

    def admit(self, need: Need) -> None:
        """A place in the API key's own windows. Raises ``ApiError`` 429."""
        if self.grant is None:
            return
        admission = STATE.admit(self.grant.windows, need.tokens)
        if isinstance(admission, Ticket):
            self._ticket = admission
        elif admission is not None:
            window, what = admission.window, admission.what
            most = window.requests if what == "requests" else window.tokens
            message = f"The API key '{self.grant.name}' has used up its limit of {most} {what} in {window.seconds:g} s."
            if what == UNKNOWN:
                message = f"Whether the API key '{self.grant.name}' has used up its limit cannot be found out now."
            wait = str(max(1, math.ceil(admission.wait)))
            headers = {"Retry-After": wait, "x-should-retry": "true"}
            raise ApiError(429, message, type="rate_limit_error", code="rate_limit_exceeded", headers=headers)

    def headers(self) -> dict[str, str]:
        """What every answer tells of itself. Called when the answer begins."""
        now = time.monotonic()
        upstream = sum((attempt.end_ms or 0.0) - attempt.started_ms for attempt in self.ledger.attempts)
        if self.answer is not None and self.answer.attempt.end_ms is None:
            self.first_ms = self.answer.attempt.first_ms
            upstream += (self.ledger.ms(now) or 0.0) if self.first_ms is None else self.first_ms
        self.overhead_ms = max(0.0, round((now - self.started) * 1000 - upstream, 3))
        candidate = self.answer.candidate if self.answer else None
        headers = {
            "x-request-id": self.request_id,
            "x-gateway-provider": candidate.target.provider if candidate else "none",
            "x-gateway-endpoint": quote(candidate.endpoint, safe="/:@ +,~*()[]") if candidate else "none",
            "x-gateway-attempts": str(len(self.ledger.attempts)),
            "x-gateway-generation": str(self.generation),
            "x-gateway-overhead-ms": str(self.overhead_ms),
        }
        if self.route is not None and self.route.category:
            headers["x-gateway-category"] = quote(self.route.category, safe="/:@ +,~*()[]")
        if self.answer is not None and self.answer.trace.dropped:
            headers["x-gateway-dropped-params"] = _header_list(self.answer.trace.dropped)
        return headers

    def attempts(self) -> dict[str, Any]:
        """For ``error.attempts``: what was tried, without URLs or secrets."""
        tried = [
            {"endpoint": attempt.endpoint, "outcome": attempt.outcome, "status": attempt.status}
            for attempt in self.ledger.attempts
        ]
        left_out = [
            {"endpoint": skip.endpoint, "outcome": f"skipped:{skip.code}", "status": None}
            for skip in self.ledger.skipped
        ]
        return {"attempts": tried + left_out}

    def finish(self, result: Result) -> None:
        """Write the record. Callers without a valid key leave none: strangers can't fill the memory."""
        if self._finished or self.grant is None:
            return
        self._finished = True
        rejections.tell_attempts(self)
        if self._ticket is not None:
            STATE.windows.settle(self._ticket, _tokens(result.summary))
        entry = {
            "id": self.id,
            "request_id": self.request_id,
            "at": self.at,
            "api_key": self.grant.name,
            "operation": self.operation,
            "generation": self.generation,
            "status": result.status,
            "outcome": result.outcome,
            "duration_ms": self.ledger.ms(time.monotonic()),
            "first_ms": self.first_ms,
            "overhead_ms": self.overhead_ms,
            "tries": len(self.ledger.attempts),
            "attempts": [_told(number, attempt) for number, attempt in enumerate(self.ledger.attempts, 1)],
            "skipped": [{"endpoint": s.endpoint, "code": s.code, "reason": s.reason} for s in self.ledger.skipped],
        }
        if self.parsed is not None:
            entry.update(requested_model=self.parsed.model, stream=self.parsed.call.stream)
        if self.route is not None:
            entry.update(route=self.route.name, category=self.route.category, how=self.route.how)
            entry["strategy"] = (self.parsed.steering.sort if self.parsed else "") or self.route.strategy
        if result.failure is not None:
            self._tell(result.failure)
            entry.update(error_code=result.failure.code or "", error=result.failure.message)
        entry.update(self._answered(result.summary))
        if self.route is not None:
            _generalise(entry, self.route)
        record.append(entry)
        if self.content is not None:
            self.content.keep(self.id, self.at, self.grant.name)

    def _tell(self, failure: Failure) -> None:
        """Why nobody answered, in the log: callers are told of it only that it is so."""
        if failure.status < 500 and failure.status not in (404, 429):
            return
        tried = [f"{a.endpoint} {a.outcome}{f' ({a.error})' if a.error else ''}" for a in self.ledger.attempts]
        left_out = [f"{skip.endpoint} skipped ({skip.reason})" for skip in self.ledger.skipped]
        if tried or left_out:
            log.warning("%s: %s: %s", self.request_id, failure.message, "; ".join(tried + left_out))

    def _answered(self, summary: Summary | None) -> Mapping[str, Any]:
        """Who answered, the usage and the cost; failed tries carry none."""
        if self.answer is None:
            last = self.ledger.attempts[-1] if self.ledger.attempts else None
            return {"endpoint": last.endpoint, "provider": last.provider} if last else {}
        candidate = self.answer.candidate
        told: dict[str, Any] = {
            "provider": candidate.target.provider,
            "endpoint": candidate.endpoint,
            "upstream_model": candidate.target.upstream_model,
            "dropped_params": list(self.answer.trace.dropped),
        }
        if summary is None:
            return told
        usage = summary.usage or {}
        price = price_at(candidate.facts.prices, self.at)
        amount = cost(price, summary.usage, summary.requests)
        prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
        told.update(
            answered_model=summary.model,
            finish_reason=summary.finish_reason,
            usage_source=summary.usage_source,
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
            cached_tokens=prompt.get("cached_tokens"),
            cache_write_tokens=prompt.get("cache_write_tokens"),
            reasoning_tokens=completion.get("reasoning_tokens"),
            cost=None if amount is None else str(amount),
            currency=price.currency if price is not None and amount is not None else "",
        )
        return told


def _tokens(summary: Summary | None) -> int:
    """What a request counts in its key's window of tokens; one that nobody answered counts none."""
    usage = summary.usage if summary is not None else None
    return (usage or {}).get("total_tokens") or 0


def _told(number: int, attempt: Attempt) -> dict[str, Any]:
    return {
        "number": number,
        "endpoint": attempt.endpoint,
        "provider": attempt.provider,
        "upstream_model": attempt.upstream_model,
        "credential": attempt.credential,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "error": attempt.error,
        "started_ms": attempt.started_ms,
        "headers_ms": attempt.headers_ms,
        "first_ms": attempt.first_ms,
        "end_ms": attempt.end_ms,
    }


def _generalise(entry: dict[str, Any], route: Route) -> None:
    """Names that callers make up must not make rows: what failed under one counts for ``provider/*``."""
    made_up = {candidate.endpoint for candidate in route.candidates if not candidate.known}
    if route.how == "transient" and not (entry["outcome"] == "success" and entry.get("endpoint") in made_up):
        entry["route"] = ""
    for row in (entry, *entry["attempts"]):
        if row.get("endpoint") in made_up and row["outcome"] != "success":
            row["endpoint"] = f"{row['provider']}/*"


def _header_list(names: tuple[str, ...]) -> str:
    """Names with commas between them; "..." stands for those that a header has no room for."""
    said = quote(",".join(names), safe="[].,_-")
    return said if len(said) <= LONGEST_LIST else said[:LONGEST_LIST].rpartition(",")[0] + ",..."
