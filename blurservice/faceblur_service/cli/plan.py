"""What `blur` is going to do, decided before anything is done."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from faceblur_service.cli import sources as _sources
from faceblur_service.cli.ledger import Ledger, how, state
from faceblur_service.cli.report import Row, Status
from faceblur_service.cli.sources import Source
from faceblur_service.cli.words import UsageError
from faceblur_service.filejob import FileAnswer, FileJob
from faceblur_service.geometry import Box
from faceblur_service.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where results go, and what may be replaced."""

    output: Path | None = None
    """A folder, or the file of a single picture; None: beside each original."""

    is_folder: bool = False
    """The output is a folder, whatever it is called: it was written with a / behind."""

    in_place: bool = False
    force: bool = False
    """Do again what was done, and replace what is there."""


@dataclass(slots=True)
class Plan:
    """Jobs, and rows of what needs no work or cannot be done."""

    jobs: list[FileJob] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def make(
    found: Sequence[Source],
    wish: Wish,
    options: Options,
    version: str,
    boxes: Mapping[Path, tuple[Box, ...]],
) -> Plan:
    """Return what to do with the pictures.

    Args:
        found: The pictures.
        wish: Where results go.
        options: How to hide.
        version: What a result depends on beside these: another version does its work again.
        boxes: Corrected boxes by picture.

    Raises:
        UsageError: Several results would go into one file, or one into a file of another format.
    """
    pairs = [(source.path, _target(source, wish, len(found))) for source in found]
    bad = {} if wish.in_place else _sources.clashes(pairs, "choose another output, or --in-place")
    plan, ledgers = Plan(), _Ledgers(wish)
    for path, target in pairs:
        if path in bad:
            plan.rows.append(_failed(path, target, "output-taken", bad[path]))
            continue
        if wish.in_place and _sources.result_name(path) != path:
            text = f"{path} becomes a JPEG, which cannot take its place: use -o, not --in-place."
            plan.rows.append(_failed(path, None, "other-format", text))
            continue
        mine = replace(options, boxes=boxes[path]) if path in boxes else options
        _decide(plan, path, target, mine, wish, ledgers.of(target), how(mine, version))
    return plan


def _decide(
    plan: Plan,
    path: Path,
    target: Path,
    options: Options,
    wish: Wish,
    ledger: Ledger,
    wanted: str,
) -> None:
    before = state(path)
    if before is None:
        plan.rows.append(_failed(path, target, "file-error", "it cannot be read."))
    elif not wish.force and ledger.is_done(path, target, wanted):
        plan.rows.append(Row(str(path), str(target), Status.SKIPPED))
    elif os.path.lexists(target) and not os.path.isfile(target):
        text = f"{target} is no file that could be replaced."
        plan.rows.append(_failed(path, target, "output-taken", text))
    elif os.path.isfile(target) and not (wish.in_place or wish.force or ledger.made(target)):
        text = f"{target} exists and was not made by this command: --force replaces it."
        plan.rows.append(_failed(path, target, "output-taken", text))
    else:
        note = ledger.note(before, target, wanted)
        plan.jobs.append(FileJob(source=path, target=target, options=options, before_naming=note))


def _target(source: Source, wish: Wish, count: int) -> Path:
    if wish.in_place:
        # A link stays one: what it leads to is replaced.
        return _sources.real(source.path) if source.path.is_symlink() else source.path
    if wish.output is not None and _is_file(wish, wish.output):
        if count != 1:
            text = f"-o {wish.output} is one file, but there are {count} pictures."
            raise UsageError(f"{text} A folder is written {wish.output}/.")
        other = _sources.other_format(source.path, wish.output)
        if other:
            raise UsageError(f"-o {other}")
        return wish.output
    return _sources.target_of(source, wish.output)


def _is_file(wish: Wish, output: Path) -> bool:
    if os.path.isdir(output):
        return False
    if wish.is_folder and os.path.lexists(output):
        raise UsageError(f"-o {output}/ is a file, not a folder.")
    return not wish.is_folder and (bool(output.suffix) or os.path.lexists(output))


class _Ledgers:
    """One ledger per folder, read once."""

    def __init__(self, wish: Wish) -> None:
        self._output = wish.output
        self._read: dict[Path, Ledger] = {}

    def of(self, target: Path) -> Ledger:
        folder = target.parent
        if self._output is not None and self._output in target.parents:
            folder = self._output
        if folder not in self._read:
            self._read[folder] = Ledger(folder)
        return self._read[folder]


def _failed(path: Path, target: Path | None, code: str, text: str) -> Row:
    answer = FileAnswer(code=code, error=text)
    return Row(str(path), None if target is None else str(target), Status.FAILED, answer)


def missing(named: Mapping[str, str]) -> list[Row]:
    """Return rows for what was named and is not there."""
    return [
        Row(name, None, Status.FAILED, FileAnswer(code="file-error", error=text))
        for name, text in named.items()
    ]
