"""``validation_errors.log`` in the data directory: a JSON line for each request that was refused as it stood, by us or
by an upstream, and for each answer of an upstream that was not what its format promises.

Nothing of what was asked or answered is in it: messages are ours and repeat no value, a vendor's message is left out
(it may quote the prompt), and a name that is no plain word is not repeated.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings

from gateway_project.api.dialects.base import Failure, InvalidRequest
from metrics.lines import LineLog
from providers.errors import UpstreamError
from providers.faults import redact

if TYPE_CHECKING:
    from gateway_project.api.account import Account

NAME = "validation_errors.log"
UNTOLD = frozenset({401, 403, 429, 499})  # who may ask and how often; and callers who left
PLAIN = re.compile(r"[\w.:/@+=\[\]*~-]{1,200}\Z", re.ASCII)  # whole sentences of other scripts have no spaces
QUOTED = re.compile(r"'([^']*)'")
OUTCOMES = {
    "malformed_reply": "The upstream's answer is not what its format promises.",
    "request_rejected": "The upstream refused the request.",
    "unsupported_parameter": "The upstream cannot do what the request asks for.",
    "content_filtered": "The upstream refused the content.",
    "context_too_long": "The prompt does not fit the model's context window.",
    "payload_too_large": "The upstream takes smaller requests only.",
    "model_missing": "The upstream does not know the model.",
}
CODES = {
    "model_not_found": "No model of this name can be called.",
    "unknown_url": "There is no such URL.",
    "invalid_json": "The body is not valid JSON.",
    "request_too_large": "The body is larger than GATEWAY_MAX_BODY_MB.",
    "unsupported_operation": "The model is of another type, or nothing that serves it can do this.",
    "no_matching_endpoint": "No endpoint of the model is what the request asks for.",
    "method_not_supported": "The URL does not take this method.",
}


def tell(account: Account, error: Exception, failure: Failure) -> None:
    """A line for a request that its caller has to change: ``failure`` is what the caller was told of ``error``."""
    if account.grant is None or not 400 <= failure.status < 500:
        return
    upstream = isinstance(error, UpstreamError)
    if not upstream and failure.status in UNTOLD:
        return
    if isinstance(error, UpstreamError):
        message = OUTCOMES.get(error.outcome, "The upstream refused the request.")
    elif isinstance(error, InvalidRequest):
        message = _without_values(error)
    else:
        message = CODES.get(failure.code or "", HTTPStatus(failure.status).phrase)
    attempts = account.ledger.attempts
    if attempts:
        account.told = attempts[-1]
    _write(account, failure, message, attempts[-1].endpoint if attempts else None)


def tell_attempts(account: Account) -> None:
    """A line for each try that an upstream refused or spoilt, though another may have answered after it."""
    for attempt in account.ledger.attempts:
        message = OUTCOMES.get(attempt.outcome)
        if message and attempt is not account.told:
            failure = Failure(attempt.status or 0, message, "upstream_error", attempt.outcome)
            _write(account, failure, message, attempt.endpoint)


def model_in(body: Any) -> str | None:
    """The name under ``model`` in a body that nobody has read yet."""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else None


def _write(account: Account, failure: Failure, message: str, endpoint: str | None) -> None:
    assert account.grant is not None
    line: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": _plain(account.request_id),
        "api_key": account.grant.name,
        "operation": account.operation or None,
        "model": _plain(account.asked),
        "endpoint": _plain(endpoint),
        "status": failure.status or None,
        "type": _plain(failure.type),
        "code": _plain(failure.code),
        "param": _plain(failure.param),
        "message": message,
    }
    log().append(orjson.dumps(line) + b"\n")


def _without_values(error: InvalidRequest) -> str:
    """Its message with "…" for what it quotes, but for the place in the request where that is a plain name."""
    place = _plain(error.param) or ""
    message = error.message.replace(error.param, place) if error.param else error.message
    return QUOTED.sub(lambda found: found[0] if found[1] == place else "'…'", message)


def _plain(word: str | None) -> str | None:
    """A name as it is; what is none, or may hold a key, only as "…"."""
    return (word if PLAIN.match(word) and redact(word) == word else "…") if word else None


@lru_cache(maxsize=1)
def log() -> LineLog:
    """This process's writer."""
    return LineLog(settings.DATA_DIR / NAME)


os.register_at_fork(after_in_child=log.cache_clear)
