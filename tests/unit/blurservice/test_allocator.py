"""Large blocks go back to the kernel, also those of threads."""

import subprocess
import sys

from faceblur_service import allocator

_HELD = """
import threading
import numpy as np
from tests.support.peak import resident
from faceblur_service.allocator import give_back_large_blocks

assert give_back_large_blocks()
before = resident()

def work():
    for size in (30_000_000, 20_000_000, 10_000_000):
        np.ones(size, np.uint8)
        kept.append(bytes(1000))

kept = []
for _ in range(4):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(resident() - before)
"""


def test_what_threads_let_go_of_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", _HELD], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 8_000_000


_KEPT = """
import numpy as np
from tests.support.peak import resident
from faceblur_service.allocator import give_back_large_blocks, sparing

kept = []

def left():
    before = resident()
    held = [np.ones(1_000_000, np.uint8) for _ in range(12)]
    kept.append(bytes(100_000))
    del held
    return resident() - before

assert give_back_large_blocks(works={works})
first = left()
before = resident()
with sparing():
    with sparing():
        given = before - resident()
    print(first, given, left())
print(left())
"""


def _kept(*, works: bool) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", _KEPT.format(works=works)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in done.stdout.split()]


def test_nothing_is_kept_for_reuse_while_a_large_picture_is_at_work() -> None:
    first, given, sparing, after = _kept(works=True)

    assert first > 8_000_000
    assert given > 8_000_000
    assert sparing < 2_000_000
    assert after > 8_000_000


def test_a_process_that_hands_pictures_on_keeps_nothing() -> None:
    first, _, sparing, after = _kept(works=False)

    assert max(first, sparing, after) < 2_000_000


def test_others_give_back_too_when_a_large_picture_comes_and_only_then() -> None:
    told: list[bool] = []

    class Keeper:
        def give_back(self) -> None:
            told.append(allocator.is_sparing())

    keeper = Keeper()
    allocator.ask_too(keeper)
    with allocator.sparing(when=False):
        assert not told
    with allocator.sparing():
        assert told == [True]
    del keeper
    with allocator.sparing():
        assert told == [True], "whoever is gone is not asked"

    assert not allocator.is_sparing()
