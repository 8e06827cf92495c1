"""Makes the reference page of the charts' values out of the comments in values.yaml.

Called by `generate.py`. A value is explained by the comment above it, or above its group.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

INDENT = 2


@dataclass
class Lines:
    """The lines of a values.yaml while they are read.

    Attributes:
        comment: the comment above the present line.
        keys: the keys that lead to it, outermost first.
    """

    comment: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def take(self, line: str) -> tuple[tuple[str, ...], str] | None:
        """Return the keys that lead to a value and its comment, None for every other line."""
        text = line.strip()
        if not text or text.startswith("#"):
            self.comment = [*self.comment, text.removeprefix("#").strip()] if text else []
            return None
        depth = (len(line) - len(line.lstrip())) // INDENT
        self.keys = [*self.keys[:depth], text.split(":")[0]]
        comment, self.comment = " ".join(self.comment), []
        return tuple(self.keys), comment


def explained(path: Path) -> Iterator[tuple[str, Any, str]]:
    """Return every value of a values.yaml: its path, its default, and the comment above it."""
    text = path.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    lines = Lines()
    found = [one for one in map(lines.take, text.splitlines()) if one is not None]
    for keys, comment in found:
        yield ".".join(keys), _at(values, keys), comment


def page(charts: Path, header: str) -> str:
    """Return the page about the values of all charts."""
    lines = [f"<!-- {header} -->", "# Values of the charts", ""]
    for chart in sorted(path.parent for path in charts.glob("*/Chart.yaml")):
        about = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
        lines += [f"## {chart.name}", "", about["description"], ""]
        lines += ["| value | default | meaning |", "|---|---|---|"]
        rows = explained(chart / "values.yaml")
        lines += [_row(*one) for one in rows if one[2] or not isinstance(one[1], dict)]
        lines += [""]
    return "\n".join(lines)


def _row(path: str, default: Any, comment: str) -> str:
    shown = "" if isinstance(default, dict) and default else f"`{_short(default)}`"
    meaning = comment.replace("|", "\\|").replace("<", "&lt;")
    return f"| `{path}` | {shown} | {meaning} |"


def _short(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()


def _at(values: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        values = values[key]
    return values
