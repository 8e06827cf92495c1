"""The table and the live lines, as printed."""

from tests.demo.facts import Release
from tests.demo.table import render, rows
from tests.demo.terminal import event_line
from tests.unit.demo.recorded import a_bad_release, a_good_release, answers, seen


def test_the_table_of_a_whole_run() -> None:
    lines = [(one.what.strip(), one.measured, one.wanted) for one in rows(*_both())]

    assert lines == [
        ("good release, new", "", ""),
        ("requests sent", "2 200", ""),
        ("requests failed", "0", "0"),
        ("P95 seen by clients", "100 ms", ""),
        ("share of gray at weight 5 %", "4.9 % (18 of 370)", "5 % ± 1.5"),
        ("share of gray at weight 25 %", "24.9 % (92 of 370)", "25 % ± 1.5"),
        ("share of gray at weight 50 %", "50.0 % (185 of 370)", "50 % ± 1.5"),
        ("share of gray at weight 100 %", "100.0 % (370 of 370)", "100 % ± 1.5"),
        ("time to promotion", "100 s", "promoted"),
        ("bad release, worse", "", ""),
        ("requests sent", "800", ""),
        ("bad answers of gray", "10 (10 failed, 0 answered by stable, 0 slow)", "a few, from gray"),
        ("failed answers not from gray", "0", "0"),
        ("first bad answer to last gray answer", "9.0 s", "seconds"),
        ("time to rollback", "31 s", "rolled back"),
    ]


def test_columns_are_aligned() -> None:
    text = render(rows(*_both()))

    ends = {
        line.rindex("wanted" if "wanted" in line else "±" if "±" in line else "promoted")
        for line in text.splitlines()
        if line.rstrip().endswith(("wanted", "promoted"))
    }
    assert len(ends) == 1


def test_nothing_that_never_began_is_shown() -> None:
    assert rows(None, None) == []


def test_an_unfinished_release_says_never() -> None:
    lines = rows(a_good_release(ended=None), None)

    assert lines[-1].measured == "never"


def test_an_event_has_its_share_its_counts_and_its_reason() -> None:
    line = event_line(
        seen(0, "Progressing", 25, step="2/4", message="all objectives pass"),
        answers(0, 20, 25),
        (1234, 0),
    )

    assert line == (
        "Progressing 2/4    25 %  25.0 % (100 of 400)    1234      0   100 ms  Pass         "
        "all objectives pass"
    )


def _both() -> tuple[Release, Release]:
    return a_good_release(), a_bad_release()
