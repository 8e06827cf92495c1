"""What was done already."""

import os
from pathlib import Path

import pytest

from faceblur_service.cli.ledger import NAME, Ledger, Note, how, state
from faceblur_service.options import Mode, Options


def _done(folder: Path) -> tuple[Path, Path]:
    """Return a picture and its result, noted."""
    source, target = folder / "in.jpg", folder / "sub" / "out.jpg"
    source.write_bytes(b"picture")
    target.parent.mkdir()
    target.write_bytes(b"hidden")
    before = state(source)
    assert before is not None
    Ledger(folder).note(before, target, "how")(target)
    return source, target


def test_a_result_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    source, target = _done(tmp_path)

    ledger = Ledger(tmp_path)

    assert (ledger.is_done(source, target, "how"), ledger.made(target)) == (True, True)


def test_other_options_are_another_result(tmp_path: Path) -> None:
    source, target = _done(tmp_path)

    assert Ledger(tmp_path).is_done(source, target, "otherwise") is False


def test_a_changed_picture_is_done_again(tmp_path: Path) -> None:
    source, target = _done(tmp_path)
    source.write_bytes(b"another picture")

    ledger = Ledger(tmp_path)

    assert (ledger.is_done(source, target, "how"), ledger.made(target)) == (False, True)


@pytest.mark.parametrize("change", ["rewritten", "removed", "touched"])
def test_a_changed_result_is_not_ours_any_more(tmp_path: Path, change: str) -> None:
    source, target = _done(tmp_path)
    match change:
        case "rewritten":
            target.write_bytes(b"edited by a person")
        case "removed":
            target.unlink()
        case _:
            os.utime(target, (1, 1))

    ledger = Ledger(tmp_path)

    assert (ledger.is_done(source, target, "how"), ledger.made(target)) == (False, False)


def test_a_picture_replaced_by_its_result_is_done(tmp_path: Path) -> None:
    source = tmp_path / "in.jpg"
    source.write_bytes(b"picture")
    before = state(source)
    assert before is not None
    source.write_bytes(b"hidden, and longer")
    Ledger(tmp_path).note(before, source, "how")(source)

    assert Ledger(tmp_path).is_done(source, source, "how") is True


@pytest.mark.parametrize(
    "rubbish",
    [
        "{",
        "[" * 100_000,
        "[]",
        '{"file": "x"}',
        '{"file": "x", "source": [1], "target": 2, "how": 3}',
    ],
)
def test_a_line_that_was_cut_off_costs_only_itself(tmp_path: Path, rubbish: str) -> None:
    source, target = _done(tmp_path)
    with (tmp_path / NAME).open("a") as file:
        file.write(rubbish)

    ledger = Ledger(tmp_path)
    ledger.note((1, 2), target, "again")(target)

    assert ledger.made(target) is True
    assert Ledger(tmp_path).is_done(source, target, "again") is False
    assert (tmp_path / NAME).read_text().splitlines()[1] == rubbish


def test_bytes_of_a_broken_disk_cost_only_their_line(tmp_path: Path) -> None:
    source, target = _done(tmp_path)
    line = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(b"\xff\x00\xfe\n" + line)

    assert Ledger(tmp_path).is_done(source, target, "how") is True


def test_an_unreadable_ledger_has_done_nothing(tmp_path: Path) -> None:
    source, target = _done(tmp_path)
    (tmp_path / NAME).write_bytes(b"\xff\xfe")

    assert Ledger(tmp_path).is_done(source, target, "how") is False


def test_a_result_that_never_got_its_name_does_not_hide_the_one_before(tmp_path: Path) -> None:
    """The line is written first: a kill between the two leaves the old result in its place."""
    source, target = _done(tmp_path)
    unfinished = tmp_path / "scratch"
    unfinished.write_bytes(b"hidden in another way")
    Ledger(tmp_path).note((1, 2), target, "again")(unfinished)

    ledger = Ledger(tmp_path)

    assert (ledger.made(target), ledger.is_done(source, target, "again")) == (True, False)


def test_a_name_that_is_not_in_utf_8_is_remembered(tmp_path: Path) -> None:
    target = tmp_path / os.fsdecode(b"caf\xe9\n.jpg")
    target.write_bytes(b"hidden")

    Ledger(tmp_path).note((1, 2), target, "how")(target)

    assert Ledger(tmp_path).made(target) is True


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    note = Note(Path("/dev/full"), "x.jpg", (1, 2), "how")

    with pytest.raises(OSError, match="No space left"):
        note(tmp_path)


def test_how_names_options_and_version() -> None:
    names = {
        how(Options(), "1"),
        how(Options(), "2"),
        how(Options(mode=Mode.SOLID), "1"),
        how(Options(boxes=()), "1"),
    }

    assert len(names) == 4
