"""Log lines: for people, or one JSON object a line for programs. All go to standard error."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "server_time"}


class TextFormatter(logging.Formatter):
    """A line a record: what callers and vendors say can neither begin a line of its own nor steer a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        record.message = _CONTROL.sub(lambda found: repr(found.group())[1:-1], record.message)
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, process, message, what ``extra`` says, the exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def config(level: str, form: str) -> dict[str, Any]:
    """``LOGGING`` for Django and gunicorn alike. gunicorn's own steps are shown only at ``debug``: ours say enough."""
    quiet = level if level in ("debug", "error") else "warning"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {
                "()": "gateway_project.logs.TextFormatter",
                "format": "%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s",
            },
            "json": {"()": "gateway_project.logs.JsonFormatter"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": form},
        },
        "root": {"handlers": ["console"], "level": level.upper()},
        "loggers": {
            "django": {"handlers": ["console"], "level": quiet.upper(), "propagate": False},
            "gunicorn.error": {"handlers": ["console"], "level": quiet.upper(), "propagate": False},
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "urllib3": {"level": "WARNING"},
            "urllib3.connection": {"level": "ERROR"},  # each odd header of an upstream: its URL and a stack trace
            "psycopg": {"level": "WARNING"},
        },
    }
