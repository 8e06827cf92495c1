"""Which pictures the command line names, and where their results go."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MARK = ".blurred"
"""In the name of a result beside its original; a folder's own results are not taken again."""


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
    """What was named, and why there is no picture."""


def find(named: Sequence[str], *, recursive: bool) -> Found:
    """Return the pictures that were named, in their order; those of a folder by name."""
    found = Found()
    seen: set[Path] = set()
    for name in named:
        reason = "there is no such file or folder."
        if glob.has_magic(name) and not os.path.lexists(name):
            reason = "no picture matches this pattern."
        taken = list(_of(name, recursive=recursive))
        if not taken and not Path(name).is_dir():
            found.missing[name] = reason
        for source in taken:
            real = source.path.resolve()
            if real not in seen:
                seen.add(real)
                found.sources.append(source)
    return found


def _of(name: str, *, recursive: bool) -> Iterator[Source]:
    path = Path(name)
    if path.is_dir():
        for file in _pictures(path, recursive=recursive):
            yield Source(file, path)
    elif path.exists():
        yield Source(path, path.parent)
    elif glob.has_magic(name):
        root = _fixed_part(path)
        for one in sorted(glob.glob(name, recursive=True)):
            file = Path(one)
            if file.is_file() and not _is_ours(file.name):
                yield Source(file, root)


def _pictures(folder: Path, *, recursive: bool) -> Iterator[Path]:
    # Imported here: this loads OpenCV, which --help can do without. Of a folder, names decide what
    # is a picture; a file that is named itself is always tried, and its content decides.
    from faceblur_service.codec import Format

    suffixes = {suffix for kind in Format for suffix in kind.suffixes}
    # Not into linked folders: they may lead in circles, or to pictures nobody meant.
    for here, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if recursive else []
        for name in sorted(names):
            if Path(name).suffix.lower() in suffixes and not _is_ours(name):
                yield Path(here) / name


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


def clashes(pairs: Iterable[tuple[Path, Path]]) -> dict[Path, str]:
    """Return what must not be written: originals, and two results in one place.

    Args:
        pairs: (source, target) of every picture.

    Returns:
        A sentence by source.
    """
    pairs = list(pairs)
    originals = {_identity(source) for source, _ in pairs}
    taken: dict[Path, Path] = {}
    bad: dict[Path, str] = {}
    for source, target in pairs:
        place = target.resolve()
        if _identity(target) in originals:
            bad[source] = f"{target} is an original: choose another output, or --in-place."
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
        return path.resolve()
    return status.st_dev, status.st_ino
