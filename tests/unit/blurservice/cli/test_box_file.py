"""Corrected boxes of many pictures."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceblur_service.cli.box_file import read
from faceblur_service.cli.words import UsageError
from faceblur_service.geometry import Box

ONE = {"id": "1", "x": 1, "y": 2, "width": 3, "height": 4, "score": 0.5}
BOX = Box(1, 2, 4, 6)


def _file(folder: Path, content: Any) -> Path:
    path = folder / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_boxes_belong_to_the_picture_that_is_named(tmp_path: Path) -> None:
    a, b, c = (tmp_path / f"{name}.jpg" for name in "abc")
    pictures = [
        {"file": str(a), "faces": [ONE, {**ONE, "hide": False}]},
        {"file": "b.jpg", "faces": []},
        {"file": str(c), "error": "broken"},
    ]

    boxes = read(_file(tmp_path, {"pictures": pictures}), [a, b, c])

    assert boxes == {a: (BOX,), b: ()}


def test_a_single_picture_needs_no_name(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"

    assert read(_file(tmp_path, {"faces": [ONE]}), [source]) == {source: (BOX,)}


@pytest.mark.parametrize(
    ("content", "want"),
    [
        ("{", "is not JSON"),
        ([], "must hold what `faceblur detect` prints"),
        ({"pictures": 3}, "must hold what `faceblur detect` prints"),
        ({"pictures": [{"faces": []}]}, "a picture has no file name"),
        ({"pictures": [{"file": "z.jpg", "faces": []}]}, "names z.jpg, which is not among"),
        ({"pictures": [{"file": "a.jpg", "faces": [3]}]}, "a.jpg: Box 1 must be an object"),
        ({"faces": [ONE]}, "is for one picture, found 2"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: Any, want: str) -> None:
    """A slip in a name would leave a face clear that somebody wanted hidden."""
    with pytest.raises(UsageError, match=want):
        read(_file(tmp_path, content), [tmp_path / "a.jpg", tmp_path / "b.jpg"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_may_be_saved_by_any_editor(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"faces": [ONE]}), encoding=encoding)

    assert len(read(path, [tmp_path / "a.jpg"])) == 1


def test_a_file_of_endless_depth_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_text("[" * 100_000)

    with pytest.raises(UsageError, match="is not JSON"):
        read(path, [tmp_path / "a.jpg"])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none.json", [])
