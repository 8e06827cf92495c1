"""Reads the two units users write: spans of time (`90s`, `1h30m`) and percentages (`99.5%`).

Used wherever a specification becomes values. The patterns are the ones the CRD enforces.
"""

import re
from datetime import timedelta
from decimal import Decimal

# Seven digits: a time that far away still has a date.
DURATION_PATTERN = r"^([0-9]{1,7}(ms|s|m|h))+$"
PERCENTAGE_PATTERN = r"^[0-9]+(\.[0-9]+)?%$"
MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def duration(text: str) -> timedelta:
    """Return a span such as `10m` or `1h30m` or `300ms`.

    Raises:
        ValueError: the text is no span of time.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration such as 300ms, 30s, 10m or 1h30m")
    parts = re.findall(r"([0-9]+)(ms|s|m|h)", text)
    return timedelta(milliseconds=sum(int(count) * MILLISECONDS[unit] for count, unit in parts))


def fraction(text: str) -> float:
    """Return a percentage such as `99.5%` as a share (0.995).

    Raises:
        ValueError: the text is no percentage.
    """
    if not re.fullmatch(PERCENTAGE_PATTERN, text):
        raise ValueError(f"{text!r} is not a percentage such as 5% or 99.5%")
    return float(Decimal(text[:-1]) / 100)
