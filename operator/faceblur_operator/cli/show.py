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
    decisions = [_decision(one) for one in _of(status, "decisions")[-SHOWN:]]
    history = [_ending(one) for one in _of(status, "history")[-SHOWN:]]
    parts = [_columns(facts)]
    for title, rows in (("Objectives", slos), ("Decisions", decisions), ("History", history)):
        if rows:
            parts.append(f"{title}:\n{_columns(rows, indent='  ')}")
    return "\n".join(parts)


def told(rollout: Json) -> str:
    """Return everything that was decided about a rollout, and what it was decided by."""
    status = rollout.get("status") or {}
    parts = []
    for one in _of(status, "decisions"):
        lines = ["  ".join(cell for cell in _decision(one) if cell)]
        for shown in _of(one, "evidence"):
            lines.append(f"    {_numbers(shown)}")
            lines += [f"      {shown['query']}"] if shown.get("query") else []
        parts.append("\n".join(lines) + "\n")
    ended = [_ending(one) for one in _of(status, "history")]
    if ended:
        parts.append(f"\nHistory:\n{_columns(ended, indent='  ')}")
    return "".join(parts) or "nothing was decided yet\n"


def _decision(one: Json) -> Sequence[str]:
    """Return a decision as cells: when, what, the weight, why in a word, who, why in words."""
    again = f"; {one['count']} times until {one.get('lastTime')}" if one.get("count") else ""
    return (
        str(one["time"]),
        str(one["action"]),
        _weight(one),
        str(one.get("reason", "")),
        str(one.get("by", "")),
        f"{one.get('message', '')}{again}",
    )


def _weight(one: Json) -> str:
    before, after = one.get("fromWeight"), one.get("toWeight")
    if after is None:
        return ""
    return f"{after} %" if before in (None, after) else f"{before} → {after} %"


def _numbers(shown: Json) -> str:
    """Return what an objective showed, in one line."""
    cells = [f"{shown['name']}: {shown.get('verdict', '')}"]
    if "grayRequests" in shown:
        cells.append(f"gray {shown.get('grayBad', 0)} of {shown['grayRequests']} bad")
    if "stableRequests" in shown:
        cells.append(f"stable {shown.get('stableBad', 0)} of {shown['stableRequests']}")
    if "value" in shown:
        cells.append(f"value {shown['value']}")
    if "bound" in shown:
        cells.append(f"bound {shown['bound']}")
    if "logE" in shown:
        cells.append(f"log E {shown['logE']} of {shown.get('threshold')}")
    return ", ".join(cells)


def _ending(one: Json) -> Sequence[str | None]:
    return (one.get("time"), one["revision"], one.get("outcome"), one.get("image"))


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
