"""Logs as one JSON object a line: an event phrase plus fields.

Never pass a picture, a file name, an address or an identity as a field.
"""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """Formats records; fields come from `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for one record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def config() -> dict[str, object]:
    """Return the logging configuration, as `logging.config.dictConfig` takes it."""
    handler = {
        "class": "logging.StreamHandler",
        "formatter": "json",
        "stream": "ext://sys.stdout",
    }
    talks = {"level": "INFO", "handlers": ["out"], "propagate": False}
    # gunicorn's access log carries addresses and paths; the service writes its own without them.
    silent = {"level": "CRITICAL", "handlers": [], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {"out": handler},
        "root": {"level": "WARNING", "handlers": ["out"]},
        "loggers": {"gunicorn.error": talks, "faceblur": talks, "gunicorn.access": silent},
    }


def fatal(message: str) -> None:
    """Write why the process ends, where no logging is set up yet."""
    sys.stderr.write(json.dumps({"level": "critical", "event": message}, ensure_ascii=False) + "\n")
