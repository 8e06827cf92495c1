"""What was done already, so that the same command goes on where it was stopped.

One line of JSON per result, in `.faceblur.jsonl` of the folder that the results are below. A line
is written when the result is finished and before it gets its name: so whenever the process is
killed, a result that is there is known as ours. A line that was cut off is not read. It holds file
names, sizes and times: nothing about faces.
"""

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from faceblur_service.options import Options

NAME = ".faceblur.jsonl"


@dataclass(frozen=True, slots=True)
class Deed:
    """One result: made of what, how, and how it looked then."""

    source: tuple[int, int]
    """Size and time of change in nanoseconds."""

    target: tuple[int, int]
    how: str
    """The options and the version, as a short hash."""


def how(options: Options, version: str) -> str:
    """Return a short name for everything beside the picture that a result depends on."""
    return hashlib.sha256(f"{version} {options!r}".encode()).hexdigest()[:16]


def state(path: Path) -> tuple[int, int] | None:
    """Return size and time of change; None when there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Note:
    """Writes down a result; called by the process that made it, so it can be sent to one."""

    ledger: Path
    name: str
    source: tuple[int, int]
    how: str

    def __call__(self, result: Path) -> None:
        """Append a line.

        Args:
            result: The finished file, which keeps its size and time when it gets its name.

        Raises:
            OSError: It cannot be noted: then it must not be there either.
        """
        row = {"file": self.name, "source": self.source, "target": state(result), "how": self.how}
        with self.ledger.open("a+b", buffering=0) as file:
            is_cut = file.seek(0, os.SEEK_END) > 0 and _last(file) != b"\n"
            # At once: other processes append too.
            line = ("\n" if is_cut else "") + json.dumps(row) + "\n"
            if file.write(line.encode("ascii")) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.ledger))


def _last(file: FileIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


class Ledger:
    """The deeds below one folder."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; a folder without a ledger has done nothing."""
        self._folder, self._path = folder, folder / NAME
        self._deeds: dict[str, Deed] = {}
        # All that was ever noted: the last line may be of a result that never got its name.
        self._made: dict[tuple[str, tuple[int, int]], str] = {}
        try:
            # Ours is ASCII; what else a broken disk has put there costs its own line only.
            lines = self._path.read_text(encoding="ascii", errors="replace")
        except OSError:
            return
        for line in lines.split("\n"):
            self._read(line)

    def is_done(self, source: Path, target: Path, wanted: str) -> bool:
        """Return whether the result is there, unchanged, of this very picture and these options."""
        deed = self._deeds.get(self._name(target))
        if deed is None or deed.how != wanted or deed.target != state(target):
            return False
        # In place, the picture became its result, also when a link named it.
        return deed.source == state(source) or (source.exists() and source.samefile(target))

    def made(self, target: Path, wanted: str | None = None) -> bool:
        """Return whether the file there is a result of ours that nobody changed since.

        Args:
            target: The file.
            wanted: Only a result that was made so counts; None: any.
        """
        found = state(target)
        how = None if found is None else self._made.get((self._name(target), found))
        return how is not None and wanted in {None, how}

    def note(self, source_state: tuple[int, int], target: Path, how: str) -> Note:
        """Return what writes a result down.

        Args:
            source_state: How the picture looks before the work begins.
            target: Where the result goes.
            how: What `how` said.
        """
        return Note(self._path, self._name(target), source_state, how)

    def _name(self, target: Path) -> str:
        return target.relative_to(self._folder).as_posix()

    def _read(self, line: str) -> None:
        try:
            row = json.loads(line)
            source, target = row["source"], row["target"]
            deed = Deed(
                (int(source[0]), int(source[1])),
                (int(target[0]), int(target[1])),
                str(row["how"]),
            )
            self._deeds[str(row["file"])] = deed
            self._made[str(row["file"]), deed.target] = deed.how
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            return
