"""How long to wait after a look that failed."""

from collections.abc import Callable
from datetime import timedelta

from faceblur_operator.ports.errors import ConflictError, NotLeadingError, RefusedError

FIRST = timedelta(milliseconds=100)
LONGEST = timedelta(seconds=5)
# Forbidden or invalid: only a person or a new version changes that.
REFUSED = timedelta(seconds=30)
# Others write too: a few conflicts in a row are normal, more are a loop.
FREE_CONFLICTS = 3


class Backoff:
    """Delays of one rollout: doubled with each failure in a row, and spread by chance."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """Take `chance`, which returns numbers from 0 to 1."""
        self._chance = chance
        self._failures = 0

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0

    def failed(self, error: Exception) -> timedelta:
        """Return how long to wait after this error."""
        self._failures += 1
        if isinstance(error, ConflictError) and self._failures <= FREE_CONFLICTS:
            return timedelta(0)
        longest = FIRST * (1 << min(self._failures - 1, 10))
        if isinstance(error, RefusedError | NotLeadingError):
            longest = max(longest, REFUSED)
        else:
            longest = min(longest, LONGEST)
        # Between half and all of it: rollouts that failed together do not come back together.
        return longest * (0.5 + 0.5 * self._chance())
