"""Model files: taken once, checked always, never downloaded at run time."""

import hashlib
from pathlib import Path

import pytest

from faceblur_service import models
from faceblur_service.errors import ModelError


@pytest.fixture(scope="module")
def right() -> Path:
    return models.ensure()


def test_the_manifest_file_is_the_pinned_one(right: Path) -> None:
    found = {m.name: hashlib.sha256((right / m.name).read_bytes()).hexdigest() for m in MANIFEST}

    assert found == {m.name: m.sha256 for m in MANIFEST}


MANIFEST = models.MANIFEST


def test_a_missing_model_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        models.find(environ={"FACEBLUR_MODELS_DIR": str(tmp_path)})

    path = tmp_path / "face_detection_full_range_sparse.tflite"
    assert str(caught.value) == (
        f"Model {path} is missing: run `python -m faceblur_service.models fetch {tmp_path}`."
    )


def test_a_broken_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / models.FACE_FULL_RANGE.name).write_bytes(b"not a model")

    with pytest.raises(ModelError, match=r"is broken: wanted sha256 2c3728e6\w+, found \w{64}\.$"):
        models.find(environ={"FACEBLUR_MODELS_DIR": str(tmp_path)})


def test_fetch_takes_a_local_folder_first(tmp_path: Path, right: Path) -> None:
    fetched = models.fetch(tmp_path / "new", {"FACEBLUR_MODELS_DIR": str(right)})

    assert [p.name for p in fetched] == [m.name for m in MANIFEST]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [m.name for m in MANIFEST]
    assert models.find(environ={"FACEBLUR_MODELS_DIR": str(tmp_path / "new")}) == fetched[0]


def test_fetch_leaves_a_right_file_alone(tmp_path: Path, right: Path) -> None:
    environ = {"FACEBLUR_MODELS_DIR": str(right)}
    (first,) = models.fetch(tmp_path, environ)
    before = first.stat().st_ino

    models.fetch(tmp_path, environ)

    assert first.stat().st_ino == before


def test_fetch_replaces_a_broken_file(tmp_path: Path, right: Path) -> None:
    (tmp_path / models.FACE_FULL_RANGE.name).write_bytes(b"half a download")

    (fetched,) = models.fetch(tmp_path, {"FACEBLUR_MODELS_DIR": str(right)})

    assert hashlib.sha256(fetched.read_bytes()).hexdigest() == models.FACE_FULL_RANGE.sha256


def test_ensure_uses_a_configured_folder(right: Path) -> None:
    assert models.ensure({"FACEBLUR_MODELS_DIR": str(right)}) == right


def test_the_cache_folder_follows_the_environment() -> None:
    assert models.cache_folder({"FACEBLUR_CACHE": "/c"}) == Path("/c/models")
    assert models.cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/faceblur/models")


def test_the_command_line_fetches(
    tmp_path: Path, right: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(right))

    status = models.main(["fetch", str(tmp_path)])

    assert (status, capsys.readouterr().out) == (0, f"{tmp_path / models.FACE_FULL_RANGE.name}\n")


def test_the_command_line_lists_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert models.main(["list"]) == 0

    assert capsys.readouterr().out == (
        "face_detection_full_range_sparse.tflite  mediapipe==0.10.21  "
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1  Apache-2.0\n"
    )
