"""Which pictures the command line names, and where their results go."""

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from faceblur_service.cli.ledger import NAME as LEDGER

if TYPE_CHECKING:
    from faceblur_service.codec import Format

MARK = ".blurred"
"""In the name of a result beside its original; a folder's own results are not taken again."""

# What people take for pictures, too, and what is not read.
_OTHER_KINDS = {
    *(".bmp", ".jp2", ".jxl", ".psd", ".tga", ".raw", ".dng", ".cr2", ".cr3"),
    *(".nef", ".arw", ".orf", ".rw2", ".raf", ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"),
    *(".mpg", ".mpeg", ".wmv", ".3gp", ".mts"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that was named."""

    path: Path
    root: Path
    """The folder that was named, or that holds it: results keep their place below it."""


@dataclass(slots=True)
class Found:
    """The pictures of a command line, each once, and what could not be found."""

    sources: list[Source] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """What was named or met on the way, and why there is no picture."""

    notes: list[str] = field(default_factory=list)
    """Sentences about folders: that there is nothing, or what was passed over."""


def find(named: Sequence[str], *, recursive: bool, output: Path | None = None) -> Found:
    """Return the pictures that were named, in their order; those of a folder by name.

    Args:
        named: Files, folders and patterns.
        recursive: Also the folders inside.
        output: A folder of results; when it lies inside of a folder or a pattern that is named,
            what is there is not taken again.
    """
    found, seen, own = Found(), set[Path](), list[str]()
    place_of_results = None if output is None else real(output)
    for name in named:
        root = _root(name, found)
        if root is None:
            continue
        here = real(root.path)
        if root.is_dir and here == place_of_results:
            own.append(name)
            continue
        # Elsewhere, or around what is named, it holds what was asked for.
        is_inside = place_of_results is not None and here in place_of_results.parents
        ours = place_of_results if is_inside else None
        if root.is_dir:
            taken = list(_pictures(root.path, found, recursive=recursive, ours=ours))
            _tell_empty(name, taken, found, recursive=recursive)
        else:
            taken = root.files
        for file in taken:
            place = real(file)
            if place not in seen and not (root.is_many and ours in place.parents):
                seen.add(place)
                found.sources.append(Source(file, root.path))
    for name in own:
        _tell_own(name, found)
    return found


def _tell_own(name: str, found: Found) -> None:
    """Say that a folder is not looked into, for it is the one where results go."""
    # The second time a shell's * names the folder that the first time made.
    if found.sources and Path(name, LEDGER).is_file():
        found.notes.append(f"{name}: this is where results go, it is not looked into")
    else:
        found.missing[name] = "this is where results would go: choose another folder for them."


def real(path: Path) -> Path:
    """Return where a path leads, links followed; a link in a circle leads to itself."""
    return Path(os.path.realpath(path))


@dataclass(frozen=True, slots=True)
class _Root:
    """What a word of the command line means."""

    path: Path
    """The folder below which results keep their place."""

    is_dir: bool = False
    is_many: bool = False
    """A folder or a pattern, that is, nobody named each file."""

    files: list[Path] = field(default_factory=list)


def _root(name: str, found: Found) -> _Root | None:
    path = Path(name)
    try:
        is_dir = stat.S_ISDIR(path.stat().st_mode)
    except OSError as err:
        if not glob.has_magic(name) or os.path.lexists(name):
            is_gone = isinstance(err, FileNotFoundError | NotADirectoryError)
            found.missing[name] = (
                "there is no such file or folder." if is_gone else f"{err.strerror}."
            )
            return None
        files = _matching(name, found)
        if not files:
            found.missing[name] = "no picture matches this pattern."
        return _Root(_fixed_part(path), is_many=True, files=files)
    if is_dir:
        return _Root(path, is_dir=True, is_many=True)
    return _Root(path.parent, files=[path])


def _matching(pattern: str, found: Found) -> list[Path]:
    matches = [Path(one) for one in sorted(glob.glob(pattern, recursive=True))]
    # Not by asking each path: that raises where a folder lets nobody look at its files.
    files = [file for file in matches if not os.path.isdir(file) and not _is_ours(file.name)]
    if "**" in Path(pattern).parts:
        for _here, folders, _names in os.walk(_fixed_part(Path(pattern)), onerror=_telling(found)):
            folders[:] = [name for name in folders if not name.startswith(".")]
    return [file for file in files if not _is_odd(file, found)]


def _telling(found: Found) -> Callable[[OSError], None]:
    def unreadable(err: OSError) -> None:
        # Not passed over: somebody would take the whole folder for done.
        found.missing[str(err.filename)] = f"{err.strerror}."

    return unreadable


def _is_odd(file: Path, found: Found) -> bool:
    """Return whether reading would wait for ever, as of a pipe, and tell so."""
    # A link that leads nowhere fails when it is read.
    is_odd = os.path.exists(file) and not os.path.isfile(file)
    if is_odd:
        found.missing[str(file)] = "is no file."
    return is_odd


def _pictures(folder: Path, found: Found, *, recursive: bool, ours: Path | None) -> Iterator[Path]:
    # Imported here: this loads OpenCV, which --help can do without. Of a folder, names decide what
    # is a picture; a file that is named itself is always tried, and its content decides.
    from faceblur_service.codec import Format

    suffixes = {suffix for kind in Format for suffix in kind.suffixes}
    others: Counter[str] = Counter()
    # Not into linked folders: they may lead in circles, or to pictures nobody meant.
    for here, folders, names in os.walk(folder, followlinks=False, onerror=_telling(found)):
        inside = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [f for f in inside if real(Path(here, f)) != ours] if recursive else []
        for name in sorted(names):
            file = Path(here) / name
            if _is_ours(name):
                continue
            suffix = file.suffix.lower()
            if suffix in suffixes and not _is_odd(file, found):
                yield file
            others[suffix] += suffix in _OTHER_KINDS
    if +others:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted((+others).items()))
        found.notes.append(f"{folder}: passed over, for such files are not read: {kinds}")


def _tell_empty(name: str, taken: list[Path], found: Found, *, recursive: bool) -> None:
    if taken or name in found.missing:
        return
    deeper = not recursive and any(one.is_dir() for one in os.scandir(name))
    hint = "; --recursive also looks into the folders inside" if deeper else ""
    found.notes.append(f"{name}: there are no pictures{hint}")


def _is_ours(name: str) -> bool:
    return name.startswith(".") or Path(name).stem.endswith(MARK)


def _fixed_part(pattern: Path) -> Path:
    parts = pattern.parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[: min(fixed, len(parts) - 1)])


def target_of(source: Source, output: Path | None) -> Path:
    """Return where a picture's result goes: below `output`, or beside the picture."""
    named = result_name(source.path)
    if output is None:
        return named.with_name(f"{named.stem}{MARK}{named.suffix}")
    return output / named.relative_to(source.root)


def result_name(path: Path) -> Path:
    """Return a picture's name with the suffix of its result: that of HEIC is a JPEG."""
    from faceblur_service.codec import Format

    suffix = path.suffix.lower()
    for kind in Format:
        if suffix in kind.suffixes and kind.written is not kind:
            return path.with_suffix(kind.written.suffixes[0])
    return path


def other_format(source: Path, target: Path) -> str | None:
    """Return why a result must not have this name: it would say another format than it has."""
    wanted = result_name(source).suffix.lower()
    mine, named = _kind(wanted), _kind(target.suffix.lower())
    if mine is None or named is None or mine is named:
        return None
    return f"{target} would hold a {mine.name}, the format of the result: name it {wanted}."


def _kind(suffix: str) -> "Format | None":
    from faceblur_service.codec import Format

    return next((kind for kind in Format if suffix in kind.suffixes), None)


def clashes(pairs: Iterable[tuple[Path, Path]], remedy: str) -> dict[Path, str]:
    """Return what must not be written: originals, and two results in one place.

    Args:
        pairs: (source, target) of every picture.
        remedy: What to do about it, in words.

    Returns:
        A sentence by source.
    """
    pairs = list(pairs)
    originals = {_identity(source) for source, _ in pairs}
    taken: dict[Path, Path] = {}
    bad: dict[Path, str] = {}
    for source, target in pairs:
        place = real(target)
        if _identity(target) in originals:
            bad[source] = f"{target} is an original: {remedy}."
        elif place in taken:
            bad[source] = f"{target} would be written twice, also from {taken[place]}."
        else:
            taken[place] = source
    return bad


def _identity(path: Path) -> tuple[int, int] | Path:
    # By what the system says, so that links of both kinds count as the file they lead to.
    try:
        status = path.stat()
    except OSError:
        return real(path)
    return status.st_dev, status.st_ino
