"""Write a file whole or not at all: a reader sees the old one, or all of the new one."""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

_LONG = 200
_SCRATCH = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]+)\.part", re.DOTALL)


def scratch_of(target: Path, pid: int) -> Path:
    """Return where a process writes a file before it gets its name.

    Beside the target, since a rename is only atomic inside one file system; named after the
    process, so that whoever ends a process can remove what it left.
    """
    return target.with_name(f".{_stem(target.name)}.{pid}.part")


def _stem(name: str) -> str:
    # A name may be as long as the file system allows, and this one is longer.
    whole = os.fsencode(name)
    return name if len(whole) <= _LONG else hashlib.sha256(whole).hexdigest()


def write(
    target: Path,
    data: bytes,
    *,
    durable: bool = False,
    before_naming: Callable[[Path], None] | None = None,
) -> None:
    """Write a file, making its folder; an old one keeps its permissions.

    Args:
        target: Where to.
        data: What.
        durable: Wait for the disk before the old file goes: a power cut must not cost both.
        before_naming: Called with the finished file before it gets its name, which keeps its size
            and time of change; an OSError of it is one of this function.

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
        if before_naming is not None:
            before_naming(scratch)
        scratch.replace(target)
    except OSError as err:
        if err.errno is None or err.filename not in {None, str(scratch)}:
            raise
        # Nobody asked for the scratch file.
        raise OSError(err.errno, err.strerror, str(target)) from err
    finally:
        # Nothing to say about it: why there is no scratch file was said above.
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)


def remove_left(targets: Iterable[Path]) -> None:
    """Remove what ended processes left half written of these files."""
    names: dict[Path, set[str]] = {}
    for target in targets:
        names.setdefault(target.parent, set()).add(_stem(target.name))
    for folder, wanted in names.items():
        for entry in os.listdir(folder) if os.path.isdir(folder) else ():
            found = _SCRATCH.fullmatch(entry)
            if found and found["name"] in wanted and not _lives(int(found["pid"])):
                (folder / entry).unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
