"""How rollouts look on a terminal. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
HEAD = ("NAME", "PHASE", "STEP", "WEIGHT", "IMAGE", "VERDICT", "MESSAGE")
SHOWN = 5


def table(rollouts: Iterable[Json]) -> str:
    """Return one line for each rollout."""
    rows = [_row(one) for one in sorted(rollouts, key=lambda one: str(one["metadata"]["name"]))]
    return _columns([HEAD, *rows]) if rows else "no rollout in this namespace\n"


def details(rollout: Json) -> str:
    """Return what there is to know about one rollout."""
    status = rollout.get("status") or {}
    facts = [
        (f"{title}:", str(value))
        for title, value in (
            ("Name", rollout["metadata"]["name"]),
            ("Phase", status.get("phase", "Pending")),
            ("Step", status.get("step", "")),
            ("Weight", f"{status.get('grayWeight', 0)} %"),
            ("Gray", status.get("grayImage", "")),
            ("Stable", status.get("stableImage", "")),
            ("Revision", status.get("revision", "")),
            ("Message", status.get("message", "")),
        )
    ]
    slos = [(one["name"], one.get("verdict"), one.get("message")) for one in _of(status, "slos")]
    decisions = [
        (one["time"], one["action"], one.get("reason"), one.get("by"), one.get("message"))
        for one in _of(status, "decisions")[-SHOWN:]
    ]
    history = [
        (one.get("time"), one["revision"], one.get("outcome"), one.get("image"))
        for one in _of(status, "history")[-SHOWN:]
    ]
    parts = [_columns(facts)]
    for title, rows in (("Objectives", slos), ("Decisions", decisions), ("History", history)):
        if rows:
            parts.append(f"{title}:\n{_columns(rows, indent='  ')}")
    return "\n".join(parts)


def _of(status: Json, name: str) -> list[Json]:
    return list(status.get(name) or [])


def _row(rollout: Json) -> Sequence[str]:
    status = rollout.get("status") or {}
    return (
        str(rollout["metadata"]["name"]),
        str(status.get("phase", "Pending")),
        str(status.get("step", "")),
        str(status.get("grayWeight", 0)),
        str(rollout["spec"]["image"]),
        str(status.get("verdict", "")),
        str(status.get("message", "")),
    )


def _columns(rows: Sequence[Sequence[object]], *, indent: str = "") -> str:
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*texts, strict=True)]
    lines = (
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in texts
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)
