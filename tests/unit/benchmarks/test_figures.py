"""Writing measured figures down."""

from pathlib import Path

import pytest
from tests.benchmarks.figures import (
    PAGE,
    Figure,
    as_table,
    machine,
    read,
    renew,
    write,
)

FAST = Figure(name="ms.fast", value=8.25, unit="ms", target=10, n=50, machine="here")
SLOW = Figure(name="rate", value=1234.5, unit="1/s", target=2000, better="higher", machine="here")
PLAIN = Figure(name="share", value=3, unit="", machine="here")


def test_figures_come_back_as_they_were_written(tmp_path: Path) -> None:
    write("blur", [FAST, SLOW, PLAIN], tmp_path)

    assert read("blur", tmp_path) == [FAST, SLOW, PLAIN]


def test_a_figure_without_a_machine_gets_this_one(tmp_path: Path) -> None:
    write("blur", [Figure(name="x", value=1, unit="")], tmp_path)

    assert [figure.machine for figure in read("blur", tmp_path)] == [machine()]


def test_a_benchmark_that_never_ran_has_no_figures(tmp_path: Path) -> None:
    assert read("blur", tmp_path) == []


@pytest.mark.parametrize(
    ("value", "target", "better", "want"),
    [
        pytest.param(1.0, None, "lower", None, id="no promise"),
        pytest.param(1.0, 1.0, "lower", True, id="at most: the limit itself is good"),
        pytest.param(1.1, 1.0, "lower", False, id="at most: above"),
        pytest.param(1.0, 1.0, "higher", True, id="at least: the limit itself is good"),
        pytest.param(0.9, 1.0, "higher", False, id="at least: below"),
    ],
)
def test_a_promise_is_kept_on_its_good_side(
    value: float, target: float | None, better: str, want: bool | None
) -> None:
    figure = Figure(name="x", value=value, unit="", target=target, better=better)  # type: ignore[arg-type]  # a table of strings

    assert figure.is_met is want


def test_the_table_says_what_was_met_and_what_was_missed() -> None:
    assert as_table([FAST, SLOW, PLAIN]).splitlines() == [
        "Measured on here.",
        "",
        "| figure | value | target | | n |",
        "|---|---|---|---|---|",
        "| `ms.fast` | 8.25 ms | ≤ 10 ms | met | 50 |",
        "| `rate` | 1,234 1/s | ≥ 2,000 1/s | **missed** | 1 |",
        "| `share` | 3 |  |  | 1 |",
    ]


def test_a_new_table_leaves_the_other_ones_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- blur: begin -->\n\n<!-- blur: end -->\nb\n"
        "<!-- operator: begin -->\nkept\n<!-- operator: end -->\n"
    )

    renew("blur", [FAST], of=[], folder=tmp_path, page=page)

    assert page.read_text() == (
        f"a\n<!-- blur: begin -->\n{as_table([FAST])}<!-- blur: end -->\nb\n"
        "<!-- operator: begin -->\nkept\n<!-- operator: end -->\n"
    )


def test_renewed_figures_leave_those_of_other_parts_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- blur: begin -->\n<!-- blur: end -->\nb\n")
    renew("blur", [SLOW, FAST], of=[], folder=tmp_path / "gone", page=page)
    faster = Figure(name="ms.fast", value=7, unit="ms", machine="there")

    # The file of the earlier figures is gone, the page still tells them.
    renew("blur", [faster], of=["ms"], folder=tmp_path, page=page)
    renew("blur", [PLAIN], of=["share"], folder=tmp_path, page=page)

    assert read("blur", tmp_path) == [faster, PLAIN]
    assert page.read_text() == (
        "a\n<!-- blur: begin -->\n"
        "Measured on here; there.\n\n"
        "| figure | value | target | | n |\n|---|---|---|---|---|\n"
        "| `ms.fast` | 7 ms |  |  | 1 |\n"
        "| `rate` | 1,234 1/s | ≥ 2,000 1/s | **missed** | 1 |\n"
        "| `share` | 3 |  |  | 1 |\n"
        "<!-- blur: end -->\nb\n"
    )


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")

    with pytest.raises(ValueError, match="blur: begin"):
        renew("blur", [FAST], of=[], folder=tmp_path, page=page)


@pytest.mark.parametrize("name", ["blur", "operator"])
def test_the_page_has_a_place_for_every_benchmark(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.index(f"<!-- {name}: begin -->") < text.index(f"<!-- {name}: end -->")
