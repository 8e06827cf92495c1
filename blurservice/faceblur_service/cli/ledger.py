"""What was done already, so that the same command goes on where it was stopped.

One line of JSON per result, in `.faceblur.jsonl` of the folder that the results are below. A line
is written after its result, so a crash costs at most one picture; a line that was cut off is not
read. It holds file names, sizes and times: nothing about faces.
"""

import hashlib
import json
from dataclasses import dataclass
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


class Ledger:
    """The deeds below one folder."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; a folder without a ledger has done nothing."""
        self._folder, self._path = folder, folder / NAME
        self._deeds: dict[str, Deed] = {}
        self._is_cut = False
        try:
            lines = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        self._is_cut = bool(lines) and not lines.endswith("\n")
        for line in lines.splitlines():
            self._read(line)

    def is_done(self, source: Path, target: Path, wanted: str) -> bool:
        """Return whether the result is there, unchanged, of this very picture and these options."""
        deed = self._deeds.get(self._name(target))
        if deed is None or deed.how != wanted or deed.target != state(target):
            return False
        # In place, the picture became its result.
        return deed.source == state(source) or source == target

    def made(self, target: Path) -> bool:
        """Return whether the file there is a result of ours that nobody changed since."""
        deed = self._deeds.get(self._name(target))
        return deed is not None and deed.target == state(target)

    def add(self, source_state: tuple[int, int], target: Path, done: str) -> None:
        """Write down a result.

        Args:
            source_state: How the picture looked before the work began.
            target: The result.
            done: What `how` said.
        """
        target_state = state(target)
        if target_state is None:
            return
        name = self._name(target)
        self._deeds[name] = Deed(source_state, target_state, done)
        row = {"file": name, "source": source_state, "target": target_state, "how": done}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if self._is_cut else "") + json.dumps(row, ensure_ascii=False) + "\n")
        self._is_cut = False

    def _name(self, target: Path) -> str:
        return target.relative_to(self._folder).as_posix()

    def _read(self, line: str) -> None:
        try:
            row = json.loads(line)
            source, target = row["source"], row["target"]
            self._deeds[str(row["file"])] = Deed(
                (int(source[0]), int(source[1])),
                (int(target[0]), int(target[1])),
                str(row["how"]),
            )
        except (ValueError, KeyError, TypeError, IndexError):
            return
