"""May this process write at all?"""

from typing import Protocol


class Fence(Protocol):
    """Guards every write: only the holder of the Lease passes."""

    def check(self) -> None:
        """Do nothing when this process leads.

        Raises:
            NotLeadingError: the Lease is not held, or may have run out.
        """
        ...
