"""Have the C library give large blocks back at once.

By itself it keeps up to 64 MiB of what each thread let go of, for that thread alone: four threads
with large pictures held 100 MiB more. Called by processes that serve, before their threads begin.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Bytes. Smaller blocks are reused: clearing fresh ones takes longer than copying into them. A
# picture of 1920x1080 has fewer, and is twice in memory while it is decoded.
_LARGE = 8 * 1024 * 1024
_KEPT = 2 * _LARGE


def give_back_large_blocks() -> bool:
    """Set it for this process; return False where the C library is not glibc."""
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    if change is None:
        return False
    wanted = {_MMAP_THRESHOLD: _LARGE, _TRIM_THRESHOLD: _KEPT, _ARENA_MAX: 2}
    done = [bool(change(what, value)) for what, value in wanted.items()]
    return all(done)


def give_back_kept_blocks() -> None:
    """Give back now what is kept for reuse: a large picture needs all the room that there is."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
