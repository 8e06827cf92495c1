"""The Python API."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.support.pictures import photos, portrait

import faceblur_service
from faceblur_service import (
    Box,
    blur_bytes,
    blur_file,
    blur_files,
    blur_image,
    detect_bytes,
    detect_faces,
    models,
)
from faceblur_service.matching import overlap


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(models.ensure()))


@pytest.mark.parametrize("sensitivity", ["fast", "normal", "high", "max"])
def test_a_face_is_hidden_in_a_new_array(sensitivity: str) -> None:
    picture = portrait()

    hidden = blur_image(picture, sensitivity=sensitivity)

    assert (hidden.shape, hidden.dtype) == (picture.shape, picture.dtype)
    assert np.array_equal(picture, portrait())
    assert np.mean(hidden[80:160, 190:260] != picture[80:160, 190:260]) > 0.9
    assert np.array_equal(hidden[300:], picture[300:])


def test_a_face_is_hidden_as_asked() -> None:
    boxes = [Box(190, 80, 260, 160)]
    plain = blur_image(portrait(), boxes=boxes)

    solid = blur_image(portrait(), mode="solid", boxes=boxes)
    strong = blur_image(portrait(), mode="mosaic", strength="strong", boxes=boxes)

    assert len(np.unique(solid[100:140, 210:240].reshape(-1, 3), axis=0)) == 1
    assert not np.array_equal(strong, plain)


def test_given_boxes_decide_alone() -> None:
    picture = portrait()

    hidden = blur_image(picture, boxes=[Box(400, 400, 440, 440)])

    assert np.array_equal(hidden[:350], picture[:350])
    assert not np.array_equal(hidden[400:440, 400:440], picture[400:440, 400:440])


def test_a_face_is_found_with_its_place_and_score() -> None:
    surest = detect_faces(portrait())[0]

    seen = overlap(surest.box, Box(183, 75, 267, 168))
    assert (surest.id, surest.box.score > 0.5, seen > 0.5) == ("1", True, True)


def test_bytes_and_files_give_the_same_picture(tmp_path: Path) -> None:
    data = photos()[0]
    source, target = tmp_path / "in.jpg", tmp_path / "made" / "out.jpg"
    source.write_bytes(data)

    result = blur_bytes(data)
    faces = blur_file(source, str(target))

    assert faces == result.faces == detect_bytes(data).faces
    assert (target.read_bytes(), source.read_bytes()) == (result.data, data)


def test_an_original_is_never_overwritten(tmp_path: Path) -> None:
    source, link = tmp_path / "in.jpg", tmp_path / "link.jpg"
    source.write_bytes(photos()[0])
    link.symlink_to(source)

    with pytest.raises(ValueError, match="is the original"):
        blur_file(source, link)
    with pytest.raises(ValueError, match="is an original"):
        list(blur_files([(source, link)]))

    assert source.read_bytes() == photos()[0]


def test_many_files_are_done_and_a_bad_one_is_told(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(photos()[0])
    bad.write_bytes(b"\xff\xd8\xff nothing")

    done = dict(blur_files([(bad, tmp_path / "b.jpg"), (good, tmp_path / "g.jpg")], workers=1))

    assert {path: answer.code for path, answer in done.items()} == {
        bad: "broken-picture",
        good: None,
    }
    assert (tmp_path / "g.jpg").read_bytes() == blur_bytes(photos()[0]).data
    assert not (tmp_path / "b.jpg").exists()


@pytest.mark.parametrize(
    ("picture", "want"),
    [
        (np.zeros((9, 9), np.uint8), r"shape \(9, 9\)"),
        (np.zeros((9, 9, 4), np.uint8), r"shape \(9, 9, 4\)"),
        (np.zeros((9, 9, 3), np.float32), "found float32"),
        (np.zeros((0, 9, 3), np.uint8), "empty"),
    ],
)
def test_another_array_is_refused(picture: np.ndarray, want: str) -> None:
    with pytest.raises(ValueError, match=want):
        blur_image(picture)


@pytest.mark.parametrize(
    ("box", "want"),
    [
        pytest.param(Box(50, 50, 10, 90), ValueError, id="left and right exchanged"),
        pytest.param(Box(50, 60, 30, 40), ValueError, id="width and height for a corner"),
        pytest.param(Box(50, 50, 50, 90), ValueError, id="no width"),
        pytest.param(Box(float("nan"), 1, 9, 9), ValueError, id="no number"),
        pytest.param((1, 2, 30, 40), TypeError, id="no box"),
    ],
)
def test_a_box_that_would_hide_nothing_is_refused(box: Box, want: type[Exception]) -> None:
    with pytest.raises(want, match="Box 2 must"):
        blur_image(portrait(), boxes=[Box(1, 1, 9, 9), box])
    with pytest.raises(want, match="Box 1 must"):
        blur_bytes(photos()[0], boxes=[box])


@pytest.mark.parametrize("given", [None, [1, 2], "photo.jpg"])
def test_what_is_no_array_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match="picture must be an array, found"):
        blur_image(given)  # type: ignore[arg-type]  # what people give by mistake


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_taken(kind: type) -> None:
    assert blur_bytes(kind(photos()[0])).data == blur_bytes(photos()[0]).data


def test_a_name_in_place_of_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match="data must be the content of a file, found str"):
        blur_bytes("photo.jpg")  # type: ignore[arg-type]  # what people give by mistake
    with pytest.raises(TypeError, match="data must be the content of a file, found PosixPath"):
        detect_bytes(Path("photo.jpg"))  # type: ignore[arg-type]  # the same


@pytest.mark.parametrize("workers", [0, -1])
def test_too_few_workers_are_refused(tmp_path: Path, workers: int) -> None:
    jobs = [(tmp_path / "a.jpg", tmp_path / "b.jpg"), (tmp_path / "c.jpg", tmp_path / "d.jpg")]

    with pytest.raises(ValueError, match="workers must be 1 or more"):
        list(blur_files(jobs, workers=workers))


def test_another_sensitivity_is_refused() -> None:
    with pytest.raises(ValueError, match="ultra"):
        blur_image(portrait(), sensitivity="ultra")


def test_every_offered_name_is_there() -> None:
    assert [name for name in faceblur_service.__all__ if not hasattr(faceblur_service, name)] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = faceblur_service.nothing


def test_a_program_that_used_it_ends_quietly() -> None:
    """Native threads are gone at exit: closing too late prints errors or hangs."""
    program = (
        "import numpy; from faceblur_service import blur_image; "
        "blur_image(numpy.zeros((64, 64, 3), numpy.uint8))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
