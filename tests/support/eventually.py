"""Waiting with a name and an end, so that no test sleeps and every failure says what it saw last.

`eventually` is for what must come true, `consistently` for what must stay true.  Used by the tests
that look at real programs; unit tests set their clock instead.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Patience:
    """How long to wait, and for what: the name is part of the message of a failure."""

    name: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.name} ({self.seconds:g} s)"


def eventually(
    read: Callable[[], T],
    holds: Callable[[T], object],
    *,
    within: Patience,
    what: str,
    every_s: float = _LOOK_EVERY_S,
) -> T:
    """Read until what was read holds, and return it.

    Args:
        read: Looks at the world; what it raises is final, so it tells "not there yet" by a value.
        holds: Whether the value is the wanted one; may raise AssertionError instead.
        within: How long to go on.
        what: The claim, for the message: "the gray Ingress has weight 5".
        every_s: Seconds between two looks.

    Raises:
        AssertionError: with the claim and the last value when the time is over.
    """
    end = time.monotonic() + within.seconds
    while True:
        value = read()
        complaint = _complaint(holds, value)
        if complaint is None:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"{within}: not true that {what}; {complaint}")
        time.sleep(every_s)


def consistently(
    read: Callable[[], T],
    holds: Callable[[T], object],
    *,
    during: Patience,
    what: str,
    every_s: float = _LOOK_EVERY_S,
) -> None:
    """Read for the whole time and require that every value holds.

    Raises:
        AssertionError: with the claim and the first value that breaks it.
    """
    end = time.monotonic() + during.seconds
    while time.monotonic() < end:
        complaint = _complaint(holds, read())
        if complaint is not None:
            raise AssertionError(f"{during}: it did not stay true that {what}; {complaint}")
        time.sleep(every_s)


def _complaint(holds: Callable[[T], object], value: T) -> str | None:
    """Return why the value is not the wanted one, None when it is."""
    try:
        return None if holds(value) else f"last seen: {value!r}"
    except AssertionError as error:
        return f"last seen: {value!r} ({error})"
