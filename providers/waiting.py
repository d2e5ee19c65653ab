"""How long an upstream asks to be left alone, from its headers and error body, in seconds. ◇"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST = 86_400.0
PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*"
    r"(ms|milliseconds?|h(?:ours?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?|d(?:ays?)?)(?![a-z])",
    re.I,
)
SAID = re.compile(r"(?:try again|retry|available) (?:in|after) ((?:\d+(?:\.\d+)?\s*[a-z]+\s*){1,4})", re.I)
UNITS = {"ms": 0.001, "milli": 0.001, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def retry_after(headers: Mapping[str, str], body: Any, message: str, now: float | None = None) -> float | None:
    """Seconds to wait, None where nothing is said. ``headers`` with lower-case names; ``now`` in Unix seconds.

    In this order: ``retry-after-ms`` and ``retry-after`` (RFC 9110: seconds or a date); ``x-ratelimit-reset*`` and
    ``anthropic-ratelimit-*-reset`` of what is used up; Google's RetryInfo; the headers that OpenRouter quotes in its
    body; "try again in 1.2s" in the message.
    """
    moment = time.time() if now is None else now
    stated = _number(headers.get("retry-after-ms"))
    if stated is not None:
        return _bounded(stated / 1000)
    for wait in (
        _moment(headers.get("retry-after"), moment),
        _reset(headers, moment),
        _retry_info(body),
        _quoted(body, moment),
        _said(message),
    ):
        if wait is not None:
            return _bounded(wait)
    return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _duration(text: str) -> float | None:
    """ "6m0s", "120ms", "1.5 seconds" → seconds."""
    found = PART.findall(text)
    if not found:
        return None
    total = 0.0
    for amount, unit in found:
        unit = unit.lower()
        key = "ms" if unit == "ms" else "milli" if unit.startswith("milli") else unit[0]
        total += float(amount) * UNITS[key]
    return total


def _moment(value: Any, now: float) -> float | None:
    """Seconds from now of: seconds, Unix time in s or ms, a duration, an HTTP or RFC 3339 date."""
    number = _number(value)
    if number is not None:
        if number > 1e11:
            return number / 1000 - now
        return number - now if number > 1e9 else number
    if not isinstance(value, str) or not value or len(value) > 100:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(value)
            aware = date if date.tzinfo else date.replace(tzinfo=UTC)
            return aware.timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return _duration(value)


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """The longest reset of those limits of which nothing remains; of a lone reset also without that word."""
    waits = []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        wait = _moment(value, now)
        remaining = _number(headers.get(name.replace("reset", "remaining")))
        if wait is not None and (remaining == 0 or (remaining is None and name.endswith("reset"))):
            waits.append(wait)
    return max(waits, default=None)


def _retry_info(body: Any) -> float | None:
    """Google: ``error.details[].retryDelay`` = "37s"."""
    while isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str):
            return _duration(delay)
    return None


def _quoted(body: Any, now: float) -> float | None:
    """OpenRouter: ``error.metadata.headers``, the limit's headers."""
    error = body.get("error") if isinstance(body, dict) else None
    metadata = error.get("metadata") if isinstance(error, dict) else None
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    if not isinstance(headers, dict):
        return None
    lower = {name.lower(): value for name, value in headers.items()}
    wait = _moment(lower.get("retry-after"), now)
    return _reset(lower, now) if wait is None else wait


def _said(message: str) -> float | None:
    found = SAID.search(message)
    return _duration(found[1]) if found else None
