"""What the person at the terminal sees: stages with their time, and one line per event.

Colour only on a terminal, so that a log file stays readable.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from tests.support.answers import Answer, failed, percentile_s, share_of
from tests.support.rollouts import Sighting

HEAD = (
    f"{'time':>6}  {'phase':<11} {'step':<4} {'weight':>6}  {'gray since last line':<20} "
    f"{'sent':>6} {'failed':>6} {'P95':>8}  {'verdict':<12} why"
)
_COLOURS = {
    "Succeeded": "32",
    "RolledBack": "33",
    "RollingBack": "33",
    "Breach": "31",
    "Pass": "32",
}


class Terminal:
    """Writes to one stream, with times since the demo began."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Write to `out`, standard output by default."""
        self._out = out or sys.stdout
        self._has_colour = self._out.isatty() and "NO_COLOR" not in os.environ
        self._began = time.monotonic()

    def say(self, text: str = "") -> None:
        """Write a line."""
        self._out.write(f"{text}\n")
        self._out.flush()

    def heading(self, text: str) -> None:
        """Write a line that stands out."""
        self.say()
        self.say(self._coloured(f"== {text}", "1"))

    @contextmanager
    def stage(self, what: str) -> Iterator[None]:
        """Say what begins and, when it is done, how long it took."""
        self.say(f"{self._clock()}  {what} ...")
        began = time.monotonic()
        yield
        self.say(f"{self._clock()}  {what}: done in {time.monotonic() - began:.0f} s")

    def event(self, seen: Sighting, fresh: Sequence[Answer], totals: tuple[int, int]) -> None:
        """Write the line of an event.

        Args:
            seen: What the rollout says.
            fresh: What clients got since the last line.
            totals: Requests answered and failed since the release began.
        """
        line = event_line(seen, fresh, totals)
        for word in (seen.phase, seen.verdict):
            if word in _COLOURS:
                line = line.replace(word, self._coloured(word, _COLOURS[word]), 1)
        self.say(f"{self._clock()}  {line}")

    def problem(self, text: str) -> None:
        """Write what went wrong."""
        self.say(self._coloured(text, "31"))

    def _coloured(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._has_colour else text

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:>3}:{seconds:02}"


def event_line(seen: Sighting, fresh: Sequence[Answer], totals: tuple[int, int]) -> str:
    """Return the line of an event, without its time."""
    sent, lost = totals
    share = share_of(fresh)
    p95 = f"{percentile_s(fresh, 95) * 1000:.0f} ms" if fresh else "-"
    return (
        f"{seen.phase:<11} {seen.step:<4} {seen.weight:>4} %  {share!s:<20} "
        f"{sent:>6} {lost:>6} {p95:>8}  {seen.verdict or '-':<12} {seen.message}"
    ).rstrip()


def totals(answers: Sequence[Answer]) -> tuple[int, int]:
    """Return how many requests were answered, and how many of them failed."""
    return len(answers), len(failed(answers))
