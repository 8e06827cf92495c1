"""One JSON object per line, with the fields that name the rollout."""

import json
import logging

from faceblur_operator.wiring.logs import JsonFormatter


def formatted(**changes: object) -> dict[str, object]:
    record = logging.LogRecord("engine", logging.INFO, "x.py", 1, "wrote %s", ("object",), None)
    record.created = 1767225600.25
    for name, value in changes.items():
        setattr(record, name, value)
    line: dict[str, object] = json.loads(JsonFormatter().format(record))
    return line


def test_line_has_time_level_phrase_and_fields() -> None:
    assert formatted(fields={"namespace": "demo", "name": "x", "weight": 5}) == {
        "time": "2026-01-01T00:00:00.250+00:00",
        "level": "info",
        "event": "wrote object",
        "logger": "engine",
        "namespace": "demo",
        "name": "x",
        "weight": 5,
    }


def test_line_of_an_error_has_its_trace_in_the_same_line() -> None:
    err = ZeroDivisionError("x")

    line = formatted(exc_info=(type(err), err, None))

    assert line["trace"] == "ZeroDivisionError: x"
