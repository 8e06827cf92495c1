"""Write a file whole or not at all: a reader sees the old one, or all of the new one."""

import os
import shutil
from pathlib import Path


def scratch_of(target: Path, pid: int) -> Path:
    """Return where a process writes a file before it gets its name.

    Beside the target, since a rename is only atomic inside one file system; named after the
    process, so that whoever ends a process can remove what it left.
    """
    return target.with_name(f".{target.name}.{pid}.part")


def write(target: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file, making its folder; an old one keeps its permissions.

    Args:
        target: Where to.
        data: What.
        durable: Wait for the disk before the old file goes: a power cut must not cost both.

    Raises:
        OSError: It could not be written; the old file, if any, is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = scratch_of(target, os.getpid())
    try:
        with scratch.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, scratch)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
