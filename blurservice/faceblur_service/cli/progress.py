"""A progress bar with the time that is left, on a terminal only."""

import sys
from types import TracebackType
from typing import Any

from faceblur_service.cli.words import say, shown


class Progress:
    """Counts finished pictures on standard error."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        """Show a bar for `total` pictures; none when quiet or not on a terminal."""
        self._bar: Any = None
        if not quiet and total > 1 and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="pic", dynamic_ncols=True, file=sys.stderr)

    def __enter__(self) -> "Progress":
        """Show it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it as it stands."""
        if self._bar is not None:
            self._bar.close()

    def step(self) -> None:
        """Count one more."""
        if self._bar is not None:
            self._bar.update()

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        if self._bar is None:
            say(text)
        else:
            self._bar.write(shown(text), file=sys.stderr)
