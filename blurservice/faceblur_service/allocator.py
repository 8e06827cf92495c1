"""Have the C library give large blocks back at once.

By itself it keeps up to 64 MiB of what each thread let go of, for that thread alone: four threads
with large pictures held 100 MiB more. Called by processes that serve, before their threads begin.
"""

import ctypes
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Bytes. Smaller blocks are reused: clearing fresh ones takes longer than copying into them. A
# picture of 1920x1080 has fewer, and is twice in memory while it is decoded.
_LARGE = 8 * 1024 * 1024
# Where room is worth more than time.
_SMALL = 256 * 1024

_lock = threading.Lock()
_usual = 0
_sparing = 0


class Keeps(Protocol):
    """Somebody who keeps memory of his own for reuse."""

    def give_back(self) -> None:
        """Give it back now, if he can."""
        ...


# Weak: whoever is gone keeps nothing.
_keepers: "weakref.WeakSet[Keeps]" = weakref.WeakSet()


def give_back_large_blocks(*, works: bool = True) -> bool:
    """Set it for this process; return False where the C library is not glibc.

    Args:
        works: Whether this process itself works on pictures. One that hands them on only holds
            files, and what it kept would be missing to who works on them.
    """
    global _usual
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    if change is None:
        return False
    with _lock:
        _usual = _LARGE if works else _SMALL
        return bool(change(_ARENA_MAX, 2)) and _keep(_usual)


@contextmanager
def sparing(*, when: bool = True) -> Iterator[None]:
    """Keep next to nothing for reuse while a large picture needs all the room that there is.

    The C library is left alone where the process was never told to give back large blocks.

    Args:
        when: Whether the picture is large.
    """
    if not when:
        yield
        return
    _count(1)
    try:
        for keeper in tuple(_keepers):
            keeper.give_back()
        _trim()
        yield
    finally:
        _count(-1)


def is_sparing() -> bool:
    """Return whether a large picture is at work."""
    return _sparing > 0


def ask_too(keeper: Keeps) -> None:
    """Have him give back what he keeps, too, when a large picture comes."""
    with _lock:
        _keepers.add(keeper)


def _count(more: int) -> None:
    global _sparing
    with _lock:
        _sparing += more
        if _usual:
            _keep(_SMALL if _sparing else _usual)


def _trim() -> None:
    if _usual:
        ctypes.CDLL(None).malloc_trim(0)


def _keep(large: int) -> bool:
    wanted = {_MMAP_THRESHOLD: large, _TRIM_THRESHOLD: 2 * large}
    change = ctypes.CDLL(None).mallopt
    done = [bool(change(what, value)) for what, value in wanted.items()]
    return all(done)
