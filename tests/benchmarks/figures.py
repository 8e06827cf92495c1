"""Measured figures: how one is written down, and how `docs/benchmarks.md` is made of them.

Every benchmark ends with a list of `Figure`s in `build/bench/NAME.json`. The page holds one table
per file, between two marks, so that running one benchmark leaves the tables of the others alone.
"""

import json
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
PAGE = ROOT / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value."""

    name: str
    """Dotted, from the general to the special: `ms.high.1280x720`."""

    value: float

    unit: str
    """`ms`, `1/s`, `MiB`, `%` …; `` for a plain share or ratio."""

    target: float | None = None
    """What was promised; None when nothing was."""

    better: Literal["lower", "higher"] = "lower"
    """Which side of the target is good."""

    n: int = 1
    """How many measurements or things the value rests on."""

    machine: str = ""
    """What it was measured on; `machine()` by default when written."""

    @property
    def is_met(self) -> bool | None:
        """Whether the promise was kept; None when there was none."""
        if self.target is None:
            return None
        good = self.value <= self.target if self.better == "lower" else self.value >= self.target
        return bool(good)


def machine() -> str:
    """Return cores, processor and kernel of this machine, for people."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {_processor()}, {platform.system()} {platform.release().split('-')[0]}"


def write(name: str, figures: Iterable[Figure], folder: Path = FOLDER) -> Path:
    """Write the figures of a benchmark to NAME.json and return its path."""
    here = machine()
    rows = [{**asdict(figure), "machine": figure.machine or here} for figure in figures]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    new = path.with_suffix(".part")
    new.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(path)
    return path


def read(name: str, folder: Path = FOLDER) -> list[Figure]:
    """Return the figures that a benchmark wrote; none when it has not run."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return []
    return [Figure(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def renew(
    name: str,
    measured: Sequence[Figure],
    *,
    of: Iterable[str],
    folder: Path = FOLDER,
    page: Path = PAGE,
) -> None:
    """Replace some figures of a benchmark, in its file and in the page; the others stay.

    Args:
        name: the benchmark.
        measured: the new figures.
        of: what they are figures of: `rollback.flip`, or `rollback` for all of these.
        folder: where the file is.
        page: where the table is. What stands there stays also when the file does not have it: a
            fresh checkout has the page only.
    """
    begins = tuple(f"{one}." for one in of)
    kept = [one for one in read(name, folder) if not one.name.startswith(begins)]
    write(name, _in_order([*kept, *measured]), folder)
    text, span = _table_of(name, page)
    old = text[slice(*span)]
    rows = {found[1]: found[0] for found in re.finditer(r"^\| `([^`]+)` \|.*$", old, re.MULTILINE)}
    rows = {known: row for known, row in rows.items() if not known.startswith(begins)}
    rows |= {one.name: _row(one) for one in measured}
    said = re.search(r"^Measured on (.+)\.$", old, re.MULTILINE)
    where = [
        *(said[1].split("; ") if said and len(rows) > len(measured) else []),
        *_where(measured),
    ]
    lines = [rows[known] for known in sorted(rows, key=_family)]
    page.write_text(f"{text[: span[0]]}\n{_table(where, lines)}{text[span[1] :]}", encoding="utf-8")


def _in_order(figures: Iterable[Figure]) -> list[Figure]:
    return sorted(figures, key=lambda one: _family(one.name))


def _family(name: str) -> str:
    return name.split(".")[0]


def _table_of(name: str, page: Path) -> tuple[str, tuple[int, int]]:
    """Return the text of the page, and where in it the table of a benchmark is.

    Raises:
        ValueError: The page has no marks for this benchmark.
    """
    text = page.read_text(encoding="utf-8")
    start, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    found = re.search(f"(?<={re.escape(start)}).*?(?={re.escape(end)})", text, re.DOTALL)
    if not found:
        raise ValueError(f"{page}: wanted a table between {start} and {end}, found no such marks")
    return text, found.span()


def as_table(figures: Sequence[Figure]) -> str:
    """Return a Markdown table, preceded by the machines it was measured on."""
    return _table(_where(figures), [_row(figure) for figure in figures])


def _where(figures: Iterable[Figure]) -> list[str]:
    here = machine()
    return [figure.machine or here for figure in figures]


def _table(where: Sequence[str], rows: Sequence[str]) -> str:
    lines = [f"Measured on {'; '.join(dict.fromkeys(where))}.", ""] if where else []
    lines += ["| figure | value | target | | n |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *rows]) + "\n"


def _row(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    target = ""
    if figure.target is not None:
        sign = "≤" if figure.better == "lower" else "≥"
        target = f"{sign} {_number(figure.target)}{unit}"
    mark = {True: "met", False: "**missed**", None: ""}[figure.is_met]
    value = f"{_number(figure.value)}{unit}"
    return f"| `{figure.name}` | {value} | {target} | {mark} | {figure.n} |"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    named = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return named[1].strip() if named else platform.machine()
