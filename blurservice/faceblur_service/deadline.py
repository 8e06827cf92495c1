"""How long one picture may take.

Asked between stages and between frames: a decoder in the middle of its work cannot be stopped,
but the limits on bytes and pixels bound that.
"""

import time
from collections.abc import Callable

from faceblur_service.errors import PictureTooSlow

PICTURE_SECONDS = 30.0


class Deadline:
    """A moment after which nothing is begun any more."""

    def __init__(
        self, seconds: float = PICTURE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start to count now."""
        self._seconds, self._clock = seconds, clock
        self._end = clock() + seconds

    def check(self) -> None:
        """Go on while there is time.

        Raises:
            PictureTooSlow: The time is over.
        """
        if self._clock() >= self._end:
            raise PictureTooSlow(f"The picture takes longer than {self._seconds:.0f} s.")
