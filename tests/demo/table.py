"""The table at the end of the demo, from the recorded facts; pure."""

from dataclasses import dataclass

from tests.demo.facts import (
    Release,
    bad_answers,
    failed_elsewhere,
    rollback_s,
    shares,
)
from tests.support.answers import failed, percentile_s


@dataclass(frozen=True)
class Row:
    """One line: what, how much, and what it should be; `wanted` is empty where nothing is asked."""

    what: str
    measured: str
    wanted: str = ""


def rows(good: Release | None, bad: Release | None) -> list[Row]:
    """Return the lines of the table; of what never began there are none."""
    return [*(_of_the_good(good) if good else ()), *(_of_the_bad(bad) if bad else ())]


def render(lines: list[Row]) -> str:
    """Return the table as text, in columns."""
    head = Row("", "measured", "wanted")
    all_lines = [head, *lines]
    first = max(len(one.what) for one in all_lines)
    second = max(len(one.measured) for one in all_lines)
    return "\n".join(
        f"  {one.what:<{first}}  {one.measured:>{second}}  {one.wanted}".rstrip()
        for one in all_lines
    )


def _of_the_good(release: Release) -> list[Row]:
    lines = [
        _heading(release),
        Row("  requests sent", _count(len(release.answers))),
        Row("  requests failed", _count(len(failed(release.answers))), "0"),
        Row("  P95 seen by clients", f"{percentile_s(release.answers, 95) * 1000:.0f} ms"),
    ]
    lines += [
        Row(
            f"  share of gray at weight {one.weight} %",
            str(one.share),
            f"{one.weight} % ± {one.tolerance:.1f}",
        )
        for one in shares(release)
    ]
    return [*lines, Row("  time to promotion", _duration(release), "promoted")]


def _of_the_bad(release: Release) -> list[Row]:
    bad = bad_answers(release)
    failures = sum(one.is_failed for one in bad)
    saved = sum(bool(one.degraded) and not one.is_failed for one in bad)
    seconds = rollback_s(release)
    slow = len(bad) - failures - saved
    kinds = f"{len(bad)} ({failures} failed, {saved} answered by stable, {slow} slow)"
    return [
        _heading(release),
        Row("  requests sent", _count(len(release.answers))),
        Row("  bad answers of gray", kinds, "a few, from gray"),
        Row("  failed answers not from gray", _count(len(failed_elsewhere(release))), "0"),
        Row(
            "  first bad answer to last gray answer",
            "-" if seconds is None else f"{seconds:.1f} s",
            "seconds",
        ),
        Row("  time to rollback", _duration(release), "rolled back"),
    ]


def _heading(release: Release) -> Row:
    return Row(f"{release.name} release, {release.image}", "", "")


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _duration(release: Release) -> str:
    if release.ended is None:
        return "never"
    return f"{release.ended - release.began:.0f} s"
