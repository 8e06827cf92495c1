"""Large blocks go back to the kernel, also those of threads."""

import subprocess
import sys

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
from faceblur_service.allocator import give_back_kept_blocks, give_back_large_blocks

assert give_back_large_blocks()
held = [np.ones(1_000_000, np.uint8) for _ in range(12)]
last = bytes(100_000)
del held
before = resident()
give_back_kept_blocks()
print(before - resident())
"""


def test_what_is_kept_for_reuse_is_given_back_when_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", _KEPT], capture_output=True, text=True, check=True)

    assert int(done.stdout) > 8_000_000
