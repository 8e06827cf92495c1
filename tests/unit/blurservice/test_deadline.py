"""The time one picture may take."""

import pytest

from faceblur_service.deadline import Deadline
from faceblur_service.errors import PictureTooSlow


def test_work_goes_on_until_the_time_is_over() -> None:
    now = 5.0
    deadline = Deadline(10, lambda: now)

    now = 14.9
    deadline.check()
    now = 15.0
    with pytest.raises(PictureTooSlow, match="longer than 10 s"):
        deadline.check()
