"""The wall clock: the only place that reads it, so that everything else takes it as a value."""

import time

__all__ = ["now"]


def now() -> float:
    """Return seconds since 1970 (UTC)."""
    return time.time()  # noqa: TID251 - this is the clock
