"""What was asked and answered, for keys whose content is logged: cut and redacted, then spooled, then stored.

The spool is like that of records, in a directory of its own beside it (``<data>/spool/content``), so that the records'
path knows nothing of it. A file is stored whole, in one transaction, and deleted after it; ids make that happen once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from metrics import spool
from metrics.models import RequestContent
from metrics.redact import Redactor, redactor

logger = logging.getLogger(__name__)

MARGIN = 8192  # letters beyond the cap that rules still see, so that what is cut is not cut within a secret
DEEPEST = 60
MOST_NUMBERS = 64  # vectors and tokens beyond that are noted, not kept
DATA_URL = re.compile(r"data:([\w/+.-]{0,100})(?:;[\w=.-]{1,100}){0,4};base64,([A-Za-z0-9+/=_-]*)")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}")
BATCH = 50


def keep(identity: Mapping[str, Any], prompt: Any, answer: Any, cut: bool = False) -> None:
    """Write one request's content to the spool. ``identity``: ``id``, ``at`` (Unix seconds), ``api_key``; ``prompt``
    and ``answer``: JSON values, None for nothing; ``cut``: the answer was more than it holds. Never raises."""
    try:
        asked, answered = _Side(_rules()), _Side(_rules())
        line = {
            **identity,
            "prompt": asked.text(prompt),
            "answer": answered.text(answer),
            "prompt_truncated": asked.truncated,
            "answer_truncated": answered.truncated or cut,
            "redactions": asked.redactions + answered.redactions,
        }
        own().append(orjson.dumps(line) + b"\n")
    except Exception as error:  # noqa: BLE001 - an answer is worth more than its copy; and no part of it in the log
        logger.error("The content of %s could not be kept: %s", identity.get("id"), type(error).__name__)


class _Side:
    """One side of a request on its way into a text of at most GATEWAY_CONTENT_MAX_KB."""

    def __init__(self, rules: Redactor) -> None:
        self._rules = rules
        self._left = settings.CONTENT_MAX_BYTES
        self.truncated = False
        self.redactions = 0

    def text(self, value: Any) -> str:
        """``value`` as JSON text, redacted and cut; "" for None."""
        if value is None:
            return ""
        return orjson.dumps(self._fitted(value, 0)).decode()

    def _fitted(self, value: Any, depth: int) -> Any:
        self._left -= 4
        if self._left <= 0 or depth > DEEPEST:
            self.truncated = True
            return None
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple)):
            return self._list(value, depth)
        if value is None or isinstance(value, bool):
            return value
        shown = str(value)
        return self._string(shown) if self._rules.redacted(shown)[1] or not _plain_number(value) else value

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        fitted: dict[str, Any] = {}
        for name, part in value.items():
            if self._left <= 0:
                self.truncated = True
                break
            key = self._string(str(name))
            fitted[key] = self._fitted(part, depth + 1)
        return fitted

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> Any:
        if len(value) > MOST_NUMBERS and all(isinstance(part, (int, float)) for part in value):
            return f"[{len(value)} numbers]"
        fitted = []
        for part in value:
            if self._left <= 0:
                self.truncated = True
                break
            fitted.append(self._fitted(part, depth + 1))
        return fitted

    def _string(self, text: str) -> str:
        if len(text) > 100:
            text = DATA_URL.sub(_noted, text)
            if BASE64.fullmatch(text):
                text = f"[{_size(len(text))} of base64]"
        left = max(self._left, 0)
        if len(text) > left + MARGIN:
            text, self.truncated = text[: left + MARGIN], True
        text, found = self._rules.redacted(text.replace("\x00", "�").encode("utf-8", "replace").decode())
        self.redactions += found
        while (size := len(orjson.dumps(text)) - 2) > left:
            text, self.truncated = text[: len(text) * left // size], True
        self._left -= size
        return text


def _plain_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def _noted(found: re.Match[str]) -> str:
    return f"[{found[1] or 'data'}, {_size(len(found[2]))}]"


def _size(letters: int) -> str:
    return f"{max(1, round(letters * 3 / 4 / 1024))} kB"


@lru_cache(maxsize=1)
def _rules() -> Redactor:
    return redactor(settings.CONTENT_REDACT)


def directory() -> Path:
    """``<data directory>/spool/content``."""
    return spool.default_directory() / "content"


own = spool.Own(directory)


def drain(where: Path) -> int:
    """Store all finished files of ``where``, whoever wrote them. Returns the rows. Raises ``DatabaseError``."""
    total = 0
    for path in spool.files(where):
        with spool.opened(path) as (file, finished):
            if file is None or not finished:
                continue
            rows = [row for line in file if (row := _row(line)) is not None]
        for start in range(0, len(rows), BATCH):
            _store(rows[start : start + BATCH])
        path.unlink(missing_ok=True)
        total += len(rows)
    return total


def _store(rows: list[RequestContent]) -> None:
    try:
        with transaction.atomic():
            RequestContent.objects.bulk_create(rows, ignore_conflicts=True)
    except (DataError, IntegrityError, ValueError) as error:
        if len(rows) == 1:
            logger.warning("The database refuses the content of %s: %s", rows[0].pk, type(error).__name__)
            return
        for row in rows:
            _store([row])


def _row(line: bytes) -> RequestContent | None:
    """A line of the spool; None for one that was cut off when its writer died."""
    try:
        said = orjson.loads(line)
        return RequestContent(**{**said, "at": datetime.fromtimestamp(said["at"], UTC)})
    except (ValueError, TypeError, KeyError):
        logger.warning("A line of the contents' spool cannot be read.")
        return None
