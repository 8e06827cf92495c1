"""May this process write at all?"""

from datetime import timedelta
from typing import Protocol


class Fence(Protocol):
    """Guards every write: only the holder of the Lease passes."""

    def check(self) -> timedelta:
        """Return how long a write that begins now may take at most.

        Raises:
            NotLeadingError: the Lease is not held, or may have run out.
        """
        ...
