"""`faceblur blur`."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from tests.support.pictures import pair, photos
from tests.support.samples import image, saved

from faceblur_service import blur_bytes
from faceblur_service.cli import main


def _files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


ORIGINALS = ["holiday/bad.jpg", "holiday/beach/two.jpg", "holiday/one.jpg", "photo.jpg"]


def test_a_picture_is_blurred_beside_its_original(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["blur", "photo.jpg", "--sensitivity", "fast"])

    said = capsys.readouterr()
    assert (status, said.out) == (0, "")
    assert said.err == "1 picture blurred (1 face)\n"
    assert _files(folder) == sorted([*ORIGINALS, "photo.blurred.jpg"])
    assert (folder / "photo.jpg").read_bytes() == photos()[0]
    hidden = (folder / "photo.blurred.jpg").read_bytes()
    assert hidden == blur_bytes(photos()[0], sensitivity="fast").data


def test_a_folder_is_done_and_a_bad_picture_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["blur", "holiday", "-r", "-o", "safe", "--report", "csv", "-j", "2", "-q"]

    status = main(command)

    said = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert status == 1
    assert [(row["file"], row["output"], row["status"], row["code"]) for row in rows] == [
        ("holiday/bad.jpg", "safe/bad.jpg", "failed", "broken-picture"),
        ("holiday/one.jpg", "safe/one.jpg", "blurred", ""),
        ("holiday/beach/two.jpg", "safe/beach/two.jpg", "blurred", ""),
    ]
    assert said.err == f"holiday/bad.jpg: {rows[0]['error']}\n"
    assert _files(folder) == sorted([*ORIGINALS, "safe/beach/two.jpg", "safe/one.jpg"])


def test_the_same_command_again_skips_what_is_done(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["blur", "photo.jpg", "-o", "safe/"])
    first = (folder / "safe" / "photo.jpg").stat().st_mtime_ns
    capsys.readouterr()

    status = main(["blur", "photo.jpg", "-o", "safe/"])

    assert (status, (folder / "safe" / "photo.jpg").stat().st_mtime_ns) == (0, first)
    assert capsys.readouterr().err == "0 pictures blurred (0 faces), 1 done before\n"


@pytest.mark.usefixtures("folder")
def test_other_options_do_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    main(["blur", "photo.jpg", "--sensitivity", "fast"])
    capsys.readouterr()

    status = main(["blur", "photo.jpg", "--sensitivity", "fast", "--mode", "solid"])

    assert (status, capsys.readouterr().err) == (0, "1 picture blurred (1 face)\n")


def test_a_file_of_somebody_else_is_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = folder / "photo.blurred.jpg"
    taken.write_bytes(b"a person's own")

    status = main(["blur", "photo.jpg", "-q"])

    assert (status, taken.read_bytes()) == (1, b"a person's own")
    assert capsys.readouterr().err == (
        "photo.jpg: photo.blurred.jpg exists and was not made by this command: "
        "--force replaces it.\n"
    )


def test_force_replaces_it(folder: Path) -> None:
    taken = folder / "photo.blurred.jpg"
    taken.write_bytes(b"a person's own")

    status = main(["blur", "photo.jpg", "--force"])

    assert (status, taken.read_bytes()[:3]) == (0, b"\xff\xd8\xff")


def test_an_original_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["blur", "photo.jpg", "-o", "photo.jpg", "--force", "-q"])

    assert (status, (folder / "photo.jpg").read_bytes()) == (1, photos()[0])
    assert capsys.readouterr().err == (
        "photo.jpg: photo.jpg is an original: choose another output, or --in-place.\n"
    )


def test_in_place_replaces_the_original_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice would compress it again, and hide faces that are hidden."""
    photo = folder / "photo.jpg"
    (folder / "link.jpg").symlink_to(photo)
    main(["blur", "link.jpg", "--in-place"])
    once = photo.read_bytes()
    capsys.readouterr()

    status = main(["blur", "photo.jpg", "--in-place"])

    assert (status, photo.read_bytes() == once, once != photos()[0]) == (0, True, True)
    assert (folder / "link.jpg").is_symlink()
    assert capsys.readouterr().err == "0 pictures blurred (0 faces), 1 done before\n"


def test_a_linked_original_is_replaced_once(folder: Path) -> None:
    (folder / "link.jpg").symlink_to("photo.jpg")
    assert main(["blur", "link.jpg", "--in-place", "-q"]) == 0
    once = (folder / "photo.jpg").read_bytes()

    assert main(["blur", "link.jpg", "--in-place", "-q"]) == 0

    assert (folder / "link.jpg").is_symlink()
    assert once != photos()[0]
    assert (folder / "photo.jpg").stat().st_size == len(once)
    assert (folder / "photo.jpg").read_bytes() == once


def test_a_dry_run_says_what_would_be_done(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["blur", "photo.jpg", "holiday/one.jpg", "nothing.jpg", "--dry-run"])

    said = capsys.readouterr()
    assert (status, said.err) == (1, "nothing.jpg: there is no such file or folder.\n")
    assert said.out.splitlines() == [
        "planned: photo.jpg -> photo.blurred.jpg",
        "planned: holiday/one.jpg -> holiday/one.blurred.jpg",
    ]
    assert _files(folder) == ORIGINALS


def test_corrected_boxes_decide(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = {"x": 400, "y": 400, "width": 50, "height": 50}
    (folder / "boxes.json").write_text(
        json.dumps({"pictures": [{"file": "photo.jpg", "faces": [box, {**box, "hide": False}]}]})
    )

    status = main(["blur", "photo.jpg", "--boxes", "boxes.json", "--report", "json"])

    report = json.loads(capsys.readouterr().out)
    assert (status, report) == (
        0,
        {
            "options": {"mode": "blur", "strength": "normal", "sensitivity": "high"},
            "pictures": [
                {
                    "file": "photo.jpg",
                    "output": "photo.blurred.jpg",
                    "status": "blurred",
                    "faces": [{"id": "1", **box, "score": 1.0}],
                    "hiddenAgain": 0,
                }
            ],
            "summary": {"blurred": 1, "skipped": 0, "failed": 0, "planned": 0},
        },
    )


@pytest.mark.usefixtures("folder")
def test_a_picture_goes_through_a_pipe(
    stdin: io.BytesIO, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    stdin.write(photos()[0])
    stdin.seek(0)

    status = main(["blur", "-", "--mode", "solid"])

    assert status == 0
    assert capsysbinary.readouterr().out == blur_bytes(photos()[0], mode="solid").data


def test_a_pipe_may_end_in_a_file(
    folder: Path, stdin: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin.write(photos()[0])
    stdin.seek(0)

    status = main(["blur", "-", "-o", "safe.jpg", "--sensitivity", "fast"])

    assert (status, capsys.readouterr().err) == (0, "1 picture blurred (1 face)\n")
    hidden = (folder / "safe.jpg").read_bytes()
    assert hidden == blur_bytes(photos()[0], sensitivity="fast").data


@pytest.mark.usefixtures("folder")
def test_a_pipe_of_rubbish_fails_with_a_sentence(
    stdin: io.BytesIO, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    stdin.write(b"nothing")
    stdin.seek(0)

    status = main(["blur", "-"])

    said = capsysbinary.readouterr()
    assert (status, said.out, said.err.startswith(b"faceblur: Only JPEG")) == (1, b"", True)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["photo.jpg", "-o", "x", "--in-place"], "--in-place and -o exclude each other"),
        (["-", "photo.jpg"], "- stands for one picture, alone"),
        (["-", "--dry-run"], "- stands for one picture, alone"),
        (["-", "--report", "csv"], "would go to standard output"),
        (["nothing.jpg", "-o", "-"], "there is no such file"),
        (["photo.jpg", "holiday/one.jpg", "-o", "x.jpg"], "is one file, but there are 2 pictures"),
        (["photo.jpg", "--boxes", "none.json"], "none.json cannot be read: No such file"),
        (["photo.jpg", "-o", "photo.jpg/"], "-o photo.jpg/ is a file, not a folder"),
        (["photo.jpg", "-o", "safe.png"], "safe.png would hold a JPEG"),
        (["holiday", "-o", "-"], "holiday is a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], want: str
) -> None:
    status = main(["blur", *arguments])

    said = capsys.readouterr()
    assert (status, said.out, want in said.err) == (2, "", True)
    assert _files(folder) == ORIGINALS


@pytest.mark.parametrize(
    "arguments",
    [
        ["blur"],
        ["blur", "x.jpg", "--mode", "pixels"],
        ["blur", "x.jpg", "--rep", "csv"],
        ["blur", ""],
        ["blur", "photo.jpg", "-o", ""],
        ["detect", "photo.jpg", "--draw", ""],
        ["detect", "photo.jpg", "--draw", "drawing.jpg"],
    ],
)
def test_wrong_words_end_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert (ended.value.code, capsys.readouterr().err.startswith("usage: faceblur")) == (2, True)


def test_nothing_to_do_because_results_would_go_there_is_a_failure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["blur", "holiday", "-o", "holiday"])

    assert (status, "choose another folder" in capsys.readouterr().err) == (1, True)
    assert _files(folder) == ORIGINALS


def test_a_name_too_long_for_a_result_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "long").mkdir()
    (folder / "long" / f"{'照' * 83}.jpg").write_bytes(photos()[0])
    (folder / "long" / "short.jpg").write_bytes(photos()[0])

    status = main(["blur", "long", "-j", "1"])

    assert (status, "File name too long" in capsys.readouterr().err) == (1, True)
    assert (folder / "long" / "short.blurred.jpg").is_file()


def test_an_empty_folder_is_no_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()

    status = main(["blur", "empty"])

    assert (status, capsys.readouterr().err) == (
        0,
        "empty: there are no pictures\n",
    )


@pytest.mark.usefixtures("folder")
def test_a_folder_may_be_called_like_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["blur", "photo.jpg", "-o", "trip.2026/", "--dry-run"])

    said = capsys.readouterr().out
    assert (status, said) == (0, "planned: photo.jpg -> trip.2026/photo.jpg\n")


def test_only_files_are_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "out" / "photo.jpg").mkdir(parents=True)

    statuses = [
        main(["blur", "photo.jpg", "-o", target, "--force", "-q"])
        for target in ("/dev/null", "out")
    ]

    assert (statuses, Path("/dev/null").is_char_device()) == ([1, 1], True)
    assert capsys.readouterr().err.splitlines() == [
        "photo.jpg: /dev/null is no file that could be replaced.",
        "photo.jpg: out/photo.jpg is no file that could be replaced.",
    ]


def test_an_error_does_not_name_files_that_nobody_knows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["blur", "photo.jpg", "-o", "/proc/x.jpg", "-q"])

    said = capsys.readouterr().err
    assert (status, said) == (1, "photo.jpg: No such file or directory: /proc/x.jpg.\n")
    assert _files(folder) == ORIGINALS


def test_names_of_any_bytes_are_worked_on_and_reported(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    names = [os.fsdecode(name) for name in (b"a\xff.jpg", b"b\n\x1b[31m.jpg", "旅行.jpg".encode())]
    (folder / "odd").mkdir()
    for name in names:
        (folder / "odd" / name).write_bytes(photos()[0])
    command = ["blur", "odd", "-o", "out", "--sensitivity", "fast", "-j", "1", "-q", "--report"]

    first = main([*command, "json"])
    report = json.loads(capsysbinary.readouterr().out)
    again = main([*command, "csv"])
    table = os.fsdecode(capsysbinary.readouterr().out)
    main(["blur", "odd", "--dry-run"])
    lines = capsysbinary.readouterr().out.decode().splitlines()

    assert (first, [one["file"] for one in report["pictures"]]) == (0, [f"odd/{n}" for n in names])
    rows = list(csv.DictReader(io.StringIO(table)))
    assert (again, [row["file"] for row in rows]) == (0, [f"odd/{n}" for n in names])
    assert [row["status"] for row in rows] == ["skipped"] * 3
    assert lines == [
        "planned: odd/a\\xff.jpg -> odd/a\\xff.blurred.jpg",
        "planned: odd/b\\n\\x1b[31m.jpg -> odd/b\\n\\x1b[31m.blurred.jpg",
        "planned: odd/旅行.jpg -> odd/旅行.blurred.jpg",
    ]


def test_without_a_model_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(folder / "no-models"))

    status = main(["blur", "photo.jpg", "holiday/one.jpg", "-j", "1"])

    assert (status, "is missing" in capsys.readouterr().err) == (1, True)
    assert _files(folder) == ORIGINALS


@pytest.fixture
def heic(folder: Path) -> bytes:
    data = saved(image(pair()), "HEIC")
    (folder / "IMG_1.HEIC").write_bytes(data)
    return data


@pytest.mark.usefixtures("heic")
def test_a_heic_becomes_a_jpeg_by_name_and_content(folder: Path) -> None:
    status = main(["blur", "IMG_1.HEIC", "--sensitivity", "fast", "-q"])

    assert status == 0
    assert _files(folder) == sorted([*ORIGINALS, "IMG_1.HEIC", "IMG_1.blurred.jpg"])
    assert (folder / "IMG_1.blurred.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_a_jpeg_does_not_take_the_place_of_a_heic(
    folder: Path, heic: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["blur", "IMG_1.HEIC", "--in-place", "-q"])

    assert status == 1
    assert "becomes a JPEG, which cannot take its place" in capsys.readouterr().err
    assert (folder / "IMG_1.HEIC").read_bytes() == heic
